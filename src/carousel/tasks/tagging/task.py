"""Tagging: a tag for each token of a sentence, and possibly an intent for the sentence."""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from typing_extensions import override

from carousel.comparison.paired import Comparison
from carousel.corpus.dataset import Dataset, Ragged
from carousel.corpus.training_data import TOKENIZER, VOCABULARY, Parts, TrainingData
from carousel.model_page.section import Section
from carousel.nn import affixes
from carousel.task import Report, Task
from carousel.tasks.tagging import document, preparation, schemes, source
from carousel.tasks.tagging.params import Hparams, Params
from carousel.tasks.tagging.preparation import Prepared
from carousel.tasks.tagging.report import TaggingReport
from carousel.tasks.tagging.scores import Intents
from carousel.tasks.tagging.scoring import TagScoring
from carousel.tasks.tagging.tags import PART, Tags
from carousel.text import columns
from carousel.text.subwords import build
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import UNKNOWN_ID, Vocabulary

if TYPE_CHECKING:
    from torch import nn

    from carousel.bundle.bundle import Bundle
    from carousel.predictor import Predictor
    from carousel.tasks.tagging.baseline import TaggingBaseline
    from carousel.tasks.tagging.learner import TaggingLearner

NORMALIZATION = ("nfc", "lowercase")  # of the word that is looked up; its features keep the case


class Tagging(Task[Params]):
    """A tag for each token."""

    name = "tagging"
    noun = "tagger"
    target = "tag"
    baseline_noun = "CRF baseline"
    source = source
    scoring = TagScoring()

    @override
    def prepare(self, documents: pl.DataFrame, params: Params) -> Prepared:
        return preparation.prepare(documents, params.split)

    @override
    def digest(self, documents: pl.DataFrame) -> str:
        return document.digest(documents)

    @override
    def inputs(self, documents: pl.DataFrame) -> list[Any]:
        return documents["tokens"].to_list()

    @override
    def texts(self, documents: pl.DataFrame) -> pl.Series:
        return documents["tokens"].list.join(" ")

    @override
    def tokenize(
        self, splits: dict[str, pl.DataFrame], params: Params
    ) -> tuple[Tokenizer, dict[str, pl.DataFrame]]:
        chosen = params.tokenizer
        steps: Sequence[str] = NORMALIZATION if chosen.normalization is None else chosen.normalization
        texts = splits["train"]["tokens"].list.join(" ")
        tokenizer = build(chosen.name, steps, texts, chosen.subwords)
        return tokenizer, {name: _normalized(frame, tokenizer) for name, frame in splits.items()}

    @override
    def fit_parts(self, train: pl.DataFrame, params: Params) -> Parts:
        tags = Tags.of(train["tags"].to_list(), train["intent"].to_list(), params.model.scheme)
        return {PART: tags.to_part()}

    @override
    def encode(self, tokens: pl.DataFrame, vocabulary: Vocabulary, parts: Parts, params: Params) -> Dataset:
        tags = Tags.from_text(parts[PART].decode("utf-8"))
        ids, counts = columns.ids(tokens["tokens"], vocabulary, params.encode.max_length, params.encode.truncation)
        words, lengths = tokens["words"].explode(), counts.to_numpy()
        distinct = words.unique(maintain_order=True).to_list()
        number = {word: i for i, word in enumerate(distinct)}
        rows = np.array([number[word] for word in words], dtype=np.int64)
        spelled = affixes.hashed(distinct, params.model.feature_rows)
        known = {intent: i for i, intent in enumerate(tags.intents)}
        intents = np.array([known.get(intent, 0) for intent in tokens["intent"]], dtype=np.int64)
        return Dataset(
            {
                "ids": Ragged.ending(ids.to_numpy(), lengths),
                "features": Ragged.ending(spelled[rows], lengths),
                "tags": Ragged.of([tags.encode(sentence) for sentence in tokens["tags"].to_list()]),
            },
            {"intents": intents} if tags.intents else {},
            tuple(tokens["id"]),
        )

    @override
    def make_learner(self, hparams: Hparams, data: TrainingData, *, quiet: bool = False) -> "TaggingLearner":
        from carousel.tasks.tagging.learner import make_learner

        return make_learner(hparams, data)

    @override
    def bundle(self, model: "nn.Module", parts: Parts, params: Params) -> "Bundle":
        from carousel.tasks.tagging.predictor import SequenceTagger

        return SequenceTagger(
            model,  # type: ignore[arg-type]
            Tokenizer.from_json(parts[TOKENIZER].decode("utf-8")),
            Vocabulary.from_text(parts[VOCABULARY].decode("utf-8")),
            Tags.from_text(parts[PART].decode("utf-8")),
        ).to_bundle()

    @override
    def baseline(self, splits: dict[str, pl.DataFrame], params: Params) -> "TaggingBaseline":
        from carousel.tasks.tagging import baseline

        return baseline.evaluate(splits, params.baseline)

    @override
    def evaluate(
        self, predictor: "Predictor", documents: pl.DataFrame, longest: int | None = None
    ) -> TaggingReport:
        from carousel.tasks.tagging.predictor import SequenceTagger

        assert isinstance(predictor, SequenceTagger)
        sentences = documents["tokens"].to_list()
        tagged, tags = predictor.tag(sentences), predictor.tags
        gold = documents["tags"].to_list()
        if tags.scheme is not None:
            gold = [schemes.convert(sentence, "bio") for sentence in gold]
        intents = None
        if tagged.intents is not None:
            given = [tags.intents[i] for i in tagged.intents.argmax(-1).tolist()]
            intents = Intents(documents["intent"].to_list(), given)
        return TaggingReport(
            tuple(documents["id"]),
            sentences,
            gold,
            [tags.decode(numbers) for numbers in tagged.tags],
            [[number != UNKNOWN_ID for number in predictor.ids(sentence)] for sentence in sentences],
            tagged.probabilities,
            intents,
            tuple(dict.fromkeys([*tags.written, *sorted(set(chain.from_iterable(gold)))])),
        )

    @override
    def sections(
        self, predictor: "Predictor", report: Report, comparison: Comparison, documents: pl.DataFrame
    ) -> list[Section]:
        from carousel.tasks.tagging import sections

        assert isinstance(report, TaggingReport)
        return sections.sections(report, comparison)


def _normalized(frame: pl.DataFrame, tokenizer: Tokenizer) -> pl.DataFrame:
    """Return sentences with normalized tokens, and their original words; a token is never empty."""
    words = frame["tokens"].explode().unique()
    table = {word: tokenizer.normalize(word) or word for word in words}
    normalized = pl.col("tokens").list.eval(pl.element().replace_strict(table, return_dtype=pl.String))
    return frame.with_columns(words=pl.col("tokens"), tokens=normalized)


TASK = Tagging()
