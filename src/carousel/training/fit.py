"""Training one classifier: the Lightning fit, from encoded splits to the best epoch's weights."""

import logging
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping
from pytorch_lightning.loggers import Logger

from carousel.corpus.encoded import Encoded
from carousel.corpus.pretrained import Pretrained
from carousel.errors import UserError
from carousel.nn.classifier import TextClassifier
from carousel.nn.config import ClassifierConfig
from carousel.nn.ngram_counts import NgramCounts
from carousel.params import Hparams, Model
from carousel.params import replace as with_values
from carousel.tasks.classification import MONITOR, Classification, NotFiniteError
from carousel.text.vocabulary import Vocabulary
from carousel.training import budget, embedding, ngram_weights
from carousel.training.allocator import keep_freed_memory
from carousel.training.batches import Batches
from carousel.training.callbacks import Curves, History, PerStepSeed, progress
from carousel.training.checkpoint import Best, ResumableCheckpoint
from carousel.training.ngram_weights import SpelledCounts
from carousel.training.precision import Precision, choose


class DivergedError(UserError):
    """A training whose loss or gradient stopped being a number."""


@dataclass(frozen=True)
class Fitted:
    """A trained model and how it came about.

    Attributes:
        model: with the weights of the epoch whose validation accuracy was best, or, without validation, of the last
            one; after a `refit`, with those of the second training.
        history: a row an epoch; after a `refit`, still of the first training.
        norms: of the gradient at each step, before clipping.
        planned: epochs over which the learning rate falls; patience may have ended earlier.
        documents: that the model's weights were learned from.
        tokens: real, non-padding tokens of an epoch.
        batch_tokens: of a batch at most, padding included.
        precision: what it was computed with.
        refit: a row an epoch of the second training; none without one.
    """

    model: TextClassifier
    history: list[dict[str, float]]
    norms: list[float]
    planned: int
    documents: int
    tokens: int
    batch_tokens: int
    precision: Precision
    refit: list[dict[str, float]] = field(default_factory=list)

    @property
    def best(self) -> dict[str, float]:
        """The row of the epoch whose weights the model has: the earliest of the best."""
        return max(self.history, key=lambda row: row["val_accuracy"])

    @property
    def tokens_per_second(self) -> float:
        """Real, non-padding tokens trained on, validation time included."""
        return self.tokens * len(self.history) / sum(row["seconds"] for row in self.history)


def build(
    hparams: Hparams,
    *,
    vocabulary_size: int,
    classes: int,
    pretrained: Pretrained | None = None,
    counts: NgramCounts | None = None,
    spelled: SpelledCounts | None = None,
) -> TextClassifier:
    """Return an untrained model; its weights are a function of `train.seed`, and of the vectors it begins with.

    Args:
        hparams: of the model, and the seed.
        vocabulary_size: rows of the embedding.
        classes: width of the logits.
        pretrained: word vectors to begin with, or none.
        counts: of the documents' n-grams; without them n-grams say nothing.
        spelled: their n-grams of characters; without them the model has none.
    """
    torch.manual_seed(hparams.train.seed)
    settings = {**hparams.model.model_dump(), "ngram_rows": counts.rows if counts else 0, "characters": 0}
    if spelled is not None:
        settings["characters"] = hparams.model.characters
        settings["character_rows"], settings["alphabet"] = spelled.counts.rows, spelled.alphabet
        settings["token_characters"] = spelled.spelling.shape[1]
    model = TextClassifier(ClassifierConfig(vocabulary_size, classes, **settings))
    if pretrained is not None:
        embedding.begin(model, pretrained)
    if model.ngrams is not None and counts is not None:
        model.ngrams.begin(counts)
    if spelled is not None and model.linear is not None and model.linear.spelling is not None:
        assert model.linear.table is not None
        model.linear.spelling.begin(spelled.spelling)
        model.linear.table.begin(spelled.counts)
    return model


def fit(
    hparams: Hparams,
    train: Encoded,
    val: Encoded | None,
    vocabulary: Vocabulary,
    *,
    pretrained: Pretrained | None = None,
    logger: Logger | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoints: Path | None = None,
    quiet: bool = False,
) -> Fitted:
    """Train a classifier until its epochs are over or validation accuracy has stopped rising.

    Args:
        hparams: model and training hyperparameters.
        train: documents to learn from.
        val: documents to choose the best epoch by, or none: the last epoch's weights are then kept.
        vocabulary: what the documents' ids are of.
        pretrained: word vectors to begin with, or none.
        logger: where Lightning logs metrics, or nowhere.
        callbacks: further ones, such as a sweep's pruning.
        checkpoints: a folder for them; if it has one of the same training, that training goes on.
        quiet: no progress bar or lines.

    Raises:
        DivergedError: when a loss or gradient is not finite.
        UserError: when the vectors are of another width than the model's.
        KeyboardInterrupt: after a step that Ctrl-C interrupted, and its checkpoint.
    """
    if hparams.model.ngram_weight == "auto":
        hparams = with_values(hparams, {"model.ngram_weight": budget.ngram_weight(len(train))})
    params = hparams.train
    _quieten()
    keep_freed_memory()
    precision = choose(hparams)
    table = (train, vocabulary, hparams.model.ngrams, hparams.model.ngram_min_df)
    characters = _characters(hparams.model, train, vocabulary)
    model = build(
        hparams,
        vocabulary_size=len(vocabulary),
        classes=len(train.labels),
        pretrained=pretrained,
        counts=ngram_weights.counted(*table) if hparams.model.ngrams else None,
        spelled=ngram_weights.spelled(train, vocabulary, characters) if characters else None,
    )
    if params.spelling:
        embedding.share(model, vocabulary, pretrained)
    if model.linear is not None:
        began = time.perf_counter()
        ngram_weights.linear(*table, characters, params.class_weights).put_into(model.linear)
        if not quiet:
            rows = model.config.ngram_rows + model.config.character_rows
            print(f"linear classifier on {rows:,} n-grams: {time.perf_counter() - began:.0f} s", flush=True)
    tokens = int(train.offsets[-1])
    epochs = params.epochs or budget.epochs(tokens)
    batch_tokens = params.batch_tokens or budget.batch_tokens(tokens)
    batches = Batches(train, batch_tokens, seed=params.seed, shuffle=True)
    steps, counts = epochs * len(batches), np.bincount(train.targets, minlength=len(train.labels))
    task = Classification(model, params, steps, len(train) / len(batches), counts)
    history, best, resumption = History(params.clip_norm), Best(), ResumableCheckpoint(checkpoints)
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        precision=precision.lightning,
        max_epochs=epochs,
        gradient_clip_val=params.clip_norm,
        logger=logger or False,
        callbacks=[
            PerStepSeed(params.seed),
            history,
            *([embedding.Frozen(pretrained.freeze_epochs)] if pretrained is not None else []),
            Curves(),
            *([best, EarlyStopping(MONITOR, mode="max", patience=params.patience)] if val is not None else []),
            *([] if quiet else progress(history)),
            *callbacks,
            resumption,
        ],
        enable_progress_bar=not quiet and sys.stdout.isatty(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        deterministic=True,
        use_distributed_sampler=False,
    )
    begin = resumption.path if resumption.path and resumption.path.exists() else None
    if not quiet:
        print(f"precision {precision.name}: {precision.reason}", flush=True)
        if begin:
            print(f"going on from the checkpoint of an interrupted training, {begin}", flush=True)
    with resumption.listening():
        try:
            validation = Batches(val, batch_tokens) if val is not None else None
            trainer.fit(task, batches, validation, ckpt_path=begin, weights_only=True)
        except SystemExit as error:
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from error  # Lightning exits on Ctrl+C; a sweep has to know it as such
            raise
        except NotFiniteError as error:
            raise DivergedError(_diverged(error, trainer, batches, resumption.path)) from error
    if val is not None:
        task.load_state_dict(best.weights)
    embedding.fold(model)
    model = model.cpu().eval()
    return Fitted(model, history.rows, history.norms, epochs, len(train), tokens, batch_tokens, precision)


def _characters(model: Model, train: Encoded, vocabulary: Vocabulary) -> int:
    """Return the length of the longest n-grams of characters that pay for these documents; 0 is none."""
    if not (model.ngrams and model.ngram_weight):
        return 0
    lengths = np.array([len(token) for token in vocabulary.tokens])
    return model.characters if budget.has_characters(int(lengths[train.ids].sum())) else 0


def describe(fitted: Fitted) -> dict[str, float | int | str]:
    """Return what reports/train.json says."""
    row = fitted.best
    return {
        "epochs": len(fitted.history),
        "best_epoch": int(row["epoch"]),
        "train_loss": row["train_loss"],
        "val_loss": row["val_loss"],
        "val_accuracy": row["val_accuracy"],
        "val_macro_f1": row["val_macro_f1"],
        "parameters": sum(parameter.numel() for parameter in fitted.model.parameters()),
        "tokens_per_second": round(fitted.tokens_per_second),
        "batch_tokens": fitted.batch_tokens,
        "documents": fitted.documents,
        "refit_epochs": len(fitted.refit),
        "precision": fitted.precision.name,
        "gradient_norm_p90": float(np.quantile(fitted.norms, 0.9)),
        "clipped": float(np.mean([row["clipped"] for row in fitted.history])),  # epochs have as many steps
    }


def _diverged(error: NotFiniteError, trainer: lightning.Trainer, batches: Batches, checkpoint: Path | None) -> str:
    index = trainer.fit_loop.batch_idx
    names = [batches.encoded.names[i] for i in batches.buckets.batches()[index]]
    documents = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    last = f"; the last good checkpoint is {checkpoint}" if checkpoint and checkpoint.exists() else ""
    return (
        f"training diverged: {error} at step {trainer.global_step} (epoch {trainer.current_epoch + 1}, batch "
        f"{index}: documents {documents}); lower train.learning_rate or train.clip_norm{last}"
    )


def _quieten() -> None:
    """Silence what Lightning says to everyone: devices found."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")  # Lightning's own, on torch 2.13
    warnings.filterwarnings("ignore", message=".*have no `val_dataloader`. Skipping val loop.*")
    warnings.filterwarnings(
        "ignore", message=".*The number of training batches.*smaller than the logging interval.*"
    )
