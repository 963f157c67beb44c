"""The second training: on train and validation together, after validation has chosen the number of epochs."""

from dataclasses import replace
from pathlib import Path

from carousel.corpus.dataset import Dataset
from carousel.corpus.training_data import TrainingData
from carousel.params import Hparams
from carousel.params import replace as with_values
from carousel.training import budget
from carousel.training.fit import Fitted, fit
from carousel.training.learner import MakeLearner

FOLDER = "refit"  # of its checkpoints, among those of the first training


def wanted(hparams: Hparams, train: Dataset) -> bool:
    """Return whether `train.refit` asks for it; `auto` depends on the number of tokens."""
    if hparams.train.refit == "auto":
        return budget.refit(train.tokens)
    return hparams.train.refit == "always"


def refit(
    make_learner: MakeLearner,
    hparams: Hparams,
    fitted: Fitted,
    data: TrainingData,
    *,
    checkpoints: Path | None = None,
    quiet: bool = False,
) -> Fitted:
    """Return `fitted` with the weights of a model that learned from validation's documents, too.

    It begins anew, with the same seed and batch size, for as many epochs as were planned. If patience ended the
    first training, those were too many: then for as many as the best one's number, the learning rate falling within
    them. If chance made an earlier epoch the best of a few hundred documents, that is no reason to stop there: the
    learning rate had not fallen yet.

    It has no validation metrics of its own. Those of `fitted` stay, which say what the model does with documents
    that it has not learned from. So a model is refitted after cross-validation (Hastie et al. 2009, "The elements
    of statistical learning", section 7.10.1).

    Args:
        make_learner: as in `fit`.
        hparams: of the first training; where they do not ask for a second one, `fitted` is returned as it is.
        fitted: result of the first training.
        data: of the first training; its parts, such as the vocabulary, are used as they are.
        checkpoints: the folder of the first training's; the second has one within.
        quiet: no progress bar or lines.

    Raises:
        DivergedError, KeyboardInterrupt: as `fit`.
    """
    if not wanted(hparams, data.train):
        return fitted
    both, best, monitor = data.joined(), int(fitted.best["epoch"]), fitted.monitor
    epochs = fitted.planned if len(fitted.history) == fitted.planned else best
    if not quiet:
        print(
            f"val {monitor.title} was {fitted.best[f'val_{monitor.name}']:.4f}, in epoch {best}; training again on "
            f"train and val together, {len(both.train):,} examples",
            flush=True,
        )
    if checkpoints is not None:
        checkpoints = checkpoints / FOLDER
        checkpoints.mkdir(exist_ok=True)
    chosen = with_values(hparams, {"train.epochs": epochs, "train.batch_tokens": fitted.batch_tokens})
    second = fit(make_learner, chosen, both, checkpoints=checkpoints, quiet=quiet)
    return replace(fitted, learner=second.learner, documents=len(both.train), refit=second.history)
