"""Score the baseline on the same splits."""

from carousel import layout
from carousel.cli.output import say
from carousel.corpus import tables
from carousel.files import read_json, write_json
from carousel.params import load
from carousel.task import find
from pipeline.stage import run


def main() -> None:
    params = load()
    task = find(params.task)
    result = task.baseline(tables.read_splits(layout.PREPARED), params)
    task.predictions(result, read_json(layout.DIGESTS)["test"]).save(layout.BASELINE_PREDICTIONS)
    report, names = result.report(), [metric.name for metric in task.metrics]
    write_json(layout.BASELINE_REPORT, {name: report[name] for name in names})
    write_json(layout.BASELINE_FIT_REPORT, {key: value for key, value in report.items() if key not in names})
    scores = ", ".join(f"{metric.title} {result.test[metric.name]:.4f}" for metric in task.metrics)
    say(f"{result.describe()}: test {scores}")


if __name__ == "__main__":
    run(main)
