"""Everything that a training learns from: encoded splits, fitted parts, and pretrained vectors."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from carousel.corpus import pretrained as vectors
from carousel.corpus.dataset import Dataset
from carousel.corpus.pretrained import Pretrained
from carousel.errors import UserError
from carousel.files import json_digest
from carousel.text import tokenizer, vocabulary
from carousel.text.vocabulary import Vocabulary

Parts = dict[str, bytes]  # what was fitted on the training split, by file name
TOKENIZER, VOCABULARY = tokenizer.PART, vocabulary.PART


@dataclass(frozen=True, eq=False)  # by identity it may be a cache's key
class TrainingData:
    """Splits to learn from, with all that they were encoded with.

    Attributes:
        train: examples to learn from.
        val: examples to choose the best epoch by, or none.
        parts: tokenizer, vocabulary, and what else the task fitted, as in the bundle.
        pretrained: word vectors to begin with, or none.
    """

    train: Dataset
    val: Dataset | None
    parts: Parts
    pretrained: Pretrained | None = None

    @classmethod
    def load(cls, encoded: Path, parts: Path, pretrained: Path) -> "TrainingData":
        """Read what the stages before training wrote.

        Args:
            encoded: folder with a `Dataset` a split.
            parts: folder of the fitted parts.
            pretrained: file of the word vectors.

        Raises:
            UserError: when something is missing.
        """
        return cls(
            Dataset.load(encoded / "train"),
            Dataset.load(encoded / "val"),
            read_parts(parts),
            vectors.load(pretrained),
        )

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What the ids of tokens are of."""
        return Vocabulary.from_text(self.parts[VOCABULARY].decode("utf-8"))

    def joined(self) -> "TrainingData":
        """Return the same with validation's examples among those to learn from."""
        assert self.val is not None
        return replace(self, train=self.train.joined(self.val), val=None)

    def sample(self, fraction: float, seed: int) -> "TrainingData":
        """Return the same with a random part of the examples to learn from, in their order; validation stays whole.

        Args:
            fraction: of the examples, above 0; at 1 all of them stay, at least one does.
            seed: decides which.
        """
        if fraction == 1:
            return self
        chosen = np.random.default_rng(seed).permutation(len(self.train))[
            : max(1, round(fraction * len(self.train)))
        ]
        return replace(self, train=self.train.take(np.sort(chosen)))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides what is learned."""
        return json_digest(
            [
                self.train.fingerprint,
                self.val.fingerprint if self.val is not None else None,
                {name: content.hex() for name, content in sorted(self.parts.items()) if name != TOKENIZER},
                self.pretrained.fingerprint if self.pretrained is not None else None,
            ]
        )


def read_parts(folder: Path) -> Parts:
    """Read every file of a folder of fitted parts.

    Raises:
        UserError: when there is none.
    """
    found = {path.name: path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()}
    if VOCABULARY not in found:
        raise UserError(f"{folder / VOCABULARY}: no such file; `dvc repro build_vocab` makes it")
    return found
