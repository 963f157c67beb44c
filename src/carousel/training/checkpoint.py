"""Exact resume: a training's whole state in one file, and the place where an interrupted one is found again.

A checkpoint holds weights, optimizer, schedule, the place in the data, the best epoch's weights and every figure
so far. Batches are a function of (seed, epoch) and random numbers one of (seed, step), so nothing else decides
what comes next: a training that goes on from any checkpoint ends in the same weights, bit for bit, on the same
machine with the same number of threads.
"""

import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as lightning
from filelock import FileLock, Timeout
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.callbacks import Checkpoint as LightningCheckpoint
from torch import Tensor

from carousel.corpus.training_data import TrainingData
from carousel.files import json_digest, replacing
from carousel.metric import Metric
from carousel.params import Hparams
from carousel.training import code

FILE = "training.ckpt"
CHECKPOINT_TIME_FRACTION = 0.02  # upper bound on time spent writing checkpoints
EVERY = 2.0  # seconds at least between two of them
KEEP_DAYS = 14


def identity(hparams: Hparams, data: TrainingData, precision: str) -> str:
    """Name a training by all that decides its weights, so that only the same one ever goes on from a checkpoint."""
    decisive = {
        "hparams": hparams.model_dump(),
        "data": data.fingerprint,
        "precision": precision,
        "code": code.digest(hparams.task),
    }
    return json_digest(decisive)[:16]


@contextmanager
def kept(root: Path, name: str) -> Iterator[Path | None]:
    """Yield the folder of a training's checkpoints, and remove it when the block succeeds.

    After a failure or a kill the folder stays, and the same training goes on from it. None if another process
    trains the same now: two of them cannot keep one place.

    Args:
        root: where all trainings have theirs; folders that nobody came back to are removed.
        name: the training's `identity`.
    """
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    _forget(root, folder)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print("the same training runs in another process: this one keeps no checkpoints", flush=True)
        yield None
        return
    with lock:
        for unfinished in folder.rglob(f".{FILE}.*"):  # a kill while one was written
            shutil.rmtree(unfinished)
        yield folder
        shutil.rmtree(folder)


def _forget(root: Path, but: Path) -> None:
    for folder in root.iterdir():
        if folder.is_dir() and folder != but and time.time() - folder.stat().st_mtime > KEEP_DAYS * 86_400:
            shutil.rmtree(folder, ignore_errors=True)


class Best(Callback):
    """Keep the weights of the epoch whose validation metric is best, the earliest of several."""

    def __init__(self, monitor: Metric) -> None:
        self.monitor = monitor
        self.score = float("-inf" if monitor.higher_is_better else "inf")
        self.weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Keep the weights if they are better."""
        score = float(trainer.callback_metrics[f"val/{self.monitor.name}"])
        if self.monitor.better(score, self.score):
            self.score = score
            self.weights = {name: weights.detach().clone() for name, weights in module.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Return what Lightning keeps in its checkpoints."""
        return {"score": self.score, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.score, self.weights = state["score"], state["weights"]


class ResumableCheckpoint(LightningCheckpoint):
    """Write checkpoints as a training goes, and one more when the user or a scheduler stops it.

    As one of Lightning's `Checkpoint`s it runs after the callbacks whose state it saves.

    Args:
        folder: where; None writes none.
    """

    def __init__(self, folder: Path | None) -> None:
        self.path = folder / FILE if folder else None
        self.stopped = False  # by Ctrl-C
        self._saved = time.monotonic()
        self._cost = 0.0
        self._stop_early = False

    def on_train_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Stop at once if patience had ended when the checkpoint was written, which Lightning forgets."""
        trainer.should_stop = trainer.should_stop or self._stop_early

    def on_train_batch_end(
        self, trainer: lightning.Trainer, _module: lightning.LightningModule, _outputs: Any, _batch: Any, index: int
    ) -> None:
        """Write one if it is time, and leave if somebody asked."""
        # Lightning would take a checkpoint of an epoch's last step for one after its validation
        last = index + 1 >= trainer.num_training_batches
        if not last and (self.stopped or trainer.received_sigterm or self._due()):
            self.save(trainer)
        if self.stopped and not last:
            raise KeyboardInterrupt

    def on_validation_batch_end(self, *_: Any) -> None:
        """Leave if somebody asked: what was trained since the last checkpoint will be trained again."""
        if self.stopped:
            raise KeyboardInterrupt

    def on_train_epoch_end(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Write one after every epoch."""
        self.save(trainer)
        if self.stopped:
            raise KeyboardInterrupt

    def save(self, trainer: lightning.Trainer) -> None:
        """Write the checkpoint, whole or not at all."""
        if self.path is None:
            return
        began = time.monotonic()
        self._stop_early = trainer.should_stop
        with replacing(self.path) as temporary:
            trainer.save_checkpoint(temporary)
        self._saved = time.monotonic()
        self._cost = self._saved - began

    def state_dict(self) -> dict[str, Any]:
        """Return what Lightning keeps in its checkpoints."""
        return {"stop_early": self._stop_early}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._stop_early = state["stop_early"]

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take a first Ctrl-C as a request to stop after the step; a second one stops at once."""
        before = signal.getsignal(signal.SIGINT)
        if before is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stopped = True
            signal.signal(signal.SIGINT, before)

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)  # Lightning leaves it ignored

    def _due(self) -> bool:
        return time.monotonic() - self._saved > max(EVERY, self._cost / CHECKPOINT_TIME_FRACTION)
