"""An exported tagger: sentences in, spans out, without torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from carousel.runtime.model_file import Described, Description, ModelFile, ModelFileError
from carousel.runtime.program import Array, Program, softmax
from carousel.tasks.tagging.decoding import Chain
from carousel.tasks.tagging.prediction import Prediction, SentenceReader
from carousel.tasks.tagging.tags import PART, Tags
from carousel.text.batch import by_length
from carousel.text.tokenizer import PART as TOKENIZER
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import PART as VOCABULARY
from carousel.text.vocabulary import Vocabulary

BATCH_TOKENS = 4096  # that are computed at once, padding included


@dataclass(frozen=True)
class ExportedTagger(Described, SentenceReader):
    """An exported tagger and all that it needs to read sentences.

    Attributes:
        program: ids (B, T), features (B, T, F) and lengths (B,) to emissions, scores of transitions, and intents.
        description: of the model.
        feature_rows: of the table that `affixes.hashed` refers to.
        tokenizer: as `SentenceReader` says; so are the rest.
    """

    program: Program
    description: Description
    feature_rows: int
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    tags: Tags

    def predict(self, inputs: Sequence[str | list[str]]) -> list[Prediction]:
        """Tag texts or lists of tokens."""
        tokens = [self.tokens(given) for given in inputs]
        found: list[Prediction | None] = [None] * len(inputs)
        sizes = np.array([max(len(sentence), 1) for sentence in tokens], dtype=np.int64)
        for group in by_length(sizes, BATCH_TOKENS):
            ids, features, lengths = self.numbers([tokens[i] for i in group], self.feature_rows)
            emissions, chain, *intents = self.program.run(ids=ids, features=features, lengths=lengths)
            named = self._intents(intents[0]) if intents else [("", 0.0)] * len(group)
            for row, i in enumerate(group):
                given = inputs[i]
                tags, probabilities = self._tagged(emissions[row, : len(tokens[i])], chain)
                text = given if isinstance(given, str) else None
                found[i] = self.prediction(text, tokens[i], tags, probabilities, named[row])
        return [prediction for prediction in found if prediction is not None]

    def _tagged(self, emissions: Array, chain: Array) -> tuple[list[int], list[float]]:
        if not len(emissions):
            return [], []
        scores = Chain(chain[:-2], chain[-2], chain[-1])
        tags = scores.best(emissions, self.tags.allowed())
        return tags.tolist(), scores.marginals(emissions)[np.arange(len(tags)), tags].tolist()

    def _intents(self, logits: Array) -> list[tuple[str, float]]:
        probabilities = softmax(logits)
        best = probabilities.argmax(1)
        return [
            (self.tags.intents[number], float(row[number])) for number, row in zip(best, probabilities, strict=True)
        ]


def from_model(file: ModelFile) -> ExportedTagger:
    """Make the tagger of an exported model.

    Raises:
        ModelFileError: when its configuration or a part is not one that this version reads, or they do not fit.
    """
    try:
        config = file.description.config["model"]
        sizes = [int(config[name]) for name in ("vocabulary_size", "tags", "intents")]
        feature_rows = int(config["feature_rows"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{file.path}: not the description of a tagger: {error}") from error
    made = ExportedTagger(
        Program(file.content, file.path),
        file.description,
        feature_rows,
        file.part(TOKENIZER, Tokenizer.from_json),
        file.part(VOCABULARY, Vocabulary.from_text),
        file.part(PART, Tags.from_text),
    )
    if misfit := made.misfit(*sizes):
        raise ModelFileError(f"{file.path}: {misfit}")
    return made
