"""One MLflow run for each trained model: its name, its params, and finding it again in later stages."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from carousel import layout
from carousel.bundle.bundle import Bundle
from carousel.corpus.training_data import TOKENIZER, VOCABULARY
from carousel.errors import UserError
from carousel.files import read_json, write_json
from carousel.metric import Metric
from carousel.nn.encoders import called, size
from carousel.params import Hparams, Params, flatten
from carousel.task import Report, Task
from carousel.tracking import description, lineage, winner
from carousel.tracking.store import TRAIN_AGAIN, connect, experiment, has_run, tracking_uri
from carousel.training import plots
from carousel.url import Url

if TYPE_CHECKING:
    import mlflow
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from pytorch_lightning.loggers import Logger

NOTE = "mlflow.note.content"  # a run's description, in Markdown
PREDICTIONS = Path("predictions/test.parquet")  # among a run's artifacts
PAGES = "pages"  # among a run's artifacts
PROFILE = "profile.json"  # among a run's artifacts
TRAINING_METRICS = (  # of training's report
    "epochs", "best_epoch", "batch_tokens", "tokens_per_second", "parameters", "documents", "refit_epochs",
)  # fmt: skip


def name(hparams: Hparams, data: str) -> str:
    """Return a name that tells runs apart at a glance: `bilstm-128x1 lr 0.002 · stdlib-docs`."""
    model = hparams.model
    reads = called(model.encoder, model.cell, model.bidirectional)
    width = size(model.encoder, model.hidden_size, model.layers, model.embedding_size)
    return f"{reads}-{width} lr {hparams.train.learning_rate:.2g} · {data}"


def flat(*sections: BaseModel) -> dict[str, str]:
    """Return params under the names that params.yaml and `dvc exp run -S` use.

    What decides about registered versions, and where a study is kept, is left out: it makes no model, and may
    change while one is trained.
    """
    values: dict[str, Any] = {}
    for section in sections:
        values |= flatten(section)
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
        if not key.startswith(("promotion.", "registry.keep", "sweep.storage"))
    }


@contextmanager
def started(params: Params, hparams: Hparams, checkpoints: Path | None = None) -> Iterator["Logger"]:
    """Start the run of a model that is about to be trained, and write down which it is for later stages.

    Args:
        params: of the pipeline.
        hparams: that the model is trained with.
        checkpoints: the folder that an interrupted training comes back to: it comes back to its run, too.

    Yields:
        The Lightning logger that writes to it.
    """
    client = connect()
    import mlflow

    from carousel.tracking.logger import RunLogger

    experiment_id = experiment(client, params.registry.name)
    run_name = name(hparams, params.registry.name)
    interrupted = checkpoints / "run.json" if checkpoints else None
    known = _known(client, interrupted) if interrupted else None
    tags, files = lineage.of_training(params, hparams)
    if line := lineage.no_commit(tags):
        print(line)
    # processor, memory and disk, every ten seconds; a training shorter than that has none
    with mlflow.start_run(known, experiment_id, run_name, tags=tags, log_system_metrics=True) as run:
        recorded = {"run_id": run.info.run_id, "tracking_uri": str(tracking_uri())}
        if interrupted:
            write_json(interrupted, recorded)
        mlflow.log_params(flat(params) | flat(hparams))
        _log_lineage(files)
        if known is None:
            for split, digest in lineage.data_digests().items():
                _log_input(params, split, digest)
        winner.link(client, experiment_id, run.info.run_id, hparams)
        try:
            yield RunLogger(run_id=run.info.run_id, tracking_uri=mlflow.get_tracking_uri())
        except KeyboardInterrupt:
            mlflow.end_run("KILLED")
            raise
    write_json(layout.RUN, recorded)


def _known(client: "MlflowClient", interrupted: Path) -> str | None:
    """Return the run that an interrupted training wrote to, if the store still has it."""
    try:
        run_id: str = read_json(interrupted)["run_id"]
    except UserError:
        return None
    return run_id if has_run(client, run_id, deleted=False) else None


def log_training(
    bundle: Bundle,
    report: dict[str, Any],
    history: list[dict[str, float]],
    norms: list[float],
    *,
    clip_norm: float,
    refit: list[dict[str, float]],
) -> None:
    """Add the bundle's fingerprints, the best epoch's metrics, and the tables and plots of epochs to the run.

    Args:
        bundle: that was trained.
        report: what reports/train.json says.
        history: a row an epoch.
        norms: of the gradient at each step.
        clip_norm: above which they were clipped.
        refit: a row an epoch of the second training, if there was one.
    """
    import mlflow

    mlflow.set_tags(
        {
            "bundle.fingerprint": bundle.fingerprint,
            "vocabulary.fingerprint": bundle.fingerprints.get(VOCABULARY, ""),
            "tokenizer.fingerprint": bundle.fingerprints.get(TOKENIZER, ""),
        }
    )
    mlflow.log_metrics({f"train/{key}": float(report[key]) for key in TRAINING_METRICS})
    mlflow.set_tag("train.precision", report["precision"])
    mlflow.log_metrics({f"best/{key}": value for key, value in report.items() if key.startswith("val_")})
    mlflow.log_table({key: [row[key] for row in history] for key in history[0]}, "tables/epochs.json")
    for row in refit:
        mlflow.log_metric("refit/loss", row["train_loss"], step=int(row["epoch"]))
    by_epoch = plots.norms_by_epoch(norms, len(history))
    mlflow.log_table(by_epoch.to_dict(as_series=False), "tables/gradient_norms.json")
    run = mlflow.active_run()
    assert run is not None
    mlflow.log_figure(plots.gradient_norms(by_epoch, clip_norm, run.info.run_name), "plots/gradient_norms.png")


def log_evaluation(
    task: Task[Any],
    bundle: Bundle,
    report: Report,
    baseline: dict[str, Any],
    predictions: Path,
    page: Path,
    profile: Path,
) -> None:
    """Add test metrics, the baseline's beside them, plots and their tables, every prediction, page and profile.

    Args:
        task: of the model.
        bundle: that was evaluated.
        report: of the test split.
        baseline: its metrics.
        predictions: the table that `comparison.predictions` wrote.
        page: the file of the model page.
        profile: the file of the predictions' profile (`drift.profile`), named PROFILE.
    """
    client = connect()
    import mlflow

    with resumed(client, bundle) as run:
        metrics = {f"test/{key}": value for key, value in report.metrics().items()}
        metrics |= {f"baseline/{metric.name}": baseline[metric.name] for metric in task.metrics}
        mlflow.log_metrics(metrics)
        for name, plot in report.plots(f"{run.info.run_name}, test split"):
            mlflow.log_figure(plot, f"plots/{name}.png")
        for name, table in (report.tables() | {"confusion": report.confusion()}).items():
            mlflow.log_table(table.to_dict(as_series=False), f"tables/{name}.json")
        mlflow.log_artifact(str(page), PAGES)
        mlflow.log_artifact(str(profile))
        mlflow.log_artifact(str(predictions), PREDICTIONS.parent.as_posix())
        mlflow.set_tag(NOTE, description.of_run(task, run.data, metrics))


def origin(run: "mlflow.ActiveRun") -> dict[str, str]:
    """Return the run's tags that a version carries on: all of lineage, none of MLflow's own."""
    return {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}


def log_lock(run_id: str) -> dict[str, str]:
    """Write dvc.lock down again, which now knows the stages from training on; return the tag of its digest.

    For a new version alone: an older one's tags say what dvc.lock was when it was registered.

    Args:
        run_id: of the version's run.
    """
    import mlflow

    lock, client = lineage.locked(), mlflow.MlflowClient()
    _log_lineage(lock, run_id)
    for key, value in lineage.digests(lock).items():
        client.set_tag(run_id, key, value)
    return lineage.digests(lock)


@contextmanager
def resumed(client: "MlflowClient", bundle: Bundle, path: Path = layout.RUN) -> Iterator["mlflow.ActiveRun"]:
    """Go on with the run of the bundle.

    Raises:
        UserError: when the store does not have it, because the store was removed or another one is in use, or when
            the run trained another bundle.
    """
    import mlflow

    with mlflow.start_run(run_id=_run_of(client, bundle, path)) as run:
        yield run


def check_run(bundle: Bundle, path: Path = layout.RUN) -> "Run":
    """Return the run that trained the bundle, as a stage does before it writes anything.

    Raises:
        UserError: as in `resumed`.
    """
    client = connect()
    return client.get_run(_run_of(client, bundle, path))


def check_evaluated(
    run: "mlflow.ActiveRun", metrics: Sequence[Metric], test: dict[str, float], baseline: dict[str, float]
) -> None:
    """Check that the reports and the prepared data are those that the run was evaluated with.

    Args:
        run: of the bundle.
        metrics: of the task.
        test: what reports/test.json says.
        baseline: what reports/baseline.json says.

    Raises:
        UserError: when the run was not evaluated yet, or was with other data.
    """
    logged = run.data.metrics
    expected = {f"test/{metric.name}": test[metric.name] for metric in metrics}
    expected |= {f"baseline/{metric.name}": baseline[metric.name] for metric in metrics}
    same = all(key in logged and abs(logged[key] - value) < 1e-6 for key, value in expected.items())
    if run.data.tags.get("data.test.digest") != lineage.data_digests()["test"]:
        raise UserError(
            f"{layout.PREPARED}: is not the data of run {run.info.run_id}, which trained {layout.BUNDLE}: "
            "`dvc repro` trains with it"
        )
    if not same:
        raise UserError(
            f"{layout.TEST_REPORT} or {layout.BASELINE_REPORT} is not of run {run.info.run_id}, which trained "
            f"{layout.BUNDLE}: `dvc repro --force --downstream evaluate` makes them again"
        )


def _run_of(client: "MlflowClient", bundle: Bundle, path: Path) -> str:
    import mlflow

    recorded = read_json(path)
    run_id: str = recorded["run_id"]
    if not has_run(client, run_id):
        raise UserError(
            f"run {run_id} is not in the store {Url(mlflow.get_tracking_uri())} (it was made in "
            f"{recorded['tracking_uri']}): `{TRAIN_AGAIN}` makes another one there"
        )
    if not has_run(client, run_id, deleted=False):
        raise UserError(
            f"run {run_id}: was deleted in the store: restore it in the MLflow UI, or make another one with "
            f"`{TRAIN_AGAIN}`"
        )
    if client.get_run(run_id).data.tags.get("bundle.fingerprint") != bundle.fingerprint:
        raise UserError(
            f"{path}: names run {run_id}, which did not train the bundle in models/bundle: `dvc repro` trains it; "
            "after an interrupted training it goes on from the last checkpoint"
        )
    return run_id


def _log_lineage(files: dict[str, bytes], run_id: str | None = None) -> None:
    import mlflow

    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files.items():
            (Path(scratch) / name).write_bytes(content)
        mlflow.log_artifacts(scratch, lineage.FOLDER, run_id)


def _log_input(params: Params, split: str, digest: str) -> None:
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    source = CodeDatasetSource(tags={"source": params.data.source, "path": params.data.path})
    # MLflow shows a digest whole, and allows 36 characters
    dataset = MetaDataset(source, f"{params.registry.name}-{split}", digest[:16])  # type: ignore[abstract]
    mlflow.log_input(dataset, context=split)
