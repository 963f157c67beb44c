"""Score the linear baseline on the same splits."""

from carousel import layout
from carousel.corpus import tables
from carousel.evaluation import linear
from carousel.files import write_json
from carousel.params import load
from pipeline.stage import run


def main() -> None:
    result = linear.evaluate(tables.read_splits(layout.PREPARED), load().baseline)
    write_json(layout.BASELINE_REPORT, result.report())
    if result.c is None:
        model = "no training text has a word, so the baseline predicts the most frequent label"
    else:
        of = "words and characters" if result.characters else "words"
        model = f"TF-IDF of {of} with a linear SVM, C={result.c:g}"
    print(f"{model}: test accuracy {result.test['accuracy']:.4f}, macro-F1 {result.test['macro_f1']:.4f}")


if __name__ == "__main__":
    run(main)
