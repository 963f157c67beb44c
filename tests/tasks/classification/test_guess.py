import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from carousel.errors import UserError
from carousel.tasks.classification.guess import columns

TEXTS = [f"the parcel number {i} came late" for i in range(20)]
LABELS = ["late", "lost"] * 10


def csv(header: str, rows: list[list[object]], separator: str = ",") -> str:
    return "\n".join([header, *(separator.join(map(str, row)) for row in rows)]) + "\n"


ROWS = [[i, text, label] for i, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("id,text,label", ("text", "label")),
        ("id,Review,Sentiment", ("Review", "Sentiment")),
        ("id,what they wrote,queue", ("what they wrote", "queue")),
        ("id,beschreibung,thema", ("beschreibung", "thema")),
        ("label,title,topic", ("title", "topic")),  # a label that never repeats is an id
    ],
)
def test_columns_by_name_and_by_content(tmp_path: Path, header: str, found: tuple[str, str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv(header, ROWS), "utf-8")
    assert columns(path, {}) == {"text": found[0], "label": found[1]}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_delimiter_that_is_read(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv(separator.join(["id", "words", "kind"]), ROWS, separator), "utf-8")
    assert columns(path, {}) == {"text": "words", "label": "kind"}


def test_every_format_with_columns(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": range(20), "note": TEXTS, "kind": LABELS, "list": [[1]] * 20})
    frame.write_parquet(tmp_path / "a.parquet")
    rows = [json.dumps(row) for row in frame.to_dicts()]
    (tmp_path / "a.jsonl").write_text("\n".join(rows), "utf-8")
    (tmp_path / "a.json").write_text(f"[{', '.join(rows)}]", "utf-8")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(csv("n,note,kind", ROWS).encode()))
    for name in ("a.parquet", "a.jsonl", "a.json", "a.csv.gz"):
        assert columns(tmp_path / name, {}) == {"text": "note", "label": "kind"}, name


def test_what_is_given_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv("id,text,label", ROWS), "utf-8")
    assert columns(path, {"label": "id"}) == {"text": "text", "label": "id"}
    assert columns(path, {"text": 2, "label": 3}) == {"text": 2, "label": 3}


def test_what_has_no_columns_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{label} {text}\n" for text, label in zip(TEXTS, LABELS, strict=True)), "utf-8")
    assert columns(path, {}) == {}
    assert columns(tmp_path, {}) == {}


def test_two_columns_that_may_be_meant_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv("one,two", [[label, text] for text, label in zip(LABELS, LABELS, strict=True)]), "utf-8")
    with pytest.raises(
        UserError, match=r"which of its columns is the label\? --label names it; it has 'one', 'two'"
    ):
        columns(path, {})
