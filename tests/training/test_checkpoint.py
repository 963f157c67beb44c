import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from filelock import FileLock
from pytorch_lightning.callbacks import Callback

from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.training import checkpoint, code
from carousel.training.checkpoint import FILE, ResumableCheckpoint, identity, kept
from tests.support.datasets import parts
from tests.training.order_problem import DATA, LABELS, TRAIN, VOCABULARY, fitted, given, hparams, state

# Everything that could go on differently: dropout of all kinds, two layers, the schedule, clipping
RANDOM = {"layers": 2, "dropout": 0.3, "embedding_dropout": 0.2, "word_dropout": 0.2}


class StoppedError(Exception):
    pass


class StopAt(Callback):
    """Raise at the n-th of all the moments that Lightning tells of, or do something else there."""

    def __init__(self, moment, action=None):
        self.left = moment
        self.action = action

    def tell(self, *_):
        self.left -= 1
        if self.left == 0:
            if self.action is None:
                raise StoppedError
            self.action()

    on_train_epoch_start = on_train_batch_start = on_train_batch_end = tell
    on_validation_start = on_validation_batch_end = on_validation_end = on_train_epoch_end = tell


def outcome(found):
    """Return all that a fit gives, but for seconds."""
    return state(found), [{**row, "seconds": 0} for row in found.history], found.norms


@pytest.fixture
def often(monkeypatch):
    """Write a checkpoint after every step."""
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "CHECKPOINT_TIME_FRACTION", 1e9)


# Exact resume


def stopped_everywhere(folder, params, expected, data=DATA):
    """Stop a training at each moment, let it go on to the expected end, and return how many moments there were."""
    moment = 0
    while True:
        moment += 1
        checkpoints = folder / str(moment)
        checkpoints.mkdir()
        try:
            found = outcome(fitted(params, data, checkpoints=checkpoints, callbacks=[StopAt(moment)]))
        except StoppedError:
            again = outcome(fitted(params, data, checkpoints=checkpoints))
            assert again == expected, f"stopped at moment {moment}"
        else:
            assert found == expected  # writing checkpoints changes nothing
            return moment


@pytest.mark.parametrize(
    "model",
    [
        {"encoder": "transformer", "heads": 2, "pooling": "attention", "reading": "chunked"},
        {"encoder": "convolutional", "pooling": "last_max_mean"},
        {"cell": "gru", "reading": "stateful"},
    ],
)
def test_every_kind_of_model_that_stops_goes_on_to_the_same_end(model, often, tmp_path):
    params = hparams(model={**RANDOM, "chunk": 4, "overlap": 2, **model}, epochs=2, batch_tokens=400)
    with pytest.raises(StoppedError):
        fitted(params, checkpoints=tmp_path, callbacks=[StopAt(6)])
    assert outcome(fitted(params, checkpoints=tmp_path)) == outcome(fitted(params))


@pytest.mark.parametrize(
    "train",
    [
        {"epochs": 2, "batch_tokens": 256, "class_weights": "balanced", "label_smoothing": 0.1},
        pytest.param(  # patience ends it
            {"epochs": 6, "batch_tokens": 400, "patience": 1, "learning_rate": 1e-6}, marks=pytest.mark.slow
        ),
    ],
    ids=["all epochs", "early stopping"],
)
def test_a_training_that_stops_anywhere_goes_on_to_the_same_end(train, often, tmp_path):
    params = hparams(model=RANDOM, **train)
    expected = outcome(fitted(params))
    assert stopped_everywhere(tmp_path, params, expected) > 15
    assert len(expected[1]) == 2


def test_it_may_stop_again_and_again(often, tmp_path):
    params = hparams(model=RANDOM, epochs=3, batch_tokens=256)
    found = None
    for _ in range(40):
        try:
            found = fitted(params, checkpoints=tmp_path, callbacks=[StopAt(12)])
            break
        except StoppedError:
            continue
    assert outcome(found) == outcome(fitted(params))


def test_seconds_of_an_epoch_count_both_processes(often, tmp_path):
    params = hparams(epochs=1)

    class Slow(Callback):
        def on_train_batch_end(self, *_):
            time.sleep(0.1)

    with pytest.raises(StoppedError):
        fitted(params, checkpoints=tmp_path, callbacks=[Slow(), StopAt(11)])
    (row,) = fitted(params, checkpoints=tmp_path).history
    assert row["seconds"] > 0.4


KILLED = """
import os, signal, sys
from pathlib import Path
from carousel import files
from carousel.training import checkpoint
from tests.training.order_problem import fitted, hparams
from tests.training.test_checkpoint import RANDOM

checkpoint.EVERY, checkpoint.CHECKPOINT_TIME_FRACTION = 0.0, 1e9
left, rename = int(sys.argv[2]), files._put

def killed(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(*arguments)

files._put = killed
fitted(hparams(model=RANDOM, epochs=2), checkpoints=Path(sys.argv[1]))
"""


@pytest.mark.parametrize("written", [1, 4])
@pytest.mark.slow
def test_a_kill_between_a_checkpoints_write_and_its_rename_loses_that_one_only(written, tmp_path):
    with kept(tmp_path, "name") as folder:
        pass
    folder.mkdir()
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(written)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (folder / FILE).exists() is (written > 1)
    assert list(folder.glob(f".{FILE}.*/{FILE}"))  # the one that was being put in place
    with kept(tmp_path, "name") as folder:
        assert not list(folder.glob(f".{FILE}.*"))
        params = hparams(model=RANDOM, epochs=2)
        assert outcome(fitted(params, checkpoints=folder)) == outcome(fitted(params))


def test_a_checkpoint_is_plain_data(often, tmp_path):
    fitted(checkpoints=tmp_path)
    torch.load(tmp_path / FILE, weights_only=True)


def test_checkpoints_take_a_small_share_of_the_time(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    resumption = ResumableCheckpoint(tmp_path)
    resumption._cost = 1.0  # a second for each
    now[0] = 49.0
    assert not resumption._due()
    now[0] = 51.0
    assert resumption._due()


# Being asked to stop


@pytest.fixture
def ctrl_c():
    """Let SIGINT interrupt; a job in a shell's background ignores it, and so would a test there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


@pytest.mark.parametrize("moment", range(3, 22, 3))
def test_ctrl_c_stops_at_a_place_to_go_on_from(moment, ctrl_c, tmp_path):
    params = hparams(model=RANDOM, epochs=3, batch_tokens=256)
    with pytest.raises(KeyboardInterrupt):
        fitted(params, checkpoints=tmp_path, callbacks=[StopAt(moment, ctrl_c)])
    assert outcome(fitted(params, checkpoints=tmp_path)) == outcome(fitted(params))


def test_ctrl_c_ends_the_step_and_begins_no_other(ctrl_c, tmp_path):
    begun = []

    class Count(Callback):
        def on_train_batch_start(self, *_):
            begun.append(1)

    # Moments: the epoch's start, then two a step
    with pytest.raises(KeyboardInterrupt):
        fitted(checkpoints=tmp_path, callbacks=[Count(), StopAt(4, ctrl_c)])
    assert len(begun) == 2
    steps = torch.load(tmp_path / FILE, weights_only=True)["global_step"]
    assert steps == 2


def test_a_second_ctrl_c_stops_at_once(ctrl_c):
    def twice():
        ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
        raise StoppedError

    with pytest.raises(StoppedError):
        fitted(callbacks=[StopAt(4, twice)])


def test_a_scheduler_that_ends_the_job_gets_a_checkpoint_too(tmp_path):
    params = hparams(model=RANDOM, epochs=2)
    terminate = StopAt(4, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit):
        fitted(params, checkpoints=tmp_path, callbacks=[terminate])
    assert (tmp_path / FILE).exists()
    assert outcome(fitted(params, checkpoints=tmp_path)) == outcome(fitted(params))


# Where an interrupted training is found again


def test_a_training_is_named_by_all_that_decides_its_weights():
    params = hparams()
    same = identity(params, DATA, "fp32")
    assert same == identity(hparams(), given(), "fp32")
    ids = TRAIN.sequences["ids"]
    fewer = replace(
        TRAIN,
        sequences={"ids": replace(ids, offsets=ids.offsets[:-1])},
        scalars={"targets": TRAIN.scalars["targets"][:-1]},
    )
    others = [
        identity(hparams(seed=1), DATA, "fp32"),
        identity(hparams(model={"dropout": 0.1}), DATA, "fp32"),
        identity(params, given(train=fewer), "fp32"),
        identity(params, given(val=TRAIN), "fp32"),
        identity(params, DATA, "bf16"),
        identity(params, given(vocabulary=Vocabulary((*SPECIALS, *"jihgfedcba"))), "fp32"),
        identity(params, replace(DATA, parts=parts(VOCABULARY, LABELS[::-1])), "fp32"),
    ]
    assert len({same, *others}) == 8


def test_another_source_is_another_training(monkeypatch, tmp_path):
    same = identity(hparams(), DATA, "fp32")
    for folder in ("nn", "tasks/classification", "training", "tasks/another", "search"):
        package = tmp_path / folder
        shutil.copytree(code.PACKAGE, package / "carousel", ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(code, "PACKAGE", package / "carousel")
        code.digest.cache_clear()
        assert identity(hparams(), DATA, "fp32") == same  # wherever the source is
        changed = package / "carousel" / folder / "changed.py"
        changed.parent.mkdir(exist_ok=True)
        changed.write_text("# changed")
        code.digest.cache_clear()
        decisive = folder not in ("tasks/another", "search")
        assert (identity(hparams(), DATA, "fp32") != same) == decisive
        monkeypatch.undo()
    code.digest.cache_clear()
    assert identity(hparams(), DATA, "fp32") == same


def test_the_folder_goes_with_success_and_stays_after_a_failure(tmp_path):
    def interrupted():
        with kept(tmp_path, "name") as folder:
            (folder / FILE).write_text("state")
            raise StoppedError

    with pytest.raises(StoppedError):
        interrupted()
    with kept(tmp_path, "name") as again:
        assert (again / FILE).read_text() == "state"
    assert list(tmp_path.iterdir()) == []


def test_a_second_process_with_the_same_training_keeps_no_checkpoints(tmp_path):
    (tmp_path / "name").mkdir()
    with FileLock(tmp_path / "name" / "lock"):
        with kept(tmp_path, "name") as folder:
            assert folder is None
        with kept(tmp_path, "other") as folder:
            assert folder is not None
    assert (tmp_path / "name").exists()


def test_trainings_that_nobody_came_back_to_are_forgotten(tmp_path):
    for name, days in [("old", checkpoint.KEEP_DAYS + 1), ("young", checkpoint.KEEP_DAYS - 1)]:
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - days * 86_400,) * 2)
    with kept(tmp_path, "name"):
        assert not (tmp_path / "old").exists()
        assert (tmp_path / "young").exists()
