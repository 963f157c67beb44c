"""The second training: on train and validation together, once validation has had its say."""

from dataclasses import replace
from pathlib import Path

from carousel.corpus.encoded import Encoded
from carousel.corpus.pretrained import Pretrained
from carousel.params import Hparams
from carousel.params import replace as with_values
from carousel.text.vocabulary import Vocabulary
from carousel.training import budget
from carousel.training.fit import Fitted, fit

FOLDER = "refit"  # of its checkpoints, among those of the first training


def wanted(hparams: Hparams, train: Encoded) -> bool:
    """Return whether `train.refit` asks for it; `auto` leaves it to how many documents there are."""
    if hparams.train.refit == "auto":
        return budget.refit(int(train.offsets[-1]))
    return hparams.train.refit == "always"


def refit(
    hparams: Hparams,
    fitted: Fitted,
    train: Encoded,
    val: Encoded,
    vocabulary: Vocabulary,
    *,
    pretrained: Pretrained | None = None,
    checkpoints: Path | None = None,
    quiet: bool = False,
) -> Fitted:
    """Return `fitted` with the weights of a model that learned from validation's documents, too.

    It begins anew, with the same seed and batch size, for as many epochs as were planned. If patience ended the
    first training, those were too many: then for as many as the best one's number, the learning rate falling within
    them. If chance made an earlier epoch the best of a few hundred documents, that is no reason to stop there: the
    learning rate had not fallen yet.

    It has no validation figures of its own. Those of `fitted` stay, which say what the model does with documents
    that it has not learned from. So a model is refitted after cross-validation (Hastie et al. 2009, "The elements
    of statistical learning", section 7.10.1).

    Args:
        hparams: of the first training; where they do not ask for a second one, `fitted` is returned as it is.
        fitted: what came of the first.
        train: documents that it learned from.
        val: documents that chose its epoch.
        vocabulary: what their ids are of: train's words alone, also here.
        pretrained: word vectors to begin with, or none.
        checkpoints: the folder of the first training's; the second has one within.
        quiet: no progress bar or lines.

    Raises:
        DivergedError, KeyboardInterrupt: as `fit`.
    """
    if not wanted(hparams, train):
        return fitted
    both, best = train.joined(val), int(fitted.best["epoch"])
    epochs = fitted.planned if len(fitted.history) == fitted.planned else best
    if not quiet:
        print(
            f"val accuracy was {fitted.best['val_accuracy']:.4f}, in epoch {best}; training again on "
            f"train and val together, {len(both):,} documents",
            flush=True,
        )
    if checkpoints is not None:
        checkpoints = checkpoints / FOLDER
        checkpoints.mkdir(exist_ok=True)
    chosen = with_values(hparams, {"train.epochs": epochs, "train.batch_tokens": fitted.batch_tokens})
    second = fit(chosen, both, None, vocabulary, pretrained=pretrained, checkpoints=checkpoints, quiet=quiet)
    return replace(fitted, model=second.model, documents=len(both), refit=second.history)
