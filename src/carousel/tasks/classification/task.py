"""Text classification: one label for each document."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
from typing_extensions import override

from carousel.comparison.paired import Comparison
from carousel.corpus.dataset import Dataset, Ragged
from carousel.corpus.training_data import TOKENIZER, VOCABULARY, Parts, TrainingData
from carousel.model_page.section import Section
from carousel.task import Report as TaskReport
from carousel.task import Task
from carousel.tasks.classification import document, labels, preparation, source
from carousel.tasks.classification.params import Hparams, Params
from carousel.tasks.classification.preparation import Prepared
from carousel.tasks.classification.scoring import LabelScoring, indices
from carousel.text import columns
from carousel.text.conventions import check_agreement
from carousel.text.subwords import build, default_normalization
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import nn

    from carousel.bundle.bundle import Bundle
    from carousel.predictor import Predictor
    from carousel.tasks.classification.baseline import Linear
    from carousel.tasks.classification.learner import ClassificationLearner
    from carousel.tasks.classification.report import Report

CHECKED = 500  # documents of each split that are compared with torchtext's own tokenizer


class Classification(Task[Params]):
    """One label for each document."""

    name = "classification"
    noun = "text classifier"
    target = "label"
    baseline_noun = "linear baseline"
    source = source
    scoring = LabelScoring()

    @override
    def prepare(self, documents: pl.DataFrame, params: Params) -> Prepared:
        return preparation.prepare(documents, params.split)

    @override
    def digest(self, documents: pl.DataFrame) -> str:
        return document.digest(documents)

    @override
    def inputs(self, documents: pl.DataFrame) -> list[Any]:
        return documents["text"].to_list()

    @override
    def texts(self, documents: pl.DataFrame) -> pl.Series:
        return documents["text"]

    @override
    def tokenize(
        self, splits: dict[str, pl.DataFrame], params: Params
    ) -> tuple[Tokenizer, dict[str, pl.DataFrame]]:
        chosen = params.tokenizer
        steps: Sequence[str] | None = chosen.normalization
        if steps is None:
            steps = (*source.preset(params.data), *default_normalization(chosen.name))
        tokenizer = build(chosen.name, steps, splits["train"]["text"], chosen.subwords)
        tokenized = {}
        for name, frame in splits.items():
            tokens = frame.select("id", "label").with_columns(tokens=columns.tokens(frame["text"], tokenizer))
            check_agreement(tokenizer, frame["text"].head(CHECKED), tokens["tokens"].head(CHECKED))
            tokenized[name] = tokens
        return tokenizer, tokenized

    @override
    def fit_parts(self, train: pl.DataFrame, params: Params) -> Parts:
        return {labels.PART: labels.to_part(sorted(train["label"].unique()))}

    @override
    def encode(self, tokens: pl.DataFrame, vocabulary: Vocabulary, parts: Parts, params: Params) -> Dataset:
        chosen = params.encode
        ids, lengths = columns.ids(tokens["tokens"], vocabulary, chosen.max_length, chosen.truncation)
        known = labels.from_text(parts[labels.PART].decode("utf-8"))
        return Dataset(
            {"ids": Ragged.ending(ids.to_numpy(), lengths.to_numpy())},
            {"targets": indices(tokens["label"], known)},
            tuple(tokens["id"]),
            tokens["tokens"].list.len().cast(pl.Int64).to_numpy(),
        )

    @override
    def taught(self, encoded: Dataset, documents: pl.DataFrame, parts: Parts, teacher: "Predictor") -> Dataset:
        from carousel.tasks.classification import teaching
        from carousel.tasks.classification.predictor import Classifier

        assert isinstance(teacher, Classifier)
        return teaching.taught(encoded, documents, labels.from_text(parts[labels.PART].decode("utf-8")), teacher)

    @override
    def make_learner(self, hparams: Hparams, data: TrainingData, *, quiet: bool = False) -> "ClassificationLearner":
        from carousel.tasks.classification.model import learner

        return learner(hparams, data, quiet=quiet)

    @override
    def bundle(self, model: "nn.Module", parts: Parts, params: Params) -> "Bundle":
        from carousel.tasks.classification.predictor import Classifier

        return Classifier(
            model,  # type: ignore[arg-type]
            Tokenizer.from_json(parts[TOKENIZER].decode("utf-8")),
            Vocabulary.from_text(parts[VOCABULARY].decode("utf-8")),
            labels.from_text(parts[labels.PART].decode("utf-8")),
            params.encode.max_length,
            params.encode.truncation,
        ).to_bundle()

    @override
    def baseline(self, splits: dict[str, pl.DataFrame], params: Params) -> "Linear":
        from carousel.tasks.classification import baseline

        return baseline.evaluate(splits, params.baseline)

    @override
    def evaluate(self, predictor: "Predictor", documents: pl.DataFrame, longest: int | None = None) -> "Report":
        from carousel.tasks.classification import report
        from carousel.tasks.classification.predictor import Classifier

        assert isinstance(predictor, Classifier)
        return report.predict_documents(predictor, documents, longest)

    @override
    def sections(
        self, predictor: "Predictor", report: TaskReport, comparison: Comparison, documents: pl.DataFrame
    ) -> list[Section]:
        from carousel.tasks.classification import sections
        from carousel.tasks.classification.predictor import Classifier
        from carousel.tasks.classification.report import Report

        assert isinstance(predictor, Classifier)
        assert isinstance(report, Report)
        return sections.sections(predictor, report, comparison, documents["text"])


TASK = Classification()
