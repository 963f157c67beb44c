"""`carousel compare` on a real store: versions with logged predictions, of other data, and bare bundles."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import mlflow
import numpy as np
import polars as pl
import pytest

from carousel import layout
from carousel.cli.compare import compare
from carousel.errors import UserError
from carousel.registry import registration, versions
from carousel.tasks.classification.document import digest
from carousel.tracking.run import PREDICTIONS
from carousel.tracking.store import connect, experiment
from tests.conftest import ROOT
from tests.support.predictions import planned
from tests.support.registry import LABELS, small_bundle, small_classifier

DOCUMENTS = 400


@dataclass(frozen=True)
class Store:
    """A store with versions 1 and 2 of one test set, 3 of another one, and the run of each."""

    runs: dict[int, str]
    test: pl.DataFrame


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("compare")
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, DOCUMENTS)
    test = pl.DataFrame(
        {
            "id": [f"file:{i}" for i in range(DOCUMENTS)],
            "text": [f"[bold]<b>the dog</b> and oak {i}" for i in range(DOCUMENTS)],
            "label": [LABELS[i] for i in targets],
        }
    )
    runs = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
            patch.delenv(name, raising=False)
        shutil.copy(ROOT / "params.yaml", folder)
        layout.TEST.parent.mkdir(parents=True)
        test.write_parquet(layout.TEST)
        client = connect()
        for number, (share, data) in enumerate([(0.7, digest(test)), (0.9, digest(test)), (0.9, "older")], start=1):
            bundle = small_bundle(number)
            bundle.save(folder / str(number) / "bundle")
            right = random.random(DOCUMENTS) < share
            probabilities = np.eye(2)[np.where(right, targets, 1 - targets)] * 0.8 + 0.1
            kept = planned(LABELS, targets, probabilities=probabilities, digest=data, names=test["id"])
            with mlflow.start_run(experiment_id=experiment(client, "stdlib-docs"), run_name=f"run {number}") as run:
                mlflow.set_tag(versions.FINGERPRINT, bundle.fingerprint)
                kept.save(folder / PREDICTIONS)
                mlflow.log_artifact(str(folder / PREDICTIONS), PREDICTIONS.parent.as_posix())
                tags = {f"{versions.TEST}accuracy": str(share), versions.TEST_DIGEST: data}
                registration.register(
                    client, "stdlib-docs", bundle, folder / str(number) / "bundle", run.info.run_id, tags
                )
            runs[number] = run.info.run_id
        client.set_registered_model_alias("stdlib-docs", "champion", "1")
        yield Store(runs, test)


def compared(a: str, b: str, capsys: pytest.CaptureFixture[str], **options: object) -> dict:
    compare(a, b, **{"reevaluate": False, "html": None, "name": None, "as_json": True} | options)
    return json.loads(capsys.readouterr().out)


def test_a_planted_difference_is_found_from_kept_answers(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    found = compared("1", "2", capsys)
    assert found["better"] == "B"
    assert found["verdict"].startswith("B is better: +")
    assert found["metrics"]["accuracy"]["low"] > 0.1
    assert (found["documents"], found["test_digest"]) == (DOCUMENTS, digest(store.test))
    assert found["a"]["fingerprint"] == small_bundle(1).fingerprint
    assert found["b"]["bytes"] == sum(file.stat().st_size for file in Path("2/bundle").iterdir())
    assert all(found[side]["milliseconds"] > 0 for side in "ab")
    assert len(found["disagreements"]) == 10
    assert all(one["text"].startswith("[bold]<b>") for one in found["disagreements"])


def test_every_way_of_naming_a_model_is_the_same_model(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    expected = compared("1", "2", capsys)
    named = [("champion", "models:/stdlib-docs/2"), ("models:/stdlib-docs@champion", store.runs[2])]
    for a, b in named:
        found = compared(a, b, capsys)
        assert (found["metrics"], found["mcnemar"]) == (expected["metrics"], expected["mcnemar"])
        assert found["a"]["title"] == "stdlib-docs version 1 (champion)"
    assert found["b"]["title"] == "run 2 = stdlib-docs version 2"


def test_a_bare_bundle_is_tested_here_and_is_the_version_that_it_became(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compared("1/bundle", "1", capsys, reevaluate=True)
    assert found["agreement"] == 1
    assert found["verdict"].startswith("no difference: both models predict the same for all")
    texts, labels = store.test["text"].to_list(), store.test["label"].to_list()
    right = np.mean(
        [one.label == label for one, label in zip(small_classifier(1).predict(texts), labels, strict=True)]
    )
    assert found["metrics"]["accuracy"]["a"] == pytest.approx(right)
    against_kept = compared("./1/bundle", "2", capsys)
    assert against_kept["metrics"]["accuracy"]["a"] == pytest.approx(right)
    assert against_kept["metrics"]["accuracy"]["b"] > 0.85


def test_other_test_data_are_refused_unless_both_are_tested_again(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        UserError, match=r"tested on different data: .* version 2 on \w+, .* version 3 .*--reevaluate"
    ):
        compared("2", "3", capsys)
    with pytest.raises(UserError, match=r"version 3 .*was tested on other data \(older\).*--reevaluate"):
        compared("1/bundle", "3", capsys)
    assert compared("2", "3", capsys, reevaluate=True)["test_digest"] == digest(store.test)


def test_without_the_test_data_kept_answers_are_enough_and_bare_bundles_are_not(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    aside = tmp_path / "test.parquet"
    shutil.move(layout.TEST, aside)
    try:
        found = compared("1", "2", capsys)
        assert found["better"] == "B"
        assert found["a"]["milliseconds"] is None
        assert set(found["disagreements"][0]) == {"id", "actual", "tokens", "a", "p_a", "b", "p_b", "apart"}
        for a, options in (("1/bundle", {}), ("1", {"reevaluate": True})):
            with pytest.raises(UserError, match=r"data/prepared/test\.parquet.*`dvc repro` makes it"):
                compared(a, "2", capsys, **options)
    finally:
        shutil.move(aside, layout.TEST)


def test_a_terminal_of_any_width_shows_all_figures(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in ("60", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        compare("1", "2", reevaluate=False, html=None, name=None, as_json=False)
        printed = capsys.readouterr().out
        assert max(len(line) for line in printed.splitlines()) <= int(columns)
        for expected in (
            "version 1",
            "B is better",
            "McNemar",
            "macro-F1",
            "ms per document",
            "animals",
            "1-8",
            "[bold]",
        ):
            assert expected in printed


def test_the_page_is_whole_or_not_there(store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "deep" / "page.html"
    found = compared("1", "2", capsys, html=page)
    content = page.read_text("utf-8")
    assert found["verdict"] in unescape(content)
    assert content.rstrip().endswith("</html>")
    assert "&lt;b&gt;the dog" in content
    with pytest.raises(UserError):
        compared("1", "9", capsys, html=tmp_path / "none.html")
    assert not (tmp_path / "none.html").exists()


@pytest.mark.parametrize(
    ("a", "b", "html", "message"),
    [
        ("1", "9", None, r"has no version '9'; versions: 1, 2, 3"),
        ("1", "some/where", None, r"some/where: no such folder; a bundle's folder has a bundle\.json"),
        ("", "1", None, r"an empty name"),
        ("models:/x", "1", None, r"should look like models:/NAME@champion"),
        ("0" * 32, "1", None, r"run 0+: is not in the store"),
        ("./data", "1", None, r"data/bundle\.json: no such file; the bundle is not whole"),
        ("1", "2", "page.txt", r"--html page\.txt: should end in \.html"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    store: Store, capsys: pytest.CaptureFixture[str], a: str, b: str, html: str | None, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        compared(a, b, capsys, html=Path(html) if html else None)
    assert "\n" not in str(caught.value)


def test_a_run_without_a_version_is_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    client = connect()
    run = client.create_run(experiment(client, "stdlib-docs"))
    with pytest.raises(UserError, match="no version of stdlib-docs holds its model"):
        compared(run.info.run_id, "1", capsys)
