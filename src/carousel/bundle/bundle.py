"""A bundle: the file format of a trained model with all that it needs to predict.

A folder of plain files, no pickle:

    bundle.json           format, task, configuration, fingerprints
    vocab.txt, …          the parts: what was fitted on the training data, such as vocabulary, tokenizer, labels
    weights.safetensors   see https://github.com/huggingface/safetensors

Each file has a fingerprint, the SHA-256 of its canonical content, and the bundle's is the SHA-256 over those.
Loading recomputes them, so that parts of two models can never make a prediction. The format knows no model: a task
makes a predictor of a bundle.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor

from carousel.bundle import regular, weights
from carousel.errors import UserError
from carousel.files import json_digest, replacing
from carousel.text import strict_json
from carousel.text.printable import one_line

FORMAT = "carousel bundle 1"
CONFIG, WEIGHTS = "bundle.json", "weights.safetensors"
MOST_CONFIG = 1 << 20  # bytes of bundle.json
MOST_PARTS = 1 << 25  # bytes of all parts
_PART = re.compile(r"[a-z0-9_]{1,64}\.[a-z]{1,16}")  # a part's file name: it stays within the folder
_PARTS = 16  # the most
_MESSAGE = 300  # characters of an error, the most


T = TypeVar("T")
Expected = Callable[[str, dict[str, Any]], Mapping[str, Tensor]]


class BundleError(UserError):
    """A bundle whose files are missing, damaged, or do not belong together.

    The message may quote what the files hold: it has no control characters, and 300 characters at most.
    """

    def __init__(self, message: str) -> None:
        line = one_line(message).replace("\t", "\\t")
        super().__init__(line if len(line) <= _MESSAGE else f"{line[: _MESSAGE - 100]}…{line[-99:]}")


@dataclass(frozen=True, eq=False)  # tensors cannot be compared as one; fingerprints can
class Bundle:
    """A trained model as it is stored.

    Attributes:
        task: which task's model it is.
        config: how to build the model, and how it reads; JSON values.
        parts: what was fitted on the training data, by file name.
        tensors: the model's weights, by name.
    """

    task: str
    config: dict[str, Any]
    parts: dict[str, bytes]
    tensors: dict[str, Tensor]

    @property
    def fingerprints(self) -> dict[str, str]:
        """The SHA-256 of each file's content, by file name; `bundle.json`'s covers task and configuration."""
        return {
            CONFIG: _config_fingerprint(self.task, self.config),
            **{name: hashlib.sha256(content).hexdigest() for name, content in self.parts.items()},
            WEIGHTS: weights.fingerprint(self.tensors),
        }

    @property
    def fingerprint(self) -> str:
        """The SHA-256 over the files' fingerprints: two bundles that share it predict the same."""
        return json_digest(self.fingerprints)

    def save(self, folder: Path) -> None:
        """Write the bundle, whole or not at all; an older one at `folder` is replaced.

        Raises:
            UserError: when it is larger than `load` reads, or cannot be written.
        """
        self._check_sizes(folder)
        fingerprints = self.fingerprints
        content = {
            "format": FORMAT,
            "task": self.task,
            "config": self.config,
            "fingerprints": fingerprints,
            "fingerprint": json_digest(fingerprints),
        }
        with replacing(folder) as temporary:
            temporary.mkdir()
            (temporary / CONFIG).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
            for name, part in self.parts.items():
                (temporary / name).write_bytes(part)
            save_file({name: tensor.contiguous() for name, tensor in self.tensors.items()}, temporary / WEIGHTS)

    @classmethod
    def load(cls, folder: Path, expected: Expected | None = None) -> "Bundle":
        """Read and verify a bundle, which anyone may have made.

        Only regular files of limited size are read. What was verified is what the bundle holds, whatever happens to
        the files meanwhile.

        Args:
            folder: of the files.
            expected: returns the tensors of the model that task and configuration describe; they need no memory.
                The file's names, shapes and types are compared with them before a weight is read.

        Raises:
            BundleError: when a file is missing or damaged, or does not belong to the others; it names the file
                and both fingerprints.
        """
        task, config, recorded, fingerprint = _description(folder / CONFIG)
        _match(folder / CONFIG, _config_fingerprint(task, config), recorded.get(CONFIG))
        _match(folder / CONFIG, json_digest(recorded), fingerprint)
        model = _model(folder, task, config, expected) if expected else None
        parts, left = {}, MOST_PARTS
        for name in recorded:
            if name not in (CONFIG, WEIGHTS):
                parts[name] = _read(folder / name, left)
                left -= len(parts[name])
                _match(folder / name, hashlib.sha256(parts[name]).hexdigest(), recorded[name])
        tensors = _tensors(folder / WEIGHTS, model)
        _match(folder / WEIGHTS, weights.fingerprint(tensors), recorded.get(WEIGHTS))
        return cls(task, config, parts, tensors)

    def put_into(self, model: torch.nn.Module) -> None:
        """Load the weights into a model that the configuration describes, and set it to evaluation mode.

        The model then shares the bundle's tensors.

        Raises:
            BundleError: when they do not fit it, or are not finite.
        """
        if (reason := weights.misfit(model.state_dict(), self.tensors)) is not None:
            raise BundleError(f"{WEIGHTS}: does not fit the model that {CONFIG} describes: {reason}")
        if (name := weights.not_finite(self.tensors)) is not None:
            raise BundleError(f"{WEIGHTS}: {name!r} has numbers that are not finite")
        model.load_state_dict(self.tensors, assign=True)
        model.eval()

    def part(self, name: str, parse: Callable[[str], T]) -> T:
        """Return what a part's text means.

        Args:
            name: of the part.
            parse: raises a ValueError that completes "it …" when the text is not such a part.

        Raises:
            BundleError: when the bundle lacks it, it is not UTF-8, or it cannot be parsed.
        """
        if name not in self.parts:
            raise BundleError(f"{CONFIG}: names no part {name}; the bundle is not whole")
        try:
            return parse(self.parts[name].decode("utf-8"))
        except UnicodeDecodeError as error:
            raise BundleError(f"{name}: damaged: not UTF-8 at byte {error.start}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BundleError(f"{name}: damaged or foreign: it {error}") from error

    def _check_sizes(self, folder: Path) -> None:
        """Raise what `load` would raise."""
        size = sum(tensor.nbytes for tensor in self.tensors.values())
        most = weights.MOST_BYTES - MOST_CONFIG  # room for the table
        if size > most:
            raise UserError(
                f"{folder}: the weights have {size:,} bytes, and a bundle holds {most:,}; model.ngram_min_df: 2 or "
                "a smaller vocab.max_size makes them fewer"
            )
        size = sum(map(len, self.parts.values()))
        if size > MOST_PARTS:
            raise UserError(
                f"{folder}: {', '.join(self.parts)} have {size:,} bytes, and a bundle holds {MOST_PARTS:,}"
            )


def check_finite(*scores: Tensor | None) -> None:
    """Check what a loaded model computed: weights may be finite, and so large that nothing else is.

    Raises:
        BundleError: when there is NaN or an infinity.
    """
    if weights.not_finite({str(i): score for i, score in enumerate(scores) if score is not None}) is not None:
        raise BundleError(f"{WEIGHTS}: the model computes numbers that are not finite")


def _description(path: Path) -> tuple[str, dict[str, Any], dict[str, str], str]:
    """Return the task, the configuration, the files' fingerprints and the bundle's fingerprint."""
    try:
        content = strict_json.loads(_read(path, MOST_CONFIG).decode("utf-8"))
        if content.get("format") != FORMAT:
            raise ValueError(f"it says format {content.get('format')!r}, this version reads {FORMAT!r}")
        task, config, recorded = content["task"], content["config"], content["fingerprints"]
        if not isinstance(config, dict) or not isinstance(recorded, dict):
            raise ValueError("its configuration or fingerprints are no table")
        names = [name for name in recorded if name not in (CONFIG, WEIGHTS)]
        if not isinstance(task, str) or not all(_PART.fullmatch(name) for name in names) or len(names) > _PARTS:
            raise ValueError("its task or the name of a part is not one that this version reads")
    except UnicodeDecodeError as error:
        raise BundleError(f"{path}: damaged: not UTF-8 at byte {error.start}") from error
    except KeyError as error:
        raise BundleError(f"{path}: not a bundle's description: it lacks {error}") from error
    except (ValueError, AttributeError) as error:
        raise BundleError(f"{path}: not a bundle's description: {error}") from error
    return task, config, recorded, content.get("fingerprint")


def _model(folder: Path, task: str, config: dict[str, Any], expected: Expected) -> Mapping[str, Tensor]:
    try:
        return expected(task, config)
    except BundleError as error:
        raise BundleError(f"{folder}/{error}") from error


def _tensors(path: Path, expected: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    with _errors(path), regular.opened(path, weights.MOST_BYTES) as (file, size):
        entries = weights.table(file, size)
        found = {name: entry.meta for name, entry in entries.items()}
        if expected is not None and (reason := weights.misfit(expected, found)) is not None:
            raise ValueError(f"does not fit the model that {CONFIG} describes: {reason}")
        return weights.read(file, entries)


def _read(path: Path, most: int) -> bytes:
    with _errors(path):
        return regular.read(path, most)


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(f"{path}: no such file; the bundle is not whole") from error
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BundleError(f"{path}: {error}") from error


def _match(path: Path, found: str, recorded: Any) -> None:
    if found != recorded:
        raise BundleError(
            f"{path}: does not belong to this bundle: its fingerprint is {found[:16]}, {CONFIG} records "
            f"{str(recorded)[:16]}"
        )


def _config_fingerprint(task: str, config: dict[str, Any]) -> str:
    return json_digest({"task": task, "config": config})
