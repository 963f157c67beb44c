"""How a sweep shows its progress: a table that lives on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from carousel.search.messages import Epoch
from carousel.search.outcome import Outcome, state
from carousel.search.study import REASON, SECONDS, Study
from carousel.text.printable import one_line, printable
from carousel.times import duration

ROWS = 8  # of trials that ended, in the table


class TrialLines:
    """A line for each trial that ends while this sweep runs."""

    def __init__(self) -> None:
        self.study: Study | None = None
        self._before: set[int] = set()
        self._place = 0

    def note(self, line: str) -> None:
        """Print it."""
        print(printable(line), flush=True)

    def begin(self, study: Study) -> None:
        """Say how many trials are there already."""
        self.study = study
        self._before = {trial.number for trial in study.ended}
        if self._before:
            self.note(f"{len(self._before)} of {study.sweep.trials} trials have ended before")

    def epoch(self, trial: FrozenTrial, epoch: Epoch) -> None:
        """Print nothing: a trial is short."""

    def ended(self, trial: FrozenTrial) -> None:
        """Print the trial, unless it ended before this sweep began."""
        self._place += 1
        if self.study is not None and trial.number not in self._before:
            self.note(line(self.study, trial, self._place))

    def tick(self) -> None:
        """Print nothing."""

    def finish(self) -> None:
        """Print nothing more."""


class LiveTable(TrialLines):
    """What runs, what ended last, the best so far, and how long it will take."""

    def __init__(self) -> None:
        super().__init__()
        self._epochs: dict[int, tuple[FrozenTrial, Epoch]] = {}
        self._began = time.monotonic()
        self._live = Live(get_renderable=self._render, refresh_per_second=4, transient=True)

    def note(self, line: str) -> None:
        """Print it above the table."""
        self._live.console.print(Text(printable(line)), soft_wrap=True)

    def begin(self, study: Study) -> None:
        """Show the table."""
        super().begin(study)
        self._began = time.monotonic()
        self._live.start()

    def epoch(self, trial: FrozenTrial, epoch: Epoch) -> None:
        """Show how far the trial is."""
        self._epochs[trial.number] = (trial, epoch)

    def ended(self, trial: FrozenTrial) -> None:
        """Show the trial among those that ended."""
        self._epochs.pop(trial.number, None)
        super().ended(trial)

    def finish(self) -> None:
        """Take the table away; the lines stay."""
        self._live.stop()

    def _render(self) -> Any:
        if self.study is None:
            return Text("")
        outcome = Outcome(self.study)
        return Group(
            table(outcome, {number: epoch for number, (_, epoch) in self._epochs.items()}), self._eta(outcome)
        )

    def _eta(self, outcome: Outcome) -> Text:
        done = len(outcome.trials) - len(self._before)
        missing = max(0, outcome.study.sweep.trials - len(outcome.trials))
        if not done:
            return Text(f"{missing} trials to go")
        seconds = missing * (time.monotonic() - self._began) / done
        return Text(f"{missing} trials to go, about {duration(seconds)}")


def display() -> TrialLines:
    """Return a live table on a terminal, plain lines elsewhere."""
    return LiveTable() if sys.stdout.isatty() else TrialLines()


def table(outcome: Outcome, epochs: dict[int, Epoch] | None = None) -> Table:
    """Return what `carousel sweep status` shows: counts, the best, trials that run and that ended last."""
    study = outcome.study
    objectives = study.sweep.objectives
    counts = [f"{len(outcome.trials)} of {study.sweep.trials} trials ended", f"{len(study.running)} running"]
    counts += [
        f"{outcome.count(kind)} {word}"
        for kind, word in ((TrialState.PRUNED, "pruned"), (TrialState.FAIL, "failed"))
    ]
    title = Text(one_line(" · ".join([study.name, *counts])))
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    shown.add_column("trial", justify="right")
    shown.add_column("state")
    for name in objectives:
        shown.add_column(name, justify="right")
    shown.add_column("seconds", justify="right")
    shown.add_column("values", overflow="fold")
    best = {trial.number for trial in outcome.front}
    rows = [trial for trial in outcome.trials[-ROWS:] if trial.number not in best]
    for trial in [*outcome.front, *rows]:
        values = [number(outcome.value(trial, place)) for place in range(len(objectives))]
        word = f"{state(trial)}, best" if trial.number in best else state(trial)
        seconds = trial.user_attrs.get(SECONDS)
        told = trial.user_attrs.get(REASON) or tried(trial)
        shown.add_row(
            str(trial.number), word, *values, "" if seconds is None else f"{seconds:.0f}", Text(one_line(told)),
            style="bold" if trial.number in best else None,
        )  # fmt: skip
    for trial in study.running:
        epoch = (epochs or {}).get(trial.number)
        reached = len(trial.intermediate_values) if epoch is None else epoch.number + 1
        values = [number(outcome.value(trial)), *[""] * (len(objectives) - 1)]
        word = f"epoch {reached}/{study.short.train.epochs}" if trial.state is TrialState.RUNNING else "waiting"
        shown.add_row(str(trial.number), word, *values, "", Text(one_line(tried(trial))), style="dim")
    return shown


def line(study: Study, trial: FrozenTrial, place: int) -> str:
    """Return the line of a trial that ended."""
    outcome = Outcome(study)
    numbers = [
        f"{name.replace('_', ' ')} {number(outcome.value(trial, i))}"
        for i, name in enumerate(study.sweep.objectives)
    ]
    seconds = trial.user_attrs.get(SECONDS)
    parts = [f"trial {place}/{study.sweep.trials}", ", ".join(numbers), state(trial)]
    parts += [] if seconds is None else [f"{seconds:.0f} s"]
    reason = trial.user_attrs.get(REASON)
    return "  ".join([*parts, tried(trial)]) + (f"\n  {reason}" if reason else "")


def tried(trial: FrozenTrial) -> str:
    """Return a trial's values in one line."""
    return ", ".join(f"{key}={number(value)}" for key, value in trial.params.items())


def number(value: Any) -> str:
    """Return a figure for the eye."""
    if not isinstance(value, float):
        return str(value)
    return "-" if value != value else f"{value:.3f}" if 0.1 <= abs(value) < 10 else f"{value:.3g}"  # noqa: PLR0124
