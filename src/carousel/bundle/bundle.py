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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from carousel.errors import UserError
from carousel.files import json_digest, replacing

FORMAT = "carousel bundle 1"
CONFIG, WEIGHTS = "bundle.json", "weights.safetensors"
_PART = re.compile(r"[a-z0-9_]+\.[a-z]+")  # a part's file name: it stays within the folder


T = TypeVar("T")


class BundleError(UserError):
    """A bundle whose files are missing, damaged, or do not belong together."""


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
            WEIGHTS: _tensors_fingerprint(self.tensors),
        }

    @property
    def fingerprint(self) -> str:
        """The SHA-256 over the files' fingerprints: two bundles that share it predict the same."""
        return json_digest(self.fingerprints)

    def save(self, folder: Path) -> None:
        """Write the bundle, whole or not at all; an older one at `folder` is replaced."""
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
    def load(cls, folder: Path) -> "Bundle":
        """Read and verify a bundle.

        Raises:
            BundleError: when a file is missing or damaged, or does not belong to the others; it names the file
                and both fingerprints.
        """
        try:
            content = json.loads(_text(folder / CONFIG))
            if content.get("format") != FORMAT:
                raise ValueError(f"says format {content.get('format')!r}, this version reads {FORMAT!r}")
            task, config, recorded = content["task"], dict(content["config"]), dict(content["fingerprints"])
            names = [name for name in recorded if name not in (CONFIG, WEIGHTS)]
            if not isinstance(task, str) or not all(_PART.fullmatch(name) for name in names):
                raise ValueError("its task or the name of a part is not one that this version reads")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BundleError(f"{folder / CONFIG}: not a bundle's description: {error}") from error
        _match(folder / CONFIG, _config_fingerprint(task, config), recorded.get(CONFIG))
        _match(folder / CONFIG, json_digest(recorded), content.get("fingerprint"))
        parts = {name: _read(folder / name) for name in names}
        for name, part in parts.items():
            _match(folder / name, hashlib.sha256(part).hexdigest(), recorded[name])
        try:
            tensors = load_file(folder / WEIGHTS)
        except FileNotFoundError as error:
            raise BundleError(f"{folder / WEIGHTS}: no such file; the bundle is not whole") from error
        except (SafetensorError, OSError) as error:
            raise BundleError(f"{folder / WEIGHTS}: damaged or cut short: {error}") from error
        _match(folder / WEIGHTS, _tensors_fingerprint(tensors), recorded.get(WEIGHTS))
        return cls(task, config, parts, tensors)

    def put_into(self, model: torch.nn.Module) -> None:
        """Load the weights into a model that the configuration describes, and set it to evaluation mode.

        Raises:
            BundleError: when they do not fit it.
        """
        try:
            # A file's tensors lie where they happen to; copies are aligned like those of a model that was trained,
            # and a processor's kernels may round differently where they are not
            model.load_state_dict({name: tensor.clone() for name, tensor in self.tensors.items()}, assign=True)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise BundleError(f"{WEIGHTS}: does not fit the model that {CONFIG} describes: {reason}") from error
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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(f"{path}: no such file; the bundle is not whole") from error


def _text(path: Path) -> str:
    try:
        return _read(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{path}: damaged: not UTF-8 at byte {error.start}") from error


def _match(path: Path, found: str, recorded: str | None) -> None:
    if found != recorded:
        raise BundleError(
            f"{path}: does not belong to this bundle: its fingerprint is {found}, {CONFIG} records {recorded}"
        )


def _config_fingerprint(task: str, config: dict[str, Any]) -> str:
    return json_digest({"task": task, "config": config})


def _tensors_fingerprint(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over every tensor's name, type, shape and bytes, in name order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())  # NumPy has no bfloat16
    return digest.hexdigest()
