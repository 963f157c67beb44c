"""Score the bundle on the test split."""

from carousel import layout
from carousel.bundle.bundle import Bundle
from carousel.comparison.predictions import Predictions
from carousel.corpus import tables
from carousel.corpus.encoded import Encoded
from carousel.evaluation.report import evaluate, points
from carousel.files import read_json, write_json
from carousel.tracking import run as tracked
from carousel.tracking.lineage import data_digests
from pipeline.stage import run


def main() -> None:
    test = Encoded.load(layout.ENCODED / "test")
    learned = ("train", "val") if read_json(layout.TRAIN_REPORT)["refit_epochs"] else ("train",)
    longest = max(int(Encoded.load(layout.ENCODED / split).lengths.max()) for split in learned)
    bundle = Bundle.load(layout.BUNDLE)
    tracked.check_run(bundle)
    report = evaluate(bundle, test, longest)
    baseline = read_json(layout.BASELINE_REPORT)
    Predictions(report, test.names, data_digests()["test"]).save(layout.PREDICTIONS)
    tables.write(report.predictions(test.names).select("actual", "predicted"), layout.CONFUSION_REPORT)
    tables.write(report.by_label(), layout.LABEL_REPORT)
    tables.write(report.by_length(), layout.LENGTH_REPORT)
    metrics = report.metrics()
    write_json(layout.TEST_REPORT, metrics)
    tracked.log_evaluation(bundle, report, baseline, layout.PREDICTIONS)
    print(
        f"test accuracy {metrics['accuracy']:.4f}, macro-F1 {metrics['macro_f1']:.4f} on {len(test)} documents; "
        f"linear baseline {baseline['accuracy']:.4f}, {baseline['macro_f1']:.4f} "
        f"(difference {points(metrics['accuracy'], baseline['accuracy'])}, "
        f"{points(metrics['macro_f1'], baseline['macro_f1'])} points)"
    )


if __name__ == "__main__":
    run(main)
