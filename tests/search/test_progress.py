"""What a person sees of a sweep while it runs, and afterwards."""

import io
from pathlib import Path

import pytest
from optuna.trial import TrialState
from rich.console import Console

from carousel.search.messages import Epoch
from carousel.search.outcome import Outcome
from carousel.search.progress import LiveTable, TrialLines, display, line, number, table
from carousel.search.storage import open_storage
from carousel.search.study import REASON, Study
from tests.search.stand_in import HPARAMS, formula, sweep


def shown(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def begun(place: Path, reason: str = "out of memory") -> Study:
    """A study with a complete trial, a failed one, and one that runs."""
    study = Study(open_storage(place), sweep(9), HPARAMS, documents=["these"])
    for state in (TrialState.COMPLETE, TrialState.FAIL, None):
        trial = study.propose()
        assert trial is not None
        study.begin(trial)
        if state is TrialState.COMPLETE:
            study.report(trial._trial_id, 1, 0.75)
            study.end(trial._trial_id, state, [0.75])
        elif state is TrialState.FAIL:
            study.remember(trial._trial_id, **{REASON: reason})
            study.end(trial._trial_id, state)
    return study


def test_the_table_tells_the_best_the_failed_and_the_running(tmp_path: Path) -> None:
    study = begun(tmp_path / "journal")
    printed = shown(table(Outcome(study), {2: Epoch(0, {"val_accuracy": 0.5}, 2.0)}))
    assert "2 of 9 trials ended · 1 running · 0 pruned · 1 failed" in printed
    rows = {row.split()[0]: row for row in printed.splitlines()[2:] if row.split()}
    assert "complete, best" in rows["0"]
    assert "0.750" in rows["0"]
    assert "failed" in rows["1"]
    assert "out of memory" in rows["1"]
    assert "epoch 1/2" in rows["2"]
    assert "model.hidden_size=" in rows["2"]


def test_each_ended_trial_is_one_line_with_its_reason(tmp_path: Path) -> None:
    study = begun(tmp_path / "journal")
    complete, failed = study.ended
    assert line(study, complete, 1).startswith("trial 1/9  val accuracy 0.750  complete  train.learning_rate=0.03,")
    assert line(study, failed, 2).splitlines()[1:] == ["  out of memory"]


def test_names_and_reasons_are_neither_markup_nor_control_the_terminal(tmp_path: Path) -> None:
    reason = "KeyError: '[/i]' [red]\x1b[31m :smile:"
    study = begun(tmp_path / "journal", reason)
    escaped = reason.replace("\x1b", r"\x1b")
    assert escaped in shown(table(Outcome(study)))
    live = LiveTable()
    live._live.console = Console(file=io.StringIO(), width=200)
    for display_ in (live, TrialLines()):
        display_.begin(study)
        display_.note(line(study, study.ended[1], 2))
        display_.finish()
    assert escaped in live._live.console.file.getvalue()  # type: ignore[attr-defined]


def test_trials_that_ended_before_are_counted_and_not_told_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = formula(tmp_path / "journal", sweep(2))
    lines = TrialLines()
    lines.begin(outcome.study)
    for trial in outcome.trials:
        lines.ended(trial)
    assert capsys.readouterr().out == "2 of 2 trials have ended before\n"


def test_the_live_table_says_how_long_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 60.0])
    monkeypatch.setattr("carousel.search.progress.time.monotonic", lambda: next(clock))
    live = LiveTable()
    monkeypatch.setattr(live, "_live", type("Still", (), {"start": lambda _: None, "stop": lambda _: None})())
    study = Study(open_storage(tmp_path / "journal"), sweep(3), HPARAMS, documents=["these"])
    live.begin(study)
    assert "3 trials to go" in shown(live._render())
    trial = study.propose()
    assert trial is not None
    study.begin(trial)
    study.end(trial._trial_id, TrialState.COMPLETE, [0.5])
    assert "2 trials to go, about 2 min" in shown(live._render())


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert type(display()) is TrialLines


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), ("gru", "gru"), (0.8149, "0.815"), (0.004, "0.004"), (1234.5, "1.23e+03"), (float("nan"), "-")],
)
def test_figures_are_short(value: object, text: str) -> None:
    assert number(value) == text
