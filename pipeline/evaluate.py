"""Score the bundle on the test split."""

from carousel import layout
from carousel.bundle.bundle import Bundle
from carousel.comparison.paired import compare
from carousel.comparison.predictions import Predictions
from carousel.corpus import tables
from carousel.corpus.dataset import Dataset
from carousel.drift.counting import profile_of
from carousel.files import read_json, replacing, write_json, write_text
from carousel.params import load
from carousel.points import points
from carousel.predictor import predictor
from carousel.task import find
from carousel.tracking import run as tracked
from carousel.tracking.lineage import data_digests
from carousel.tracking.model_page import model_page
from pipeline.stage import run

PROFILED = 20_000  # examples, evenly spaced, whose predictions are counted again one by one
RESAMPLES = 2_000  # of the bootstrap; ten thousand take seconds for sentences, and move an interval by 0.1 points


def main() -> None:
    task = find(load().task)
    test = tables.read(layout.TEST)
    learned = ("train", "val") if read_json(layout.TRAIN_REPORT)["refit_epochs"] else ("train",)
    longest = max(int(Dataset.load(layout.ENCODED / split).lengths.max()) for split in learned)
    bundle = Bundle.load(layout.BUNDLE)
    trained = tracked.check_run(bundle)
    model = predictor(bundle)
    report = task.evaluate(model, test, longest)
    metrics = report.metrics()
    baseline = read_json(layout.BASELINE_REPORT)
    predictions = task.predictions(report, data_digests()["test"])
    comparison = compare(
        task.scoring, Predictions.load(layout.BASELINE_PREDICTIONS), predictions, resamples=RESAMPLES
    )
    sections = task.sections(model, report, comparison, test)
    profile = profile_of(model, task.inputs(test.gather_every(-(-test.height // PROFILED))))
    page = model_page(task, trained, bundle, model, metrics, comparison, sections)
    predictions.save(layout.PREDICTIONS)
    with replacing(layout.TABLES) as folder:
        for name, table in report.tables().items():
            tables.write(table, folder / f"{name}.csv")
    write_json(layout.TEST_REPORT, metrics)
    write_text(layout.MODEL_PAGE, page)
    write_text(layout.PROFILE, profile.to_json())
    tracked.log_evaluation(task, bundle, report, baseline, layout.PREDICTIONS, layout.MODEL_PAGE, layout.PROFILE)
    scores = "; ".join(
        f"{metric.title} {metrics[metric.name]:.4f} ({task.baseline_noun} {baseline[metric.name]:.4f}, difference "
        f"{points(metrics[metric.name], baseline[metric.name])} points)"
        for metric in task.metrics
    )
    print(f"test on {test.height} {task.scoring.example}s: {scores}")


if __name__ == "__main__":
    run(main)
