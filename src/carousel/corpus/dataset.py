"""An encoded split on disk: ragged sequences and scalars as .npy files, read by memory map."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from carousel.errors import UserError
from carousel.files import replacing

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]

NAMES, FULL_LENGTH = "names.json", "full_length.npy"
VALUES, OFFSETS = ".values.npy", ".offsets.npy"


@dataclass(frozen=True, eq=False)  # arrays cannot be compared as one; by identity it may be a cache's key
class Ragged:
    """Sequences of different lengths, end to end.

    Attributes:
        values: shape (N,) or (N, features).
        offsets: sequence i is `values[offsets[i]:offsets[i + 1]]`; int64, shape (sequences + 1,).
    """

    values: Array
    offsets: Integers

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]], dtype: npt.DTypeLike = np.int32) -> "Ragged":
        """Make one of lists of numbers."""
        values = np.concatenate([np.zeros(0, dtype), *(np.asarray(sequence, dtype) for sequence in sequences)])
        return cls(values, np.cumsum([0, *map(len, sequences)], dtype=np.int64))

    @classmethod
    def ending(cls, values: Array, lengths: Integers) -> "Ragged":
        """Make one of values end to end, and the length of each sequence."""
        return cls(values, np.concatenate([[0], lengths.cumsum()]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Array:
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> Integers:
        """Of each sequence, shape (sequences,)."""
        return np.diff(self.offsets)

    def take(self, indices: Integers) -> "Ragged":
        """Return the sequences with these indices, in their order."""
        empty = self.values[:0]
        return Ragged.ending(np.concatenate([empty, *(self[i] for i in indices)]), self.lengths[indices])

    def joined(self, other: "Ragged") -> "Ragged":
        """Return these sequences and, after them, others."""
        return Ragged(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split's examples.

    Attributes:
        sequences: by name; the first one's lengths are those of the examples.
        scalars: by name, shape (examples,).
        names: the examples' ids, for reports.
        full_length: tokens of each example before truncation, shape (examples,); None if none was truncated.
    """

    sequences: dict[str, Ragged]
    scalars: dict[str, Array]
    names: tuple[str, ...]
    full_length: Integers | None = None

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def first(self) -> Ragged:
        """The sequences that give the examples their lengths."""
        return next(iter(self.sequences.values()))

    @property
    def lengths(self) -> Integers:
        """Tokens of each example, shape (examples,)."""
        return self.first.lengths

    @property
    def tokens(self) -> int:
        """Tokens of all examples together."""
        return int(self.first.offsets[-1])

    @property
    def full_lengths(self) -> Integers:
        """Tokens of each example before truncation, shape (examples,); one without tokens counts as one."""
        return self.lengths if self.full_length is None else np.maximum(self.full_length, 1)

    def joined(self, other: "Dataset") -> "Dataset":
        """Return these examples and, after them, those of another split."""
        return Dataset(
            {name: ragged.joined(other.sequences[name]) for name, ragged in self.sequences.items()},
            {name: np.concatenate([array, other.scalars[name]]) for name, array in self.scalars.items()},
            self.names + other.names,
            np.concatenate([self.full_lengths, other.full_lengths]),
        )

    def take(self, indices: Integers) -> "Dataset":
        """Return the examples with these indices, shape (examples,), in their order."""
        return Dataset(
            {name: ragged.take(indices) for name, ragged in self.sequences.items()},
            {name: array[indices] for name, array in self.scalars.items()},
            tuple(self.names[i] for i in indices),
            self.full_lengths[indices],
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what a model sees of these examples: sequences and scalars."""
        digest = hashlib.sha256()
        for name, array in sorted(self._arrays().items()):
            digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the folder, whole or not at all."""
        with replacing(folder) as temporary:
            temporary.mkdir()
            for name, array in self._arrays().items():
                np.save(temporary / name, array)
            np.save(temporary / FULL_LENGTH, self.full_lengths)
            layout = {"sequences": list(self.sequences), "scalars": list(self.scalars), "names": self.names}
            (temporary / NAMES).write_text(json.dumps(layout, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Dataset":
        """Open a folder that `save` wrote; values stay on disk until they are used.

        Raises:
            UserError: when a file is missing.
        """
        try:
            layout = json.loads((folder / NAMES).read_text(encoding="utf-8"))
            return cls(
                {
                    name: Ragged(
                        np.load(folder / f"{name}{VALUES}", mmap_mode="r"), np.load(folder / f"{name}{OFFSETS}")
                    )
                    for name in layout["sequences"]
                },
                {name: np.load(folder / f"{name}.npy") for name in layout["scalars"]},
                tuple(layout["names"]),
                np.load(folder / FULL_LENGTH),
            )
        except FileNotFoundError as error:
            raise UserError(f"{error.filename}: no such file; `dvc repro encode` makes it") from error

    def _arrays(self) -> dict[str, Array]:
        """Return every array by the name of its file."""
        arrays = {f"{name}.npy": array for name, array in self.scalars.items()}
        for name, ragged in self.sequences.items():
            arrays[f"{name}{VALUES}"], arrays[f"{name}{OFFSETS}"] = ragged.values, ragged.offsets
        return arrays
