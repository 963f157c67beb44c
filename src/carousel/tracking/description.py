"""What a run and a version say of themselves in the MLflow UI, in Markdown."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import RunData

# Of a registered model
OF_MODEL = (
    "Text classifiers that a Carousel pipeline trained. The alias `champion` is the version that is live, "
    "`challenger` the newest candidate. `carousel compare challenger champion` says whether it is better, "
    "`carousel promote challenger` makes it live."
)


def of_run(run: "RunData", figures: dict[str, float]) -> str:
    """Describe a trained model: what it is, its figures beside the baseline's, its data.

    Args:
        run: its params, metrics and tags so far.
        figures: those of the test split, `test/accuracy` and so on.
    """
    return f"{_what(run)}\n\n{_table(run.metrics | figures)}\n\n{_data(run.tags)}\n"


def of_version(run: "RunData", uri: str) -> str:
    """Describe a registered version, and say how to load it.

    Args:
        run: from which it came.
        uri: what `mlflow.pyfunc.load_model` takes.
    """
    load = f'import mlflow\n\nmodel = mlflow.pyfunc.load_model("{uri}")\nmodel.predict(["a text"])'
    return (
        f"{_what(run)}\n\n{_table(run.metrics)}\n\n{_data(run.tags)}\n\n```python\n{load}\n```\n\n"
        "The bundle under *Artifacts* holds the weights with their vocabulary and tokenizer.\n"
    )


def _what(run: "RunData") -> str:
    params, metrics = run.params, run.metrics
    again = ", then learned again from train and validation together" if _refitted(metrics) else ""
    return (
        f"A text classifier: {_encoder(params)}, {int(metrics['train/parameters']):,} parameters; learning "
        f"rate {params['train.learning_rate']}, best in epoch {int(metrics['train/best_epoch'])}{again}."
    )


def _refitted(metrics: dict[str, float]) -> bool:
    return metrics.get("train/refit_epochs", 0) > 0


def _encoder(params: dict[str, str]) -> str:
    encoder = params["model.encoder"]
    layers = f"{params['model.layers']} layer{'' if params['model.layers'] == '1' else 's'}"
    if encoder == "bag":
        return f"**bag of embeddings** of size {params['model.embedding_size']}"
    if encoder == "convolutional":
        return f"**convolutional**, {params['model.hidden_size']} filters of each width"
    direction = "bidirectional " if params["model.bidirectional"] == "true" and encoder == "recurrent" else ""
    name = params["model.cell"] if encoder == "recurrent" else encoder
    return f"{direction}**{name}**, hidden size {params['model.hidden_size']}, {layers}"


def _table(metrics: dict[str, float]) -> str:
    rows = [
        ("this model, test", "test/accuracy", "test/macro_f1"),
        ("linear baseline, test", "baseline/accuracy", "baseline/macro_f1"),
        (
            "validation, before it was learned from" if _refitted(metrics) else "this model, validation",
            "best/val_accuracy",
            "best/val_macro_f1",
        ),
    ]
    lines = ["| | accuracy | macro-F1 |", "|---|---|---|"]
    lines += [
        f"| {name} | {metrics[accuracy]:.4f} | {metrics[macro_f1]:.4f} |" for name, accuracy, macro_f1 in rows
    ]
    return "\n".join(lines)


def _data(tags: dict[str, str]) -> str:
    python = f" of Python {tags['data.python']}" if "data.python" in tags else ""
    digests = ", ".join(f"{split} `{tags[f'data.{split}.digest'][:16]}`" for split in ("train", "val", "test"))
    return f"Data: {tags['data.source']}{python}; {digests}. Compare models only on one test digest."
