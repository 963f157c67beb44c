"""Encoded documents on disk: flat ids, offsets and targets as .npy files, read by memory map."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from carousel.errors import UserError
from carousel.files import replacing


@dataclass(frozen=True, eq=False)  # arrays cannot be compared as one; by identity it may be a cache's key
class Encoded:
    """One split's documents.

    Attributes:
        ids: token ids of all documents end to end, int32, shape (tokens,).
        offsets: document i is `ids[offsets[i]:offsets[i + 1]]`; int64, shape (documents + 1,).
        targets: label indices, int64, shape (documents,).
        labels: the labels that targets index.
        names: the documents' ids, for reports.
        full_length: tokens of each document before truncation, int64, shape (documents,); None if none was
            truncated.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    labels: tuple[str, ...]
    names: tuple[str, ...]
    full_length: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each document, shape (documents,)."""
        return np.diff(self.offsets)

    @property
    def full_lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each document before it was cut, shape (documents,); one without tokens counts as one."""
        return self.lengths if self.full_length is None else np.maximum(self.full_length, 1)

    def document(self, index: int) -> npt.NDArray[np.int32]:
        """Return document `index`'s ids."""
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    def joined(self, other: "Encoded") -> "Encoded":
        """Return these documents and, after them, those of another split."""
        return Encoded(
            ids=np.concatenate([self.ids, other.ids]),
            offsets=np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
            targets=np.concatenate([self.targets, other.targets]),
            labels=self.labels,
            names=self.names + other.names,
            full_length=np.concatenate([self.full_lengths, other.full_lengths]),
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what a model sees of these documents: ids, lengths, targets and labels."""
        digest = hashlib.sha256(json.dumps(self.labels).encode())
        for array in (self.ids, self.offsets, self.targets):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the folder, whole or not at all."""
        with replacing(folder) as temporary:
            temporary.mkdir()
            np.save(temporary / "ids.npy", self.ids)
            np.save(temporary / "offsets.npy", self.offsets)
            np.save(temporary / "targets.npy", self.targets)
            np.save(temporary / "full_length.npy", self.full_lengths)
            (temporary / "labels.json").write_text(json.dumps(self.labels, ensure_ascii=False), encoding="utf-8")
            (temporary / "names.json").write_text(json.dumps(self.names, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Encoded":
        """Open a folder that `save` wrote; the ids stay on disk until they are used.

        Raises:
            UserError: when a file is missing.
        """
        try:
            ids = np.load(folder / "ids.npy", mmap_mode="r")
            return cls(
                ids=ids,
                offsets=np.load(folder / "offsets.npy"),
                targets=np.load(folder / "targets.npy"),
                labels=tuple(json.loads((folder / "labels.json").read_text(encoding="utf-8"))),
                names=tuple(json.loads((folder / "names.json").read_text(encoding="utf-8"))),
                full_length=np.load(folder / "full_length.npy"),
            )
        except FileNotFoundError as error:
            raise UserError(f"{error.filename}: no such file; `dvc repro encode` makes it") from error


def targets(labels: Sequence[str], known: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return each label's index in `known`."""
    index = {label: i for i, label in enumerate(known)}
    return np.array([index[label] for label in labels], dtype=np.int64)
