"""`pipeline/run collect` and `prepare` on a person's own files: what they print, write and refuse."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from carousel.errors import UserError
from pipeline import collect, prepare

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with params.yaml, to work in."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def set_data(**values):
    """Give keys of params.yaml's data other values, as a person would."""
    yaml = YAML()
    params = yaml.load(Path("params.yaml").read_text("utf-8"))
    params["data"].update({"source": "file"} | values)
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def write(name, rows, form="{text},{label}\n", head="text,label\n"):
    Path(name).write_text(head + "".join(form.format(text=text, label=label) for text, label in rows), "utf-8")


ROWS = [(f"some words of document {i}", ("pos", "neg")[i % 2]) for i in range(60)]


def test_collect_says_what_was_left_out_and_what_looks_wrong(project, capsys):
    write("a.csv", [*ROWS, ("a", "POS"), ("b", "POS"), ("c", "NaN")], form="{text};{label}\n", head="text;label\n")
    set_data(path="a.csv")
    collect.main()
    assert capsys.readouterr().out.splitlines() == [
        "62 documents, 3 labels, 1 rows rejected",
        "a.csv: its fields are separated by semicolons",
        "1 rows rejected; the first is line 64 of a.csv: label is NaN, a missing value if not in quotes; "
        "data.missing: [] reads it as a word (all of them are in reports/rejected.jsonl)",
        "labels that look alike: 'POS' (2), 'pos' (30); they differ in case: make them one if they are",
    ]
    report = json.loads(Path("reports/source.json").read_text())
    assert (report["labels"], report["labels_that_look_alike"]) == (3, 1)
    assert len(Path("reports/rejected.jsonl").read_text().splitlines()) == 1


def test_prepare_says_which_texts_are_under_different_labels_and_which_label_is_gone(project, capsys):
    write("a.csv", [*ROWS, *((text, "ghost") for text, _ in ROWS[:8])])
    set_data(path="a.csv")
    collect.main()
    prepare.main()
    printed = capsys.readouterr().out
    assert "8 texts under different labels (ghost, neg: 8 documents, ghost, pos: 8 documents)" in printed
    assert "label 'ghost' is gone: the text of each of its 8 documents is also under another label" in printed
    report = json.loads(Path("reports/data.json").read_text())
    assert report["texts_under_different_labels"]["texts"] == 8
    assert report["labels_that_vanished"] == {"ghost": 8}


@pytest.mark.parametrize("rows", [60, 200])
@pytest.mark.parametrize(
    ("form", "head", "name", "reason"),
    [
        ("{text},{label},\n", "text,label\n", "a.csv", "3 fields where the header has 2"),
        ("__label__{label} __label__x {text}\n", "", "a.txt", "2 labels (pos x); a text can have one"),
        ('{{"text": "{text}", "label": ["{label}"]}}\n', "", "a.jsonl", "label is a list"),
        ("{text},{label}\n", "", "b.jsonl", "not valid JSON: Expecting value"),
    ],
)
def test_when_every_row_is_rejected_the_line_says_why_and_nothing_is_written(
    project, rows, form, head, name, reason
):
    write(name, (ROWS * 4)[:rows], form, head)
    set_data(path=name)
    with pytest.raises(UserError) as error:
        collect.main()
    assert reason in str(error.value)
    assert f"{rows} " in str(error.value)
    assert len(Path("reports/rejected.jsonl").read_text().splitlines()) == rows
    assert not Path("data/raw").exists()


@pytest.mark.parametrize("order", [("text", "label", "fine"), ("label", "text", "fine")])
def test_tweets_with_tabs_and_without_header_need_four_lines_of_params(project, order):
    content = "".join(
        "\t".join({"text": f'{text} "quoted', "label": label, "fine": f"{label}-x"}[name] for name in order) + "\n"
        for text, label in ROWS
    )
    Path("tweets.txt").write_text(content, "utf-8")
    set_data(path="tweets.txt")
    with pytest.raises(UserError, match=r"set data.format: tsv, data.header: none, data.quoting: none"):
        collect.main()
    numbers = {"text": order.index("text") + 1, "label": order.index("label") + 1}
    set_data(path="tweets.txt", format="tsv", header="none", quoting="none", **numbers)
    collect.main()
    documents = pl.read_parquet("data/raw/documents.parquet")
    assert documents.select("text", "label").rows() == [(f'{text} "quoted', label) for text, label in ROWS]
