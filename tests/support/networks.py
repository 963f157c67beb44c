"""Small classifiers from flat settings, as params.yaml names them."""

import torch

from carousel.nn.classifier import TextClassifier
from carousel.nn.config import ClassifierConfig, EncoderConfig, NgramConfig, ReadingConfig
from carousel.nn.ngram_ensemble import NgramEnsemble

OF_ENCODER = ("cell", "hidden_size", "layers", "bidirectional", "orthogonal", "xavier", "forget_bias", "heads")


def classifier_config(words: int, classes: int, **settings: object) -> ClassifierConfig:
    """Sort flat settings into the nested configuration."""
    names = {"name": "encoder", "spectral_radius": "spectral_radius", **{name: name for name in OF_ENCODER}}
    encoder = {field: settings.pop(name) for field, name in names.items() if name in settings}
    reading = {
        field: settings.pop(name)
        for field, name in (("name", "reading"), ("chunk", "chunk"), ("overlap", "overlap"))
        if name in settings
    }
    if "dropout" in settings:
        encoder["dropout"] = settings["dropout"]
    return ClassifierConfig(
        words, classes, encoder=EncoderConfig(**encoder), reading=ReadingConfig(**reading), **settings
    )


def classifier(words: int, classes: int, **settings: object) -> TextClassifier | NgramEnsemble:
    """Return a new classifier, with n-grams if `ngrams` says so."""
    longest = settings.pop("ngrams", 0)
    ngrams = {}
    for field, name in (
        ("rows", "ngram_rows"), ("weight", "ngram_weight"), ("characters", "characters"),
        ("character_rows", "character_rows"), ("token_characters", "token_characters"), ("alphabet", "alphabet"),
    ):  # fmt: skip
        if name in settings:
            ngrams[field] = settings.pop(name)
    config = classifier_config(words, classes, **settings)
    model = NgramEnsemble(config, NgramConfig(longest, **ngrams)) if longest else TextClassifier(config)
    network_of(model).reset_embedding()
    return model


def network_of(model: torch.nn.Module) -> TextClassifier:
    """Return the network, which n-grams may stand beside."""
    return model.network if isinstance(model, NgramEnsemble) else model
