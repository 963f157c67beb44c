"""Score the bundle on the test split."""

from carousel import layout
from carousel.bundle.bundle import Bundle
from carousel.corpus import tables
from carousel.corpus.dataset import Dataset
from carousel.files import read_json, replacing, write_json, write_text
from carousel.params import load
from carousel.points import points
from carousel.predictor import predictor
from carousel.task import find
from carousel.tracking import run as tracked
from carousel.tracking.lineage import data_digests
from pipeline.stage import run


def main() -> None:
    task = find(load().task)
    test = tables.read(layout.TEST)
    learned = ("train", "val") if read_json(layout.TRAIN_REPORT)["refit_epochs"] else ("train",)
    longest = max(int(Dataset.load(layout.ENCODED / split).lengths.max()) for split in learned)
    bundle = Bundle.load(layout.BUNDLE)
    tracked.check_run(bundle)
    report = task.evaluate(predictor(bundle), test, longest)
    baseline = read_json(layout.BASELINE_REPORT)
    task.predictions(report, data_digests()["test"]).save(layout.PREDICTIONS)
    with replacing(layout.TABLES) as folder:
        for name, table in report.tables().items():
            tables.write(table, folder / f"{name}.csv")
        for name, page in report.pages().items():
            write_text(folder / f"{name}.html", page)
    metrics = report.metrics()
    write_json(layout.TEST_REPORT, metrics)
    tracked.log_evaluation(task, bundle, report, baseline, layout.PREDICTIONS)
    scores = "; ".join(
        f"{metric.title} {metrics[metric.name]:.4f} ({task.baseline_noun} {baseline[metric.name]:.4f}, difference "
        f"{points(metrics[metric.name], baseline[metric.name])} points)"
        for metric in task.metrics
    )
    print(f"test on {test.height} {task.scoring.example}s: {scores}")


if __name__ == "__main__":
    run(main)
