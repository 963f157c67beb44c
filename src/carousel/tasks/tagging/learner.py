"""The training of a tagger: negative log-likelihood of tags and intent, F1 of spans."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from carousel.corpus.dataset import Dataset, Integers
from carousel.corpus.training_data import TrainingData
from carousel.nn.affixes import FEATURES
from carousel.nn.batch import pad
from carousel.nn.crf import Allowed
from carousel.nn.tagger import Tagger, TaggerConfig
from carousel.tasks.tagging import scores
from carousel.tasks.tagging.params import Hparams, Train
from carousel.tasks.tagging.scores import METRICS
from carousel.tasks.tagging.scoring import units
from carousel.tasks.tagging.tags import PART, Tags
from carousel.training import embedding
from carousel.training.batches import Batches
from carousel.training.learner import Learner


class Batch(NamedTuple):
    """Sentences of near length.

    Attributes:
        ids: (B, T).
        features: (B, T, F).
        lengths: (B,).
        tags: (B, T).
        intents: (B,), None without intents.
    """

    ids: Tensor
    features: Tensor
    lengths: Tensor
    tags: Tensor
    intents: Tensor | None


class TaggingLearner(Learner[Batch]):
    """Negative log-likelihood of the tags and the intent of sentences, per token; F1 after every epoch.

    Args:
        model: what is trained.
        train: the `train` section of the hyperparameters.
        tags: what the model's scores stand for.
    """

    model: Tagger

    def __init__(self, model: Tagger, train: Train, tags: Tags) -> None:
        super().__init__(model, train, METRICS)
        self.tags = tags
        masks = tags.allowed()
        self.allowed = None if masks is None else Allowed.of(masks)
        self.counted: list[scores.Statistics] = []  # of the validation batches of the epoch so far

    @override
    def batches(self, data: Dataset, batch_tokens: int, *, seed: int = 0, shuffle: bool = False) -> Batches[Batch]:
        return batches(data, batch_tokens, seed=seed, shuffle=shuffle)

    @override
    def loss(self, batch: Batch) -> Tensor:
        found = self.model(batch.ids, batch.features, batch.lengths)
        losses = self.model.losses(found, batch.lengths, batch.tags, batch.intents)  # (B,)
        return losses.sum() / self.units(batch)

    @override
    def units(self, batch: Batch) -> int:
        return int(batch.lengths.sum())

    @override
    def epoch_units(self, data: Dataset) -> int:
        return data.tokens

    @override
    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        found = self.model(batch.ids, batch.features, batch.lengths)
        tags: Tensor = self.model.decode(found, batch.lengths, self.allowed).tags
        return tags

    @override
    def measure(self, batch: Batch) -> None:
        found = self.model(batch.ids, batch.features, batch.lengths)
        losses = self.model.losses(found, batch.lengths, batch.tags, batch.intents)
        decoded = self.model.decode(found, batch.lengths, self.allowed)
        intents = None
        if batch.intents is not None and decoded.intents is not None:
            names = self.tags.intents
            gold, given = ([names[i] for i in numbers.tolist()] for numbers in (batch.intents, decoded.intents))
            intents = scores.Intents(gold, given)
        unit, types = units(self.tags.written)
        gold_tags, predicted = (self._written(tags, batch.lengths) for tags in (batch.tags, decoded.tags))
        self.counted.append(scores.statistics(gold_tags, predicted, intents, unit=unit, types=types))
        self.log_metrics(losses.sum() / self.units(batch), {}, self.units(batch))

    @override
    def on_validation_epoch_end(self) -> None:
        sums = np.sum([counts.sums for counts in self.counted], axis=0)
        found = scores.score(sums, self.counted[0].names)
        self.counted = []
        for metric in METRICS:
            self.log(f"val/{metric.name}", float(found[metric.name]))

    def _written(self, tags: Tensor, lengths: Tensor) -> list[list[str]]:
        """Return the tags of each sentence, (B, T), as predictions have them."""
        rows = zip(tags.tolist(), lengths.tolist(), strict=True)
        return [self.tags.decode(row[:length]) for row, length in rows]


def make_learner(hparams: Hparams, data: TrainingData, *, quiet: bool = False) -> TaggingLearner:
    """Return a learner with an untrained tagger; its weights are a function of `train.seed`.

    Args:
        hparams: of model and training.
        data: what it will learn from.

    Raises:
        UserError: when the pretrained vectors are of another width than the model's.
    """
    torch.manual_seed(hparams.train.seed)
    tags = Tags.from_text(data.parts[PART].decode("utf-8"))
    fields = TaggerConfig.__dataclass_fields__
    settings: dict[str, Any] = {key: value for key, value in hparams.model.model_dump().items() if key in fields}
    config = TaggerConfig(len(data.vocabulary), len(tags.tags), len(tags.intents), **settings)
    counts = np.bincount(data.train.sequences["ids"].values, minlength=len(data.vocabulary))
    model = Tagger(config, torch.from_numpy(counts))
    if data.pretrained is not None:
        embedding.begin(model.embedding, data.pretrained)
    return TaggingLearner(model, hparams.train, tags)


def batches(data: Dataset, batch_tokens: int, *, seed: int = 0, shuffle: bool = False) -> Batches[Batch]:
    """Return a split's batches of sentences of near length."""
    ids, features, tags = (data.sequences[name] for name in ("ids", "features", "tags"))
    intents = data.scalars.get("intents")

    def collate(sentences: Integers) -> Batch:
        padded, lengths = pad([ids[i] for i in sentences])
        spelled = torch.zeros(*padded.shape, FEATURES, dtype=torch.int64)
        for row, i in enumerate(sentences):
            spelled[row, : lengths[row]] = torch.from_numpy(features[i].astype(np.int64))
        gold, _ = pad([tags[i] for i in sentences])
        chosen = torch.from_numpy(intents[sentences]) if intents is not None else None
        return Batch(padded, spelled, lengths, gold, chosen)

    return Batches(data, collate, batch_tokens, seed=seed, shuffle=shuffle)
