"""Score the bundle on the test split."""

from pathlib import Path

from carousel.bundle.bundle import Bundle
from carousel.corpus import tables
from carousel.corpus.encoded import Encoded
from carousel.evaluation.predictions import Predictions
from carousel.evaluation.report import evaluate, points
from carousel.files import read_json, write_json
from carousel.tracking import run as tracked
from carousel.tracking.lineage import data_digests
from pipeline.stage import run

TRAINED = Path("reports/train.json")


def main() -> None:
    test = Encoded.load(Path("data/encoded/test"))
    learned = ("train", "val") if read_json(TRAINED)["refit_epochs"] else ("train",)
    longest = max(int(Encoded.load(Path(f"data/encoded/{split}")).lengths.max()) for split in learned)
    bundle = Bundle.load(Path("models/bundle"))
    tracked.check_run(bundle)
    report = evaluate(bundle, test, longest)
    baseline = read_json(Path("reports/baseline.json"))
    predictions = Path("data/predictions/test.parquet")
    Predictions(report, test.names, data_digests()["test"]).save(predictions)
    tables.write(report.predictions(test.names).select("actual", "predicted"), Path("reports/confusion.csv"))
    tables.write(report.by_label(), Path("reports/by_label.csv"))
    tables.write(report.by_length(), Path("reports/accuracy_by_length.csv"))
    metrics = report.metrics()
    write_json(Path("reports/test.json"), metrics)
    tracked.log_evaluation(bundle, report, baseline, predictions)
    print(
        f"test accuracy {metrics['accuracy']:.4f}, macro-F1 {metrics['macro_f1']:.4f} on {len(test)} documents; "
        f"linear baseline {baseline['accuracy']:.4f}, {baseline['macro_f1']:.4f} "
        f"(difference {points(metrics['accuracy'], baseline['accuracy'])}, "
        f"{points(metrics['macro_f1'], baseline['macro_f1'])} points)"
    )


if __name__ == "__main__":
    run(main)
