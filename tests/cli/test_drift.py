"""`carousel drift` on a real store: the counts of a service, or a file of texts, beside a version's profile."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mlflow
import polars as pl
import pytest

from carousel.cli import main
from carousel.drift.counting import profile_of
from carousel.drift.store import ProfileStore
from carousel.registry import registration
from carousel.tracking.run import PROFILE
from carousel.tracking.store import connect, experiment
from tests.conftest import ROOT
from tests.support.pages import assert_standalone
from tests.support.registry import small_bundle, small_classifier

NAME = "stdlib-docs"  # registry.name of params.yaml
USUAL = [f"the {'dog' if i % 3 else 'oak'} {'the ' * (i % 20)}" for i in range(300)]
OTHER = [f"strange words only {'and more ' * (i % 30)}" for i in range(300)]

Drift = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a store: version 1 has a profile of the usual texts, version 2 has none."""
    folder = tmp_path_factory.mktemp("drift")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
            patch.delenv(name, raising=False)
        shutil.copy(ROOT / "params.yaml", folder)
        client = connect()
        for seed in (1, 2):
            bundle = small_bundle(seed)
            bundle.save(folder / "bundle")
            with mlflow.start_run(experiment_id=experiment(client, NAME)) as run:
                if seed == 1:
                    mlflow.log_text(profile_of(small_classifier(1), USUAL).to_json(), PROFILE)
                version, _ = registration.register(client, NAME, bundle, folder / "bundle", run.info.run_id, {})
                registration.complete(client, version, {})
        yield folder


@pytest.fixture
def drift(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Drift:
    """Run the command in this process, and return its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["carousel", "drift", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out + printed.err

    return run


def test_usual_texts_do_not_drift_and_others_do(drift: Drift, tmp_path: Path) -> None:
    (tmp_path / "usual.txt").write_text("\n".join(USUAL))
    code, printed = drift("--model", "1", "--file", str(tmp_path / "usual.txt"))
    assert code == 0, printed
    assert printed.startswith(f"No drift.\n{NAME} version 1 (no alias): 300 predictions from {tmp_path}")
    pl.DataFrame({"body": OTHER}).write_parquet(tmp_path / "other.parquet")
    page = tmp_path / "drift.html"
    code, printed = drift("--model", "1", "--file", str(tmp_path / "other.parquet"), "--page", str(page))
    assert code == 1
    assert printed.startswith("Drifted: out-of-vocabulary rate")
    assert_standalone(page.read_text("utf-8"))
    code, printed = drift("--model", "1", "--file", str(tmp_path / "other.parquet"), "--limit", "100")
    assert code == 0


def test_what_a_service_counted_is_compared_by_day(drift: Drift, tmp_path: Path) -> None:
    store, today, model = ProfileStore(tmp_path), datetime.now(UTC).date(), small_classifier(1)
    usual, other = (profile_of(model, texts) for texts in (USUAL, OTHER))
    store.add(f"{NAME}/1", today - timedelta(days=10), other)
    store.add(f"{NAME}/1", today - timedelta(days=1), usual)
    store.add(f"{NAME}/1", today, usual)
    code, printed = drift("--state", str(tmp_path), "--model", "1", "--json")
    assert code == 0
    found = json.loads(printed)
    assert found["days"] == {(today - timedelta(days=1)).isoformat(): 300, today.isoformat(): 300}
    assert (found["predictions"], found["verdict"]) == (600, "stable")
    code, printed = drift("--state", str(tmp_path), "--model", "1", "--days", "11", "--json")
    assert (code, json.loads(printed)["predictions"]) == (1, 900)


def test_few_predictions_are_no_drift(drift: Drift, tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("\n".join(OTHER[:20]))
    code, printed = drift("--model", "1", "--file", str(tmp_path / "few.txt"))
    assert code == 0
    assert printed.startswith("Too few predictions (20) to tell a drift from chance.")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "one of them"),
        (["--state", "state", "--file", "texts"], "one of them"),
        (["--file", "texts", "--limit", "0"], "should be above 0"),
        (["--file", "texts", "--page", "drift.pdf"], "should name a file that ends in .html"),
        (["--file", "texts", "--model", "1", "--days", "3"], "--days: is for --state"),
        (["--state", "state", "--model", "1", "--column", "body"], "--column: is for --file"),
        (["--state", "state", "--model", "1"], "no service has counted predictions in this folder"),
        (["--file", "texts", "--model", "2"], "its run has no profile.json"),
        (["--file", "nothing", "--model", "1"], "no such file"),
    ],
)
def test_a_user_error_says_what_to_do(drift: Drift, arguments: list[str], reason: str) -> None:
    code, printed = drift(*arguments)
    assert code == 2
    assert reason in printed
    assert len(printed.splitlines()) == 1


def test_a_store_without_the_version_names_what_it_has(drift: Drift, tmp_path: Path) -> None:
    store, old = ProfileStore(tmp_path), datetime.now(UTC).date() - timedelta(days=30)
    store.add(f"{NAME}/7", old, profile_of(small_classifier(1), USUAL[:3]))
    code, printed = drift("--state", str(tmp_path), "--model", "1")
    assert (code, f"it has counts of {NAME}/7" in printed) == (2, True)
    store.add(f"{NAME}/1", old, profile_of(small_classifier(1), USUAL[:3]))
    code, printed = drift("--state", str(tmp_path), "--model", "1")
    assert (code, f"its last day is {old}, which --days can include" in printed) == (2, True)
