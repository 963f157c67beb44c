"""What a task decides. Everything else in this package is the same for all tasks.

A task is a folder of `carousel.tasks`; a new one is such a folder and a line in `task_modules.TASKS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import polars as pl

from carousel.comparison.paired import Comparison
from carousel.comparison.predictions import Predictions
from carousel.comparison.scoring import Scoring
from carousel.corpus.dataset import Dataset
from carousel.corpus.document import Collected, Rejected
from carousel.corpus.split import Divided
from carousel.corpus.training_data import Parts, TrainingData
from carousel.metric import Metric
from carousel.model_page.section import Section
from carousel.task_modules import module
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

    from carousel.bundle.bundle import Bundle
    from carousel.predictor import Predictor
    from carousel.training.learner import Learner

P = TypeVar("P")  # the task's params.Params


class Source(Protocol):
    """Where a task's examples come from: its module `source`."""

    def columns(self, path: Path, given: Mapping[str, Any], /) -> dict[str, Any]:
        """Return the keys of params.yaml's section `data` that name the columns of a new file.

        Args:
            path: the file.
            given: those that the user gave.

        Raises:
            UserError: when the user has to name one.
        """

    def file_params(self) -> dict[str, Any]:
        """Return the values, by key of params.yaml, that differ from the preset's for a user's own files."""

    def collect(self, data: Any, root: Path = Path()) -> Collected:
        """Read every example of the source that params.yaml names.

        Raises:
            UserError: when it is missing, unreadable or empty.
        """

    def check(self, data: Any, documents: pl.DataFrame, rejected: list[Rejected]) -> None:
        """Raise a UserError when there is nothing to learn, or too many rows were rejected."""

    def remarks(self, documents: pl.DataFrame, rejected: list[Rejected]) -> list[str]:
        """Return what is worth a look before training, a line each."""

    def describe(self, data: Any, documents: pl.DataFrame, rejected: list[Rejected]) -> dict[str, Any]:
        """Return what reports/source.json says."""


class Prepared(Protocol):
    """Cleaned examples by split."""

    @property
    def splits(self) -> dict[str, pl.DataFrame]:
        """The examples of each split."""

    @property
    def divided(self) -> Divided:
        """What they come from."""

    def remarks(self) -> list[str]:
        """Return what is worth a look before training, a line each."""

    def report(self) -> dict[str, Any]:
        """Return what reports/data.json has for this task."""


class Predicted(Protocol):
    """What a model predicts for the test split."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels or tags that the model knows."""

    def predictions(self) -> pl.DataFrame:
        """Return a row an example, with `id`, `tokens` (its length) and what the task's scoring needs."""


class BaselineResult(Predicted, Protocol):
    """How well a simple model does on the same splits."""

    @property
    def test(self) -> dict[str, float]:
        """The task's metrics on the test split."""

    def report(self) -> dict[str, Any]:
        """Return the metrics on test, for reports/baseline.json, and all else, for reports/baseline_fit.json."""

    def describe(self) -> str:
        """Return what the model is, for a line of output."""


class Report(Predicted, Protocol):
    """How well a model does on the test split."""

    def metrics(self) -> dict[str, float]:
        """Return the task's metrics, and other numbers."""

    def confusion(self) -> pl.DataFrame:
        """Return how often each actual class was predicted as which: `actual`, `predicted`, and a count."""

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables of reports/tables, by name; `confusion` has a row for each prediction."""

    def plots(self, model: str) -> "Iterator[tuple[str, Figure]]":
        """Draw the plots of MLflow, one after the other, each with its name.

        Args:
            model: the model, its data set and the split, for the titles.
        """


class Task(ABC, Generic[P]):
    """A task: its data, its fitted parts, its model, its metrics.

    Attributes:
        name: as params.yaml has it.
        noun: what a model of it is called, such as `text classifier`.
        target: what it predicts, such as `label`; `source.describe` counts them.
        baseline_noun: what its baseline is called, such as `linear baseline`.
        source: where its examples come from.
        scoring: its metrics, and how they are computed from predictions.
    """

    name: str
    noun: str
    target: str
    baseline_noun: str
    source: Source
    scoring: Scoring

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured on every split; the first one is monitored."""
        return self.scoring.metrics

    # Data

    @abstractmethod
    def prepare(self, documents: pl.DataFrame, params: P) -> Prepared:
        """Drop duplicates and leaks, and divide into train, val and test."""

    @abstractmethod
    def digest(self, documents: pl.DataFrame) -> str:
        """Return a SHA-256 of a split's inputs and targets in order, whatever their ids are."""

    @abstractmethod
    def inputs(self, documents: pl.DataFrame) -> list[Any]:
        """Return what a predictor takes for each prepared example."""

    @abstractmethod
    def texts(self, documents: pl.DataFrame) -> pl.Series:
        """Return each prepared example as text to be shown."""

    def source_lines(self, collected: Collected, described: Mapping[str, Any]) -> list[str]:
        """Return what was read: how much, what was recognised, and what is worth a look, a line each.

        Args:
            collected: the examples.
            described: what `source.describe` says of them.
        """
        documents, rejected = collected.documents, collected.rejected
        targets = f"{described[f'{self.target}s']} {self.target}s"
        counted = f"{documents.height} {self.scoring.example}s, {targets}, {len(rejected)} rows rejected"
        return [counted, *collected.notes, *self.source.remarks(documents, rejected)]

    def digest_if_own(self, documents: pl.DataFrame) -> str | None:
        """Return the digest of prepared examples; None if they are another task's."""
        try:
            return self.digest(documents)
        except pl.exceptions.ColumnNotFoundError:
            return None

    @abstractmethod
    def tokenize(self, splits: dict[str, pl.DataFrame], params: P) -> tuple[Tokenizer, dict[str, pl.DataFrame]]:
        """Return the tokenizer, and each split with a column `tokens` and the targets."""

    @abstractmethod
    def fit_parts(self, train: pl.DataFrame, params: P) -> Parts:
        """Return what is fitted on the training split besides tokenizer and vocabulary, by file name."""

    @abstractmethod
    def encode(self, tokens: pl.DataFrame, vocabulary: Vocabulary, parts: Parts, params: P) -> Dataset:
        """Turn a tokenized split into numbers."""

    def taught(self, encoded: Dataset, documents: pl.DataFrame, parts: Parts, teacher: "Predictor") -> Dataset:
        """Return an encoded split with a teacher's predictions for it, for tasks whose params may name one.

        Args:
            encoded: the split.
            documents: the split's prepared examples, which the teacher reads by its own tokenizer and vocabulary.
            parts: what was fitted on the training split.
            teacher: a model of this task.

        Raises:
            UserError: when it predicts other targets than the data have.
        """
        raise NotImplementedError

    # Model

    @abstractmethod
    def make_learner(self, hparams: Any, data: TrainingData, *, quiet: bool = False) -> "Learner[Any]":
        """Return a learner with an untrained model, as `training.learner.MakeLearner` describes."""

    @abstractmethod
    def bundle(self, model: "nn.Module", parts: Parts, params: P) -> "Bundle":
        """Return the bundle of a trained model."""

    @abstractmethod
    def baseline(self, splits: dict[str, pl.DataFrame], params: P) -> BaselineResult:
        """Score a simple model on the same splits."""

    # Evaluation

    @abstractmethod
    def evaluate(self, predictor: "Predictor", documents: pl.DataFrame, longest: int | None = None) -> Report:
        """Score a model on prepared examples, by its own tokenizer and vocabulary.

        Args:
            predictor: the model.
            documents: with targets.
            longest: tokens of the longest example that the model learned from, where that is known.
        """

    def predictions(self, predicted: Predicted, digest: str) -> Predictions:
        """Return the predictions of a report or of the baseline, for later comparisons."""
        return Predictions(self.name, predicted.predictions(), predicted.classes, digest)

    @abstractmethod
    def sections(
        self, predictor: "Predictor", report: Report, comparison: Comparison, documents: pl.DataFrame
    ) -> list[Section]:
        """Return what the model page shows of this task's models.

        Args:
            predictor: the model.
            report: of the model on the test split.
            comparison: of the baseline, A, and the model, B.
            documents: of the test split.
        """


def find(name: str) -> Task[Any]:
    """Return a task by its name.

    Raises:
        UserError: when there is none of that name.
    """
    task: Task[Any] = module(name, "task").TASK
    return task
