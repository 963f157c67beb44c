"""One run: a model trained once on a data set, and what came of it, kept so that no run is made twice."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from bench.peers import environment
from bench.results import workspace
from bench.results.experiment import Experiment
from carousel import layout
from carousel.corpus import tables
from carousel.corpus.dataset import Dataset
from carousel.corpus.training_data import TrainingData
from carousel.errors import UserError
from carousel.files import json_digest, read_json, write_json
from carousel.params import replace
from carousel.task import find
from carousel.tasks.classification import baseline as linear
from carousel.tasks.classification import report, scores, term_counts
from carousel.tasks.classification.params import Params
from carousel.tasks.classification.predictor import from_bundle
from carousel.training import checkpoint, code, precision
from carousel.training.fit import fit
from carousel.training.refit import refit

TASK = find("classification")
PEER = Path(environment.__file__).with_name("fasttext_peer.py")


@dataclass(frozen=True)
class Run:
    """What a run found.

    Attributes:
        val: validation accuracy of the epoch that was best, before validation's documents were learned from.
        test: test accuracy in the end; None where the test split was not looked at.
        minutes: of training, the second one included; of the linear baseline CPU time, reading and tuning included.
        detail: what was chosen on the validation split.
        macro_f1: on test.
        out_of_vocabulary: fraction of the test split's tokens.
        tokens_per_second: of training.
    """

    val: float
    test: float | None
    minutes: float
    detail: str
    macro_f1: float | None = None
    out_of_vocabulary: float | None = None
    tokens_per_second: float | None = None


def carousel(found: Experiment, params: Params, seed: int, fold: int, data: Path, *, test: bool, label: str) -> Run:
    """Train Carousel's own model; the test split is read once, after training, or not at all.

    Args:
        found: the set, and whether it has phrases.
        params: of the run.
        seed: of the run.
        fold: which of the set's.
        data: the folder of all sets.
        test: whether to look at the test split.
        label: what to call the run on the terminal.
    """
    params = replace(params, {"train.seed": seed})
    hparams = params.hparams
    folder, digest = workspace.prepare(found.set, fold, params, data, phrases=found.phrases)

    def made() -> Run:
        encoded = folder / layout.ENCODED
        learned = TrainingData.load(encoded, folder / layout.PARTS, folder / layout.VECTORS)
        training = checkpoint.identity(hparams, learned, precision.choose(hparams).name)
        with checkpoint.kept(workspace.KEPT / "checkpoints", training) as checkpoints:
            fitted = fit(TASK.make_learner, hparams, learned, checkpoints=checkpoints)
            if test:
                fitted = refit(TASK.make_learner, hparams, fitted, learned, checkpoints=checkpoints)
        accuracy, macro_f1 = None, None
        if test:
            classifier = from_bundle(TASK.bundle(fitted.model, learned.parts, params))
            metrics = report.evaluate(classifier, Dataset.load(encoded / "test")).metrics()
            accuracy, macro_f1 = metrics["accuracy"], metrics["macro_f1"]
        seconds = sum(row["seconds"] for row in [*fitted.history, *fitted.refit])
        epoch = f"epoch {fitted.best['epoch']:.0f} of {len(fitted.history)}" + (", again" if fitted.refit else "")
        return Run(
            val=fitted.best["val_accuracy"],
            test=accuracy,
            minutes=seconds / 60,
            detail=epoch,
            macro_f1=macro_f1,
            out_of_vocabulary=read_json(folder / "reports/vocab.json")["oov_rate"]["test"],
            tokens_per_second=fitted.tokens_per_second,
        )

    return kept(label, ["carousel", digest, hparams.model_dump(), code.digest(params.task), test], made)


def baseline(found: Experiment, params: Params, fold: int, data: Path, *, label: str) -> Run:
    """Fit the pipeline's linear baseline, which has no seed."""
    folder, digest = workspace.prepare(found.set, fold, params, data, phrases=found.phrases)

    def made() -> Run:
        began = time.process_time()
        result = linear.evaluate(tables.read_splits(folder / "data/prepared"), params.baseline)
        return Run(
            val=result.val["accuracy"],
            test=result.test["accuracy"],
            minutes=(time.process_time() - began) / 60,
            detail=f"C={result.c:g}" if result.c is not None else "majority label",
            macro_f1=result.test["macro_f1"],
        )

    source = [Path(module.__file__).read_text("utf-8") for module in (linear, scores, term_counts)]
    return kept(label, ["linear", digest, params.baseline.model_dump(), source], made)


def fasttext(found: Experiment, params: Params, seed: int, fold: int, data: Path, *, label: str) -> Run:
    """Train fastText on the same tokens, in an environment of its own.

    Raises:
        UserError: when that cannot be made.
    """
    folder, digest = workspace.prepare(found.set, fold, params, data, phrases=found.phrases)

    def made() -> Run:
        if not environment.ready("fasttext"):
            print("installing fastText into .carousel/peers ...", flush=True)
            try:
                environment.make("fasttext")
            except subprocess.CalledProcessError as error:
                raise UserError(f"fastText cannot be installed here: {error.stderr.strip()[-300:]}") from error
        with tempfile.TemporaryDirectory() as lines:
            splits = tables.read_splits(folder / "data/tokens")
            labels = sorted(splits["train"]["label"].unique())
            for split, frame in splits.items():
                _write_fasttext(frame, labels, Path(lines) / f"{split}.txt")
            command = [str(environment.python("fasttext")), str(PEER), lines, str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"fastText failed: {done.stderr.strip()[-300:]}")
        return Run(**json.loads(done.stdout.splitlines()[-1]))

    return kept(label, ["fasttext", digest, seed, PEER.read_text("utf-8")], made)


def _write_fasttext(frame: pl.DataFrame, labels: list[str], path: Path) -> None:
    """Write lines of label and tokens; a line break inside a token would end the document."""
    label = pl.col("label").replace_strict(labels, range(len(labels)))
    lines = frame.select(pl.format("__label__{} {}", label, pl.col("tokens").list.join(" "))).to_series()
    path.write_text("".join(f"{line}\n" for line in lines.str.replace_all(r"[\r\n\x0b\x0c\x85]", " ")), "utf-8")


def kept(label: str, decisive: list[object], make: Callable[[], Run]) -> Run:
    """Return the run that is kept under a digest of all that decides it, or make and keep it; print a line."""
    path = workspace.KEPT / "runs" / f"{json_digest(decisive)[:16]}.json"
    if path.exists():
        run = Run(**read_json(path))
    else:
        print(f"-- {label}", flush=True)
        run = make()
        write_json(path, asdict(run))
    test = f"test {run.test:.2%}, " if run.test is not None else ""
    test += f"macro-F1 {run.macro_f1:.2%}, " if run.macro_f1 is not None else ""
    print(f"{label}: {test}val {run.val:.2%}, {60 * run.minutes:.0f} s, {run.detail}", flush=True)
    return run
