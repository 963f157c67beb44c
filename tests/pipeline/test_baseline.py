import polars as pl
import pytest

from carousel import layout
from carousel.comparison.predictions import Predictions
from carousel.corpus import tables
from carousel.files import read_json, write_json
from pipeline import baseline


@pytest.mark.parametrize(
    ("characters", "printed"),
    [
        (5, "TF-IDF of words and characters with a linear SVM, C=0.1: test accuracy 1.0000, macro-F1 1.0000"),
        (0, "no training text has a word, so the baseline predicts the most frequent label: test accuracy 0.5000"),
    ],
)
def test_texts_without_a_word_have_a_baseline(tmp_path, monkeypatch, capsys, characters, printed):
    monkeypatch.chdir(tmp_path)
    layout.PARAMS.write_text(f"baseline: {{characters: {characters}, c: [0.1]}}\n", "utf-8")
    texts = pl.DataFrame(
        {
            "id": [str(i) for i in range(8)],
            "text": ["😀😀", "😡", "😀 !", "😡..", "😡 😡!", "😀?", "😀😀😀", "😡😡😡"],
            "label": ["good", "bad", "good", "bad", "bad", "good", "good", "bad"],
        }
    )
    for split, rows in {"train": slice(0, 5), "val": slice(5, 6), "test": slice(6, 8)}.items():
        tables.write(texts[rows], tmp_path / f"data/prepared/{split}.parquet")
    write_json(layout.DIGESTS, {"test": "digest"})
    baseline.main()
    assert printed in capsys.readouterr().out
    assert set(read_json(tmp_path / "reports/baseline.json")) == {"accuracy", "macro_f1"}
    assert read_json(tmp_path / "reports/baseline_fit.json")["features"] > 0 or not characters
    kept = Predictions.load(layout.BASELINE_PREDICTIONS)
    assert kept.table["id"].to_list() == ["6", "7"]
    assert (kept.classes, kept.digest) == (("bad", "good"), "digest")
