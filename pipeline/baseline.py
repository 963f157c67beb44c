"""Score the linear baseline on the same splits."""

from pathlib import Path

from carousel.corpus import tables
from carousel.evaluation import linear
from carousel.files import write_json
from carousel.params import load
from pipeline.stage import run


def main() -> None:
    result = linear.evaluate(tables.read_splits(Path("data/prepared")), load().baseline)
    write_json(Path("reports/baseline.json"), result.report())
    print(f"TF-IDF with logistic regression: test accuracy {result.test['accuracy']:.4f} (C={result.c:g})")


if __name__ == "__main__":
    run(main)
