"""What a model is and how it was trained."""

from dataclasses import dataclass

from carousel.comparison.paired import Comparison
from carousel.model_page.reports import Reports
from carousel.model_page.section import NONE, Plot, Section, Table
from carousel.plotting import svg
from carousel.times import duration
from carousel.training import plots

SETTINGS = ("model.", "train.", "tokenizer.", "vocab.", "vectors.", "encode.")  # parameters that make the model


@dataclass(frozen=True)
class ModelDescription:
    """What a page says of a model, beside its metrics.

    Attributes:
        name: of its run.
        noun: what it is, such as `text classifier`.
        target: what it predicts, such as `label`.
        baseline: what its baseline is called.
        data: name of the data set.
        trained: when, to the minute.
        fingerprint: of its bundle.
        run_id: of its run.
        encoder: what reads, such as `bilstm`.
        size: its width and depth, such as `128x1`.
        params: that it was trained with, under the names of params.yaml.
        tags: of its run.
    """

    name: str
    noun: str
    target: str
    baseline: str
    data: str
    trained: str
    fingerprint: str
    run_id: str
    encoder: str
    size: str
    params: dict[str, str]
    tags: dict[str, str]


def section(model: ModelDescription, reports: Reports, comparison: Comparison) -> Section:
    """Return what the model is, its parameters, and the curves of its training.

    Args:
        model: which one.
        reports: of the stages before.
        comparison: of the baseline and the model, for the names of metric and examples.
    """
    params, report, monitor = model.params, reports.train, comparison.first.title
    best = f"{report['epochs']}, the best one on validation is {report['best_epoch']}"
    if report["refit_epochs"]:
        best += f"; then {report['refit_epochs']} on train and validation together"
    encoder = f"{model.encoder} {model.size}"
    if params.get("model.pooling"):
        encoder += f", pooling {params['model.pooling']}"
    facts = [
        ("encoder (hidden size x layers)", encoder),
        ("trained parameters", f"{report['parameters']:,}"),
        ("learning rate", f"{float(params['train.learning_rate']):g}"),
        ("regularization", ", ".join(_regularization(params)) or NONE),
        ("epochs", best),
        ("batch, tokens", f"{report['batch_tokens']:,}"),
        ("precision", report["precision"]),
        ("duration", f"{duration(reports.seconds)}, {report['tokens_per_second']:,} tokens per second"),
        ("learned from", f"{report['documents']:,} {comparison.example}s"),
        ("commit", _commit(model.tags)),
        ("run", model.run_id),
        ("bundle", model.fingerprint),
    ]
    settings = sorted((key, value) for key, value in params.items() if key.startswith(SETTINGS))
    return Section(
        "training",
        "Model and training",
        [
            Table([("", "name"), ("", "name")], facts),
            Plot(svg(plots.curves(reports.curves, monitor)), f"Loss and {monitor} on validation, by epoch"),
            Table([("parameter", "name"), ("value", "name")], settings, folded="All parameters of the model"),
        ],
    )


def _regularization(params: dict[str, str]) -> list[str]:
    """Return the parameters of regularization that the task has, as text."""
    keys = ("model.dropout", "model.word_dropout", "model.embedding_dropout", "train.weight_decay")
    return [f"{key.partition('.')[2].replace('_', ' ')} {params[key]}" for key in keys if key in params]


def _commit(tags: dict[str, str]) -> str:
    changed = ", with uncommitted changes" if tags.get("git.dirty") == "true" else ""
    return tags.get("git.commit", "unknown") + changed
