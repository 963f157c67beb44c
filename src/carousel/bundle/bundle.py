"""A bundle: a trained classifier with the tokenizer, vocabulary and labels that belong to it.

A folder of four plain files, no pickle:

    bundle.json           format, model configuration, labels, fingerprints
    tokenizer.json        see text.tokenizer
    vocab.txt             see text.vocabulary
    weights.safetensors   see https://github.com/huggingface/safetensors

Each part has a fingerprint, the SHA-256 of its canonical content, and the bundle's is the SHA-256 over those
and the configuration. Loading recomputes them, so that parts of two models can never make a prediction.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from carousel.errors import UserError
from carousel.files import json_digest, replacing
from carousel.nn import streaming
from carousel.nn.batch import by_length, pad
from carousel.nn.classifier import TextClassifier
from carousel.nn.config import ClassifierConfig
from carousel.text.cut import kept
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import Vocabulary

FORMAT = "carousel bundle 1"
TASK = "classification"
CONFIG, TOKENIZER, VOCABULARY, WEIGHTS = "bundle.json", "tokenizer.json", "vocab.txt", "weights.safetensors"
FILES = (CONFIG, TOKENIZER, VOCABULARY, WEIGHTS)
BATCH_TOKENS = 16_384


class BundleError(UserError):
    """A bundle whose files are missing, damaged, or do not belong together."""


@dataclass(frozen=True)
class Prediction:
    """What a bundle says of one text.

    Attributes:
        label: the most probable label.
        probability: its probability.
        probabilities: every label's, in the bundle's order; they sum to 1.
    """

    label: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Bundle:
    """A trained classifier and all that it needs to read text.

    Attributes:
        model: in evaluation mode.
        tokenizer: text to tokens.
        vocabulary: tokens to ids.
        labels: what the logits stand for, in order.
        max_length: tokens that a longer text keeps, as in training.
        truncation: which they are, as `text.cut` says.
    """

    model: TextClassifier
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    max_length: int
    truncation: str = "head"

    def __post_init__(self) -> None:
        config = self.model.config
        if config.vocabulary_size != len(self.vocabulary):
            raise BundleError(
                f"{VOCABULARY} has {len(self.vocabulary)} tokens, but the model embeds {config.vocabulary_size}"
            )
        if config.classes != len(self.labels) or len(set(self.labels)) != len(self.labels):
            raise BundleError(
                f"{CONFIG} names {len(set(self.labels))} labels, but the model has {config.classes} classes"
            )
        self.model.eval()

    # Prediction

    def logits(self, documents: Sequence[Any], batch_tokens: int = BATCH_TOKENS) -> Tensor:
        """Return the logits (documents, labels) of encoded documents, each a sequence of at least one id.

        A document of more than `batch_tokens` is read piece by piece, so that its length needs no more memory.
        """
        logits = torch.empty(len(documents), len(self.labels))
        lengths = np.array([len(document) for document in documents], dtype=np.int64)
        with torch.inference_mode():
            for group in by_length(lengths, batch_tokens):
                if lengths[group[0]] > batch_tokens:  # it is a group of its own
                    logits[group] = streaming.logits(self.model, documents[group[0]], batch_tokens)
                else:
                    logits[group] = self.model(*pad([documents[i] for i in group]))
        return logits

    def encode(self, text: str) -> list[int]:
        """Return a text's ids, as in training."""
        return self.ids(self.tokenizer.tokenize(text))

    def ids(self, tokens: list[str]) -> list[int]:
        """Return the ids of a text's tokens: of those that are read."""
        return self.vocabulary.encode(tokens, self.max_length, self.truncation)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Classify texts; each prediction is the same alone and in any company."""
        return self.predictions(self.logits([self.encode(text) for text in texts]))

    def predictions(self, logits: Tensor) -> list[Prediction]:
        """Turn logits (documents, labels) into predictions."""
        predictions = []
        for row in logits.double().softmax(-1).tolist():
            best = max(range(len(row)), key=row.__getitem__)
            predictions.append(Prediction(self.labels[best], row[best], dict(zip(self.labels, row, strict=True))))
        return predictions

    # Identity

    @property
    def fingerprints(self) -> dict[str, str]:
        """The SHA-256 of each part, by file name; `bundle.json`'s covers the configuration and labels."""
        return {
            CONFIG: json_digest(_description(self.model.config, self.labels, self.max_length, self.truncation)),
            TOKENIZER: self.tokenizer.fingerprint,
            VOCABULARY: self.vocabulary.fingerprint,
            WEIGHTS: _tensors_fingerprint(self.model.state_dict()),
        }

    @property
    def fingerprint(self) -> str:
        """The SHA-256 over the parts' fingerprints: two bundles that share it predict the same."""
        return json_digest(self.fingerprints)

    # Files

    def save(self, folder: Path) -> None:
        """Write the bundle, whole or not at all; an older one at `folder` is replaced."""
        fingerprints = self.fingerprints
        content = {
            "format": FORMAT,
            **_description(self.model.config, self.labels, self.max_length, self.truncation),
            "fingerprints": fingerprints,
            "fingerprint": json_digest(fingerprints),
        }
        with replacing(folder) as temporary:
            temporary.mkdir()
            (temporary / CONFIG).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
            (temporary / TOKENIZER).write_text(self.tokenizer.to_json(), "utf-8")
            (temporary / VOCABULARY).write_bytes(self.vocabulary.to_text().encode("utf-8"))
            save_file({k: v.contiguous() for k, v in self.model.state_dict().items()}, temporary / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        """Read and verify a bundle.

        Raises:
            BundleError: when a file is missing or damaged, or does not belong to the others; it names the file
                and both fingerprints.
        """
        try:
            content = json.loads(_read(folder / CONFIG))
            if content.get("format") != FORMAT:
                raise ValueError(f"says format {content.get('format')!r}, this version reads {FORMAT!r}")
            if content.get("task") != TASK:
                raise ValueError(f"says task {content.get('task')!r}, this version reads {TASK!r}")
            config, recorded = ClassifierConfig(**content["model"]), dict(content["fingerprints"])
            labels, max_length = tuple(content["labels"]), int(content["max_length"])
            truncation = content["truncation"]
            kept(max_length, truncation)  # or it is a later version's
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"{folder / CONFIG}: not a bundle's description: {error}") from error
        _match(
            folder / CONFIG, json_digest(_description(config, labels, max_length, truncation)), recorded.get(CONFIG)
        )
        _match(
            folder / CONFIG, json_digest({name: recorded.get(name) for name in FILES}), content.get("fingerprint")
        )
        tokenizer = _part(folder / TOKENIZER, Tokenizer.from_json)
        _match(folder / TOKENIZER, tokenizer.fingerprint, recorded.get(TOKENIZER))
        vocabulary = _part(folder / VOCABULARY, Vocabulary.from_text)
        _match(folder / VOCABULARY, vocabulary.fingerprint, recorded.get(VOCABULARY))
        try:
            tensors = load_file(folder / WEIGHTS)
        except FileNotFoundError as error:
            raise BundleError(f"{folder / WEIGHTS}: no such file; the bundle is not whole") from error
        except (SafetensorError, OSError) as error:
            raise BundleError(f"{folder / WEIGHTS}: damaged or cut short: {error}") from error
        _match(folder / WEIGHTS, _tensors_fingerprint(tensors), recorded.get(WEIGHTS))
        try:
            # The weights are about to be loaded, so drawing random ones first would be time lost
            with torch.device("meta"):
                model = TextClassifier(config)
        except (KeyError, ValueError) as error:
            raise BundleError(
                f"{folder / CONFIG}: describes a model that this version cannot build: {error}"
            ) from error
        try:
            # A file's tensors lie where they happen to; copies are aligned like those of a model that was trained,
            # and a processor's kernels may round differently where they are not
            model.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()}, assign=True)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise BundleError(
                f"{folder / WEIGHTS}: does not fit the model that {CONFIG} describes: {reason}"
            ) from error
        return cls(model, tokenizer, vocabulary, labels, max_length, truncation)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(f"{path}: no such file; the bundle is not whole") from error
    except UnicodeDecodeError as error:
        raise BundleError(f"{path}: damaged: not UTF-8 at byte {error.start}") from error


def _part(path: Path, parse: Any) -> Any:
    content = _read(path)
    try:
        return parse(content)
    except ValueError as error:
        raise BundleError(f"{path}: damaged or foreign: it {error}") from error


def _match(path: Path, found: str, recorded: str | None) -> None:
    if found != recorded:
        raise BundleError(
            f"{path}: does not belong to this bundle: its fingerprint is {found}, {CONFIG} records {recorded}"
        )


def _description(
    config: ClassifierConfig, labels: tuple[str, ...], max_length: int, truncation: str
) -> dict[str, Any]:
    """Return what `bundle.json`'s fingerprint covers."""
    return {
        "task": TASK,
        "labels": list(labels),
        "max_length": max_length,
        "truncation": truncation,
        "model": asdict(config),
    }


def _tensors_fingerprint(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over every tensor's name, type, shape and bytes, in name order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())  # NumPy has no bfloat16
    return digest.hexdigest()
