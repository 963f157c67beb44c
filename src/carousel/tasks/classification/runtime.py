"""An exported text classifier: text in, label and probabilities out, without torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from carousel.runtime.model_file import Described, Description, ModelFile, ModelFileError
from carousel.runtime.program import Program, softmax
from carousel.tasks.classification.labels import PART as LABELS
from carousel.tasks.classification.labels import from_text
from carousel.tasks.classification.prediction import Prediction, TextReader
from carousel.text.batch import by_length, padded
from carousel.text.cut import kept
from carousel.text.tokenizer import PART as TOKENIZER
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import PART as VOCABULARY
from carousel.text.vocabulary import Vocabulary

BATCH_TOKENS = 4096  # that are computed at once, padding included


@dataclass(frozen=True)
class ExportedClassifier(Described, TextReader):
    """An exported classifier and all that it needs to read text.

    Attributes:
        program: token ids (B, T) and lengths (B,) to logits.
        description: of the model.
        tokenizer: as `TextReader` says; so are the rest.
    """

    program: Program
    description: Description
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    max_length: int
    truncation: str

    def logits(self, documents: Sequence[Any], batch_tokens: int = BATCH_TOKENS) -> npt.NDArray[np.float32]:
        """Return the logits (documents, labels) of encoded documents, each a sequence of at least one id."""
        if len(documents) == 1:
            ids, lengths = padded(documents)
            found: npt.NDArray[np.float32] = self.program.run(ids=ids, lengths=lengths)[0]
            return found
        logits = np.empty((len(documents), len(self.labels)), np.float32)
        sizes = np.array([len(document) for document in documents], dtype=np.int64)
        for group in by_length(sizes, batch_tokens):
            ids, lengths = padded([documents[i] for i in group])
            logits[group] = self.program.run(ids=ids, lengths=lengths)[0]
        return logits

    def predict(self, inputs: Sequence[str]) -> list[Prediction]:
        """Classify texts."""
        if self.description.strings:
            return self.predictions(self.read(inputs)[0])
        return self.predictions(self.logits([self.encode(text) for text in inputs]))

    def read(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.float32], list[list[int]]]:
        """Return the logits (documents, labels) and the ids of texts, from a graph that takes texts."""
        logits = np.empty((len(texts), len(self.labels)), np.float32)
        found: list[list[int]] = [[] for _ in texts]
        sizes = np.array([len(text) + 1 for text in texts], dtype=np.int64)
        for group in by_length(sizes, BATCH_TOKENS):
            given = np.array([texts[i] for i in group], dtype=object)
            logits[group], ids, lengths = self.program.run(text=given)
            for row, i in enumerate(group):
                found[i] = ids[row, : lengths[row]].tolist()
        return logits, found

    def predictions(self, logits: npt.NDArray[np.float32]) -> list[Prediction]:
        """Turn logits (documents, labels) into predictions."""
        return self.named(softmax(logits).tolist())


def from_model(file: ModelFile) -> ExportedClassifier:
    """Make the classifier of an exported model.

    Raises:
        ModelFileError: when its configuration or a part is not one that this version reads, or they do not fit.
    """
    try:
        config = file.description.config
        max_length, truncation = int(config["max_length"]), config["truncation"]
        kept(max_length, truncation)  # or it is a later version's
        sizes = int(config["model"]["vocabulary_size"]), int(config["model"]["classes"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{file.path}: not the description of a text classifier: {error}") from error
    made = _kind(file)(
        Program(file.content, file.path, strings=file.description.strings),
        file.description,
        file.part(TOKENIZER, Tokenizer.from_json),
        file.part(VOCABULARY, Vocabulary.from_text),
        file.part(LABELS, from_text),
        max_length,
        truncation,
    )
    if misfit := made.misfit(*sizes):
        raise ModelFileError(f"{file.path}: {misfit}")
    return made


def _kind(file: ModelFile) -> type[ExportedClassifier]:
    from carousel.tasks.classification.stream import StepClassifier

    return StepClassifier if file.description.step else ExportedClassifier
