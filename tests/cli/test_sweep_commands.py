"""`carousel sweep status` and `show` on a study whose trials follow a formula."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from carousel.cli.sweep import _shown, app
from carousel.errors import UserError
from carousel.search.outcome import Outcome
from carousel.search.study import REASON
from tests.search.stand_in import formula, sweep


@pytest.fixture
def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """A study where a checkout keeps it, and this folder is that checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return formula(tmp_path / ".carousel/studies.journal", sweep(6, pruner="median", epochs=3))


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_status_shows_counts_the_best_and_the_last_trials(outcome: Outcome) -> None:
    printed = run("status")
    pruned = outcome.report()["pruned"]
    assert f"{outcome.study.name} · 6 of 6 trials ended · 0 running · {pruned} pruned · 0 failed" in printed
    assert f"{outcome.best.value:.3f}" in printed
    told = json.loads(run("status", "--json"))
    assert told["study"] == outcome.study.name
    assert sum(told["states"].values()) == 6
    assert told["best"] == [
        {"trial": outcome.best.number, "values": outcome.best.values, "params": outcome.best.params}
    ]


def test_show_tells_a_trials_values_and_curve(outcome: Outcome) -> None:
    best = outcome.best
    printed = run("show", str(best.number))
    for expected in ("state", "complete", "val_accuracy", f"{best.value:.3f}", "model.hidden_size", "epoch"):
        assert expected in printed
    told = json.loads(run("show", str(best.number), "--json"))
    assert told["params"] == best.params
    assert [row["val_accuracy"] for row in told["curve"]] == list(best.intermediate_values.values())


def test_what_a_trial_says_is_no_markup(outcome: Outcome) -> None:
    trial = outcome.study.trials[0]
    trial.user_attrs[REASON] = "KeyError: '[/i]' [red]\x1b[31m"
    screen = Console(file=io.StringIO(), width=200)
    screen.print(_shown(outcome, trial))
    assert r"KeyError: '[/i]' [red]\x1b[31m" in screen.file.getvalue()  # type: ignore[attr-defined]


def test_a_study_that_is_named_is_found_and_another_is_not(outcome: Outcome) -> None:
    assert outcome.study.name in run("status", "--study", outcome.study.name)
    with pytest.raises(UserError, match=f"--study other: not in this storage; studies there: {outcome.study.name}"):
        run("status", "--study", "other")
    with pytest.raises(UserError, match="has no trial 77; its trials: 0 to 5"):
        run("show", "77")


def test_no_sweep_is_one_line_that_says_how_to_run_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"studies\.journal: no such file; no sweep has run here: `dvc exp run -S"):
        run("status")


def test_a_worker_needs_a_database_and_encoded_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="a journal file serves one machine only"):
        run("worker", "--study", "s")
    with pytest.raises(UserError, match=r"--storage: studies\.journal is not a URL"):
        run("worker", "--study", "s", "--storage", "studies.journal")
    with pytest.raises(UserError, match=r"artifacts/parts: no such folder; `dvc repro encode` makes it"):
        run("worker", "--study", "s", "--storage", "postgresql://carousel@db/sweeps")
