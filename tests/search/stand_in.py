"""Small documents for real trials, and workers that follow a formula in place of training."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from carousel.corpus import pretrained
from carousel.corpus.dataset import Dataset
from carousel.params import Range
from carousel.search.messages import Data, Ended, Epoch
from carousel.search.outcome import Outcome
from carousel.search.storage import open_storage
from carousel.search.study import Study
from carousel.search.sweep import Run
from carousel.tasks.classification.params import Hparams, Model, Sweep, Train
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.support.datasets import dataset, parts

WORDS = 8
SPACE = {"train.learning_rate": Range(low=0.001, high=0.1, log=True), "model.hidden_size": [4, 8]}
HPARAMS = Hparams(
    model=Model(
        cell="gru",
        embedding_size=8,
        hidden_size=8,
        dropout=0.0,
        embedding_dropout=0.0,
        word_dropout=0.0,
        ngrams=0,
    ),
    train=Train(epochs=5, batch_tokens=256, learning_rate=0.03),
)


def documents(count: int, seed: int) -> Dataset:
    """Return documents whose label is whether word 2 or word 3 is among the others."""
    random = np.random.default_rng(seed)
    lengths = random.integers(2, 6, count)
    targets = np.arange(count) % 2
    return dataset(
        [
            [2 + target, *random.integers(4, WORDS, length - 1)]
            for target, length in zip(targets, lengths, strict=True)
        ],
        targets,
    )


def saved(folder: Path, seed: int = 0) -> Data:
    """Write training and validation documents, and return where."""
    documents(60, seed).save(folder / "encoded/train")
    documents(30, seed + 1).save(folder / "encoded/val")
    (folder / "parts").mkdir()
    for name, content in parts(Vocabulary((*SPECIALS, *"abcdef")), ("x", "y")).items():
        (folder / "parts" / name).write_bytes(content)
    pretrained.save(None, folder / "vectors.npz")
    return Data("classification", folder / "encoded", folder / "parts", folder / "vectors.npz")


def sweep(trials: int = 3, **changes: object) -> Sweep:
    return Sweep(**{"trials": trials, "epochs": 2, "pruner": "none", "space": SPACE, **changes})


class Formula:
    """A stand-in for workers: one, in this process, whose accuracy is a function of the hyperparameters."""

    def __init__(self) -> None:
        self.trial: int | None = None
        self.go_on = True
        self.given: list[int] = []

    def __enter__(self) -> "Formula":
        return self

    def __exit__(self, *_: object) -> None:
        self.trial = None

    @property
    def free(self) -> int:
        return int(self.trial is None)

    @property
    def busy(self) -> list[int]:
        return [] if self.trial is None else [self.trial]

    def give(self, trial: int, hparams: Hparams) -> None:
        self.given.append(trial)
        self.trial, self.steps = trial, self.train(hparams)

    def answer(self, _trial: int, *, go_on: bool) -> None:
        self.go_on = go_on

    def messages(self, _seconds: float) -> Iterator[tuple[int, Epoch | Ended]]:
        assert self.trial is not None
        trial, message = self.trial, next(self.steps)
        if isinstance(message, Ended):
            self.trial = None
        yield trial, message

    def train(self, hparams: Hparams) -> Iterator[Epoch | Ended]:
        epochs: list[Epoch] = []
        for epoch in range(hparams.train.epochs):
            distance = abs(np.log10(hparams.train.learning_rate) + 2) + hparams.model.dropout
            value = (1 - distance / 3) * (1 - 0.5 ** (epoch + 1 + hparams.model.hidden_size % 3))
            epochs.append(Epoch(epoch, {"val_accuracy": float(value), "val_loss": float(1 - value)}, 2.0))
            yield epochs[-1]
            if not self.go_on:
                yield Ended("pruned", None, None, epochs, 2.0 * len(epochs))
                return
        best = max(epoch.metrics["val_accuracy"] for epoch in epochs)
        yield Ended("complete", [best], None, epochs, 2.0 * len(epochs))


class Silent:
    """A watcher that keeps what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.numbers: list[int] = []

    def note(self, line: str) -> None:
        self.notes.append(line)

    def begin(self, study: Study) -> None:
        self.before = {trial.number for trial in study.ended}

    def epoch(self, *_: object) -> None:
        pass

    def ended(self, trial: object) -> None:
        self.numbers.append(trial.number)  # type: ignore[attr-defined]

    def tick(self) -> None:
        pass


def formula(place: Path, wanted: Sweep, hparams: Hparams = HPARAMS, documents: list[str] | None = None) -> Outcome:
    """Run a sweep to its end by the formula, with the real study in the real storage."""
    study = Study(open_storage(place), wanted, hparams, documents or ["these"])
    study.seed()
    run = Run(study, Data("classification", Path(), Path(), Path()), Silent(), alone=True)
    run.workers = Formula()  # type: ignore[assignment]
    run.to_the_end()
    return Outcome(study)


def found(outcome: Outcome) -> list[tuple]:
    """Return what makes two sweeps equal: numbers, values, states and everything reported."""
    return [
        (trial.number, trial.params, trial.state, trial.values, trial.intermediate_values)
        for trial in outcome.study.trials
    ]
