"""What a run and a version say of themselves in the MLflow UI, in Markdown."""

from typing import TYPE_CHECKING, Any

from carousel.tracking.lineage import TEACHER_MODEL

if TYPE_CHECKING:
    from mlflow.entities import RunData

    from carousel.task import Task


def of_model(task: "Task[Any]") -> str:
    """Describe a registered model."""
    return (
        f"A {task.noun} that a Carousel pipeline trained. The alias `champion` is the version that is live, "
        "`challenger` the newest candidate. `carousel compare challenger champion` says whether it is better, "
        "`carousel promote challenger` makes it live."
    )


def of_run(task: "Task[Any]", run: "RunData", metrics: dict[str, float]) -> str:
    """Describe a trained model: what it is, its metrics beside the baseline's, its data.

    Args:
        task: of the model.
        run: its params, metrics and tags so far.
        metrics: those of the test split, `test/accuracy` and so on.
    """
    return f"{_what(task, run)}\n\n{_table(task, run.metrics | metrics)}\n\n{_data(run.tags)}\n"


def of_version(task: "Task[Any]", run: "RunData", uri: str, example: Any) -> str:
    """Describe a registered version, and say how to load it.

    Args:
        task: of the model.
        run: from which it came.
        uri: what `mlflow.pyfunc.load_model` takes.
        example: an input.
    """
    load = f'import mlflow\n\nmodel = mlflow.pyfunc.load_model("{uri}")\nmodel.predict([{example!r}])'
    return (
        f"{_what(task, run)}\n\n{_table(task, run.metrics)}\n\n{_data(run.tags)}\n\n```python\n{load}\n```\n\n"
        "The bundle under *Artifacts* holds the weights with their vocabulary and tokenizer.\n"
    )


def _what(task: "Task[Any]", run: "RunData") -> str:
    params, metrics = run.params, run.metrics
    teacher = f" Learned from `{run.tags[TEACHER_MODEL]}` beside the labels." if TEACHER_MODEL in run.tags else ""
    again = ", then trained again on train and validation together" if _refitted(metrics) else ""
    return (
        f"A {task.noun}: {_encoder(params)}, {int(metrics['train/parameters']):,} parameters; learning "
        f"rate {params['train.learning_rate']}, best in epoch {int(metrics['train/best_epoch'])}{again}.{teacher}"
    )


def _refitted(metrics: dict[str, float]) -> bool:
    return metrics.get("train/refit_epochs", 0) > 0


def _encoder(params: dict[str, str]) -> str:
    encoder = params.get("model.encoder", "recurrent")
    layers = f"{params['model.layers']} layer{'' if params['model.layers'] == '1' else 's'}"
    if encoder == "bag":
        return f"**bag of embeddings** of size {params['model.embedding_size']}"
    if encoder == "convolutional":
        return f"**convolutional**, {params['model.hidden_size']} filters of each width"
    both = params.get("model.bidirectional", "true") == "true" and encoder == "recurrent"
    direction = "bidirectional " if both else ""
    name = params["model.cell"] if encoder == "recurrent" else encoder
    return f"{direction}**{name}**, hidden size {params['model.hidden_size']}, {layers}"


def _table(task: "Task[Any]", metrics: dict[str, float]) -> str:
    rows = [
        ("this model, test", "test/"),
        (f"{task.baseline_noun}, test", "baseline/"),
        ("validation, before the refit" if _refitted(metrics) else "this model, validation", "best/val_"),
    ]
    names = [metric.name for metric in task.metrics]
    lines = [f"| | {' | '.join(metric.title for metric in task.metrics)} |", "|---" * (1 + len(names)) + "|"]
    for title, prefix in rows:
        lines.append(f"| {title} | {' | '.join(f'{metrics[prefix + name]:.4f}' for name in names)} |")
    return "\n".join(lines)


def _data(tags: dict[str, str]) -> str:
    python = f" of Python {tags['data.python']}" if "data.python" in tags else ""
    digests = ", ".join(f"{split} `{tags[f'data.{split}.digest'][:16]}`" for split in ("train", "val", "test"))
    return f"Data: {tags['data.source']}{python}; {digests}. Compare models only on one test digest."
