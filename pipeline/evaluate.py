"""Score the bundle on the test split."""

from pathlib import Path

from carousel.bundle.bundle import Bundle
from carousel.corpus import tables
from carousel.corpus.encoded import Encoded
from carousel.evaluation.report import evaluate
from carousel.files import read_json, write_json
from carousel.tracking import run as tracked
from pipeline.stage import run


def main() -> None:
    test = Encoded.load(Path("data/encoded/test"))
    report = evaluate(Bundle.load(Path("models/bundle")), test)
    baseline = read_json(Path("reports/baseline.json"))
    answers = report.answers(test.names)
    tables.write(answers, Path("data/predictions/test.parquet"))
    tables.write(answers.select("actual", "predicted"), Path("reports/confusion.csv"))
    tables.write(report.by_label(), Path("reports/by_label.csv"))
    tables.write(report.by_length(), Path("reports/accuracy_by_length.csv"))
    metrics = report.metrics()
    write_json(Path("reports/test.json"), metrics)
    tracked.log_evaluation(report, baseline)
    print(
        f"test accuracy {metrics['accuracy']:.4f}, macro-F1 {metrics['macro_f1']:.4f} on {len(test)} documents; "
        f"linear baseline {baseline['accuracy']:.4f}, {baseline['macro_f1']:.4f}"
    )


if __name__ == "__main__":
    run(main)
