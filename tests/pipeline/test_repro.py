"""`dvc repro`: what it makes, and what it leaves alone."""

import json
import re
from ast import literal_eval
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from carousel.drift.profile import Profile
from carousel.points import points
from carousel.template import plots_page
from tests.conftest import Checkout, make_checkout
from tests.support.pages import assert_standalone, outline

pytestmark = pytest.mark.pipeline

STAGES = [
    "collect", "prepare", "tokenize", "build_vocab", "encode", "baseline", "sweep", "train", "evaluate", "register",
]  # fmt: skip


def ran(printed: str) -> list[str]:
    return re.findall(r"Running stage '(\w+)'", printed)


def test_the_first_run_makes_version_1_and_every_report(finished: Checkout) -> None:
    assert sorted(ran((finished.path / "repro.log").read_text())) == sorted(STAGES)
    assert finished.read("reports/registered.json")["version"] == 1
    assert finished.read("reports/registered.json")["aliases"] == ["challenger"]
    assert 0.5 < finished.read("reports/test.json")["accuracy"] <= 1
    assert 0.5 < finished.read("reports/baseline.json")["accuracy"] <= 1
    assert finished.read("reports/source.json")["python"].startswith("3.")


def test_a_second_run_runs_nothing(finished: Checkout) -> None:
    printed = finished.run("dvc", "repro")
    assert ran(printed) == []
    assert "up to date" in printed


def test_nothing_on_the_terminal_looks_like_a_warning(finished: Checkout) -> None:
    log = (finished.path / "repro.log").read_text()
    assert not re.search(r"\bwarning", log.replace("WARNING: 'reports", ""), re.IGNORECASE)
    assert "deprecated" not in log
    assert "Traceback" not in log


def test_long_work_prints_plain_lines_where_there_is_no_terminal(finished: Checkout) -> None:
    log = (finished.path / "repro.log").read_text()
    assert re.search(r"^epoch +1/3  train loss", log, re.MULTILINE)
    assert re.search(r"^trial 1/2  val accuracy", log, re.MULTILINE)
    assert "\x1b" not in log


def test_the_run_says_what_the_documents_decided(finished: Checkout) -> None:
    run = finished.read("models/run.json")["run_id"]
    metrics = json.loads(
        finished.python(
            "import json; from carousel.tracking.store import connect;"
            f"print(json.dumps(connect().get_run({run!r}).data.metrics))"
        ).splitlines()[-1]
    )
    report = finished.read("reports/train.json")
    documents = sum(
        pl.read_parquet(finished.path / f"data/prepared/{name}.parquet").height for name in ("train", "val")
    )
    assert metrics["train/documents"] == report["documents"] == documents  # few, so validation's are learned from
    assert metrics["train/refit_epochs"] == report["refit_epochs"] == 3
    assert metrics["refit/loss"] > 0
    assert (metrics["train/epochs"], metrics["train/batch_tokens"]) == (3, 1024)
    assert (report["epochs"], report["batch_tokens"]) == (3, 1024)


def test_the_model_page_has_the_numbers_of_the_reports_and_lies_with_the_run(finished: Checkout) -> None:
    page = (finished.path / "reports/model.html").read_text("utf-8")
    assert_standalone(page)
    test, baseline = finished.read("reports/test.json"), finished.read("reports/baseline.json")
    rows = {row[0]: row for row in outline(page).rows["metrics"]}
    for name, title in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
        difference = points(test[name], baseline[name]).replace("-", "−").replace("+0.0", "0.0")
        assert rows[title][1:4] == [f"{test[name]:.4f}", f"{baseline[name]:.4f}", difference]
    assert finished.read("reports/registered.json")["fingerprint"] in page
    run = finished.read("models/run.json")["run_id"]
    logged = finished.python(
        "from carousel.tracking.store import connect;"
        f"print(*[file.path for file in connect().list_artifacts({run!r}, 'pages')])"
    )
    assert logged.split()[-1] == "pages/model.html"
    assert "reports/model.html" not in finished.run("git", "ls-files", "reports")


def test_the_profile_counts_the_predictions_on_the_test_split(finished: Checkout) -> None:
    written = (finished.path / "reports/profile.json").read_text("utf-8")
    profile = Profile.from_json(written)
    predicted = pl.read_parquet(finished.path / "data/predictions/test.parquet")
    assert profile.examples == predicted.height
    assert profile.classes == Counter(predicted["predicted"])
    assert profile.mean_confidence == pytest.approx(predicted["probability"].mean(), abs=1e-4)
    assert profile.tokens == predicted["tokens"].sum()
    assert 0 <= profile.unknown_rate < 0.2
    run = finished.read("models/run.json")["run_id"]
    logged = finished.python(
        "import mlflow; from carousel.tracking.store import connect; connect();"
        f"print(repr(mlflow.artifacts.load_text('runs:/{run}/profile.json')))"
    )
    assert literal_eval(logged.splitlines()[-1]) == written


def test_the_vocabulary_has_no_word_that_only_the_test_split_has(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    checkout.set_params({"tokenizer.name": "words"})  # hardly any subword is in one split alone
    checkout.run("dvc", "repro", "build_vocab")
    vocabulary = set((checkout.path / "artifacts/parts/vocab.txt").read_text("utf-8").splitlines()[3:])
    tokens = {
        split: set(pl.read_parquet(checkout.path / f"data/tokens/{split}.parquet")["tokens"].explode())
        for split in ("train", "val", "test")
    }
    only_in_test = tokens["test"] - tokens["train"]
    assert only_in_test  # else this test shows nothing
    assert vocabulary <= tokens["train"]
    assert not vocabulary & only_in_test


def test_changed_train_params_rerun_nothing_before_the_sweep(
    two_models: Checkout, finished: Checkout, tmp_path: Path
) -> None:
    log = (two_models.path / ".dvc/tmp/exp-run.log").read_text("utf-8")
    assert ran(log) == ["sweep", "train", "evaluate", "register"]
    # also a parameter that the sweep does not search
    checkout = finished.copy(tmp_path / "copy")
    checkout.set_params({"train.clip_norm": 0.5})
    assert list(json.loads(checkout.run("dvc", "status", "--json").splitlines()[-1])) == ["sweep"]


@pytest.mark.slow
def test_changed_vocab_params_rerun_from_build_vocab_on(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    checkout.set_params({"vocab.min_count": 3})
    again = ran(checkout.run("dvc", "repro"))
    assert again == ["build_vocab", "encode", "sweep", "train", "evaluate", "register"]


def test_an_unchanged_bundle_is_the_version_that_it_was(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    before = checkout.read("reports/registered.json")
    printed = checkout.run("dvc", "repro", "--force", "--single-item", "register")
    assert "holds this bundle already" in printed
    assert checkout.read("reports/registered.json") == before


def test_dvc_shows_metrics_params_and_plots(finished: Checkout, tmp_path: Path) -> None:
    metrics = finished.run("dvc", "metrics", "show")
    for name in ("reports/test.json", "reports/baseline.json", "reports/val.json", "macro_f1", "accuracy"):
        assert name in metrics
    assert max(map(len, metrics.splitlines())) <= 100
    page = tmp_path / "plots"
    plots_page.enable(finished.path)
    finished.run("dvc", "plots", "show", "--out", str(page))
    html = (page / "index.html").read_text("utf-8")
    for title in ("Training and validation loss", "Validation metric", "Lengths", "Test score by length"):
        assert title in html
    assert len(html) > 500_000  # the scripts are in the page, which needs no network
    assert 'src="http' not in html
    for column in ("train_loss", "val_score", "share", "score"):  # the plots have their data
        assert f'"{column}"' in html


def test_params_diff_names_what_changed(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    checkout.set_params({"train.clip_norm": 0.5})
    printed = checkout.run("dvc", "params", "diff")
    assert "train.clip_norm" in printed
    assert "0.5" in printed


@pytest.mark.slow
def test_an_unpacked_release_without_git_runs_and_says_so(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "carousel-0.1.0", git=False)
    checkout.set_params({"sweep.trials": 0})
    checkout.run("dvc", "repro")
    tags = checkout.python(
        "from carousel.tracking.store import connect; from carousel.registry.versions import get;"
        "print(get(connect(), 'stdlib-docs', 'challenger').tags['git.commit'])"
    )
    assert "not a git checkout" in tags
    assert "in all" in checkout.run("carousel", "summary")


def test_a_mistake_in_params_stops_the_first_stage_with_one_line(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    checkout.edit("params.yaml", "learning_rate:", "lerning_rate:")
    printed = checkout.run("pipeline/run", "collect", code=2)
    assert printed == (
        "error: params.yaml: train.lerning_rate: unknown key; did you mean train.learning_rate? "
        "(`git diff params.yaml` shows its uncommitted changes, `git checkout params.yaml` discards them)\n"
    )
    assert "error: params.yaml" in checkout.run("dvc", "repro", "--force", code=255)
