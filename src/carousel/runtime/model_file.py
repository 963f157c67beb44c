"""An exported model: one ONNX file, whose metadata have all that it needs to predict.

| key | value |
|---|---|
| carousel.format | `carousel model 1` |
| carousel.description | JSON of `Description`, fingerprints included |
| carousel.part.NAME | a part of the bundle, such as its vocabulary: compressed by zlib, in base64 |

The description has the bundle's fingerprint, that of each of its files, and the SHA-256 of the graph. Loading
recomputes those of the parts, of the configuration and of the graph, so that parts of two models can never make a
prediction.
"""

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from carousel.errors import UserError
from carousel.files import json_digest

FORMAT = "carousel model 1"
PREFIX = "carousel."
PART = f"{PREFIX}part."
CONFIG = "bundle.json"  # the bundle's file of task and configuration
PRECISIONS = ("fp32", "int8")
_GRAPH = 7  # the field of an ONNX model that its graph is

T = TypeVar("T")


class ModelFileError(UserError):
    """An exported model that is missing, damaged, or of another version."""


@dataclass(frozen=True)
class Description:
    """What a model is, beside its graph and its parts.

    Attributes:
        task: whose model it is.
        config: how it reads, as the bundle has it; JSON values.
        precision: one of `PRECISIONS`.
        step: whether the graph takes a state and gives one.
        strings: whether it takes texts, by the operators of onnxruntime-extensions.
        architecture: what reads, such as `bilstm`.
        size: its width and depth, such as `128x1`.
        parameters: how many numbers were trained.
        bundle: the fingerprint of the bundle that it was made of.
        files: those of the bundle's files, by name.
        graph: SHA-256 of the graph.
        states: of a step's graph, each state's size and the value that it begins with, in order.
    """

    task: str
    config: dict[str, Any]
    precision: str
    step: bool
    strings: bool
    architecture: str
    size: str
    parameters: int
    bundle: str
    files: dict[str, str]
    graph: str
    states: list[tuple[int, float]]


class Described:
    """What a predictor says of itself: what the model file that it was made of does.

    Attributes:
        description: of the model.
    """

    description: Description

    @property
    def architecture(self) -> str:
        """What reads, such as `bilstm`."""
        return self.description.architecture

    @property
    def size(self) -> str:
        """Its width and depth, such as `128x1`."""
        return self.description.size

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return self.description.parameters


@dataclass(frozen=True, eq=False)
class ModelFile:
    """An exported model, read and verified.

    Attributes:
        content: the file's bytes.
        description: of the model.
        parts: of its bundle, by name.
        path: of the file, for messages.
    """

    content: bytes
    description: Description
    parts: dict[str, bytes]
    path: Path

    @property
    def task(self) -> str:
        """The task whose model it is."""
        return self.description.task

    @classmethod
    def load(cls, path: Path) -> "ModelFile":
        """Read and verify a file.

        Raises:
            ModelFileError: when it is missing, damaged, or was not exported by this version.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelFileError(f"{path}: {error.strerror}; `carousel export` writes such a file") from error
        return cls.read(content, path)

    @classmethod
    def read(cls, content: bytes, path: Path) -> "ModelFile":
        """Verify a file's content, as `load` does."""
        try:
            fields = _fields(memoryview(content))
            metadata = dict(_property(field) for number, field in fields if number == _METADATA)
            if metadata.get(f"{PREFIX}format") != FORMAT:
                raise ValueError(f"says format {metadata.get(f'{PREFIX}format')!r}, this version reads {FORMAT!r}")
            description = Description(**json.loads(metadata[f"{PREFIX}description"]))
            parts = {
                key.removeprefix(PART): _unpacked(value) for key, value in metadata.items() if key.startswith(PART)
            }
        except (ValueError, KeyError, TypeError, IndexError, RecursionError, binascii.Error, zlib.error) as error:
            raise ModelFileError(f"{path}: not an exported model, or damaged: {error}") from error
        config = json_digest({"task": description.task, "config": description.config})
        found = {
            "the graph": (graph_digest(content), description.graph),
            "the list of files": (json_digest(description.files), description.bundle),
            CONFIG: (config, description.files.get(CONFIG)),
            **{
                name: (hashlib.sha256(part).hexdigest(), description.files.get(name))
                for name, part in parts.items()
            },
        }
        for name, (digest, recorded) in found.items():
            if digest != recorded:
                raise ModelFileError(
                    f"{path}: {name} does not belong to this model: its fingerprint is {digest}, not {recorded}"
                )
        return cls(content, description, parts, path)

    def part(self, name: str, parse: Callable[[str], T]) -> T:
        """Return what a part's text means.

        Args:
            name: of the part.
            parse: raises a ValueError that completes "it …" when the text is not such a part.

        Raises:
            ModelFileError: when the file lacks it, or it cannot be parsed.
        """
        if name not in self.parts:
            raise ModelFileError(f"{self.path}: has no part {name}")
        try:
            return parse(self.parts[name].decode("utf-8"))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelFileError(f"{self.path}: {name}: damaged or foreign: it {error}") from error


def metadata(description: Description, parts: dict[str, bytes]) -> dict[str, str]:
    """Return the metadata of a file."""
    return {
        f"{PREFIX}format": FORMAT,
        f"{PREFIX}description": json.dumps(asdict(description), ensure_ascii=False),
        **{PART + name: base64.b64encode(zlib.compress(part, 9)).decode("ascii") for name, part in parts.items()},
    }


def graph_digest(content: bytes) -> str:
    """Return the SHA-256 of the graph in a file's content."""
    digest = hashlib.sha256()
    for number, field in _fields(memoryview(content)):
        if number == _GRAPH:
            digest.update(field)
    return digest.hexdigest()


_METADATA = 14


def _unpacked(value: str) -> bytes:
    return zlib.decompress(base64.b64decode(value, validate=True))


def _property(field: memoryview) -> tuple[str, str]:
    key, value = (bytes(part).decode("utf-8") for _, part in _fields(field))
    return key, value


def _fields(message: memoryview) -> list[tuple[int, memoryview]]:
    """Return the number and content of a protobuf message's fields that have a length.

    So a file is verified before any other library reads it.
    """
    found, place = [], 0
    while place < len(message):
        tag, place = _number(message, place)
        if tag & 7 == 2:
            length, place = _number(message, place)
            if place + length > len(message):
                raise ValueError("was cut short")
            found.append((tag >> 3, message[place : place + length]))
            place += length
        elif tag & 7 == 0:
            _, place = _number(message, place)
        else:
            raise ValueError(f"has a field of wire type {tag & 7}")
    return found


def _number(message: memoryview, place: int) -> tuple[int, int]:
    """Return a variable-length number, and where it ends."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("has a number that is too long")
