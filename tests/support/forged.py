"""Bundles as a stranger may make them: every fingerprint is right, the content is not."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from carousel.bundle import weights
from carousel.bundle.bundle import CONFIG, FORMAT, WEIGHTS, Bundle
from carousel.files import json_digest
from carousel.tasks.tagging import schemes
from carousel.tasks.tagging.predictor import SequenceTagger, Tagger, TaggerConfig
from carousel.tasks.tagging.tags import Tags
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.support import classifiers

KEYS = ("ngrams.keys", "linear.table.keys")


def write(bundle: Bundle, folder: Path) -> Path:
    """Write a bundle as `Bundle.save` does, without its checks."""
    folder.mkdir(parents=True, exist_ok=True)
    digests = {name: hashlib.sha256(part).hexdigest() for name, part in bundle.parts.items()}
    prints = {CONFIG: json_digest({"task": bundle.task, "config": bundle.config}), **digests}
    prints[WEIGHTS] = weights.fingerprint(bundle.tensors)
    content = {
        "format": FORMAT,
        "task": bundle.task,
        "config": bundle.config,
        "fingerprints": prints,
        "fingerprint": json_digest(prints),
    }
    (folder / CONFIG).write_text(json.dumps(content))
    for name, part in bundle.parts.items():
        (folder / name).write_bytes(part)
    save_file({name: tensor.contiguous() for name, tensor in bundle.tensors.items()}, folder / WEIGHTS)
    return folder


def network() -> Bundle:
    """A classifier without n-grams."""
    return classifiers.make_bundle()


def ensemble() -> Bundle:
    """A classifier with all tables of n-grams."""
    return classifiers.make_bundle(ngrams=2, ngram_weight=0.5, characters=2)


def tagger() -> Bundle:
    """A tagger with intents."""
    torch.manual_seed(0)
    vocabulary = Vocabulary((*SPECIALS, "fly", "to", "boston"))
    tags = Tags(tuple(schemes.all_tags(("city",), "iobes")), "iobes", ("flight", "fare"))
    config = TaggerConfig(
        len(vocabulary), len(tags.tags), 2, feature_rows=64, embedding_size=4, feature_size=4, hidden_size=4
    )
    return SequenceTagger(Tagger(config), TOKENIZERS["basic_english"], vocabulary, tags).to_bundle()


KINDS = {"network": network, "ensemble": ensemble, "tagger": tagger}
