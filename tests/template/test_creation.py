import json
import os
import subprocess
from pathlib import Path

import pytest

from carousel import layout
from carousel.errors import UserError
from carousel.params import load
from carousel.template import creation
from carousel.template.creation import create
from carousel.template.files import project_files
from tests.conftest import ROOT

ROWS = [(f"text number {i} of {label}", label) for label in ("good", "bad") for i in range(6)]


@pytest.fixture(autouse=True)
def identity(monkeypatch) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "test@example.com")


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_text("review,sentiment\n" + "".join(f"{text},{label}\n" for text, label in ROWS), "utf-8")
    return path


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_project_of_built_in_data_is_the_template(tmp_path: Path) -> None:
    created = create(tmp_path / "docs", "classification", None, {})
    assert created.note == ""
    for path, content in project_files().items():
        assert (tmp_path / "docs" / path).read_bytes() == content
    assert (tmp_path / "docs/params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()
    assert os.access(tmp_path / "docs/pipeline/run", os.X_OK)
    assert git(tmp_path / "docs", "status", "--porcelain") == ""


def test_a_project_of_own_data_has_them_under_dvc_and_all_else_in_its_first_commit(
    tmp_path: Path, reviews: Path
) -> None:
    folder = tmp_path / "my reviews"
    created = create(folder, "classification", reviews, {})
    assert created.columns == {"text": "review", "label": "sentiment"}
    assert created.read == ["12 documents, 2 labels, 0 rows rejected"]
    params = load(folder / layout.PARAMS)
    assert (params.data.path, params.data.text, params.data.label) == ("data/reviews.csv", "review", "sentiment")
    assert (params.registry.name, params.sweep.trials, params.train.epochs) == ("my reviews", 0, 0)
    assert (params.sweep.epochs, params.sweep.fraction) == (6, 1.0)
    tracked = git(folder, "ls-files").split("\n")
    assert {"data/reviews.csv.dvc", "carousel.yaml", "dvc.yaml", "README.md"} <= set(tracked)
    assert "data/reviews.csv" not in tracked
    assert git(folder, "status", "--porcelain") == ""
    assert (folder / "data/reviews.csv").read_bytes() == reviews.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.csv", "text,label\na,x\nb,x\n", {}, "every document has the label 'x'"),
        ("a.csv", "text,label\n", {}, "is empty"),
        ("a.csv", "text,label\na,x\nb,y\n", {"label": "class"}, "no column 'class'"),
        ("a.csv", "one,two\nred hat,blue\nblue cup,red\n" * 4, {}, "--label names it; it has 'one', 'two'"),
        ("a.xlsx", "PK\x03\x04", {}, "a.xlsx"),
        ("stdlib_docs.yaml", "a b\n", {}, "rename yours"),
    ],
)
def test_data_that_cannot_be_used_make_nothing(
    tmp_path: Path, name: str, content: str, options: dict, message: str
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(UserError, match=message):
        create(tmp_path / "new", "classification", tmp_path / name, options)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("folder", "message"), [("used", "exists already"), ("what?", "names the registered model")]
)
def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path, folder: str, message: str) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used/notes.txt").write_text("mine", "utf-8")
    with pytest.raises(UserError, match=message):
        create(tmp_path / folder, "classification", None, {})
    assert [path.name for path in tmp_path.rglob("*")] == ["used", "notes.txt"]


def test_within_a_git_repository_the_project_is_a_part_of_it(tmp_path: Path, reviews: Path) -> None:
    git(tmp_path, "init", "--quiet")
    created = create(tmp_path / "project", "classification", reviews, {})
    assert str(tmp_path) in created.note
    assert not (tmp_path / "project/.git").exists()
    assert (tmp_path / "project/data/reviews.csv.dvc").exists()


def test_a_failure_on_the_way_leaves_no_half_of_a_project(tmp_path: Path, reviews: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise UserError("no")

    monkeypatch.setattr(creation, "_commit", fail)
    with pytest.raises(UserError, match="no"):
        create(tmp_path / "project", "classification", reviews, {})
    assert [path.name for path in tmp_path.iterdir()] == ["reviews.csv"]


def test_tagged_sentences(tmp_path: Path) -> None:
    rows = [{"words": ["see", "Paris"], "names": ["O", "B-place"]}] * 4
    (tmp_path / "names.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    create(tmp_path / "names", "tagging", tmp_path / "names.jsonl", {"tokens": "words", "tags": "names"})
    params = load(tmp_path / "names/params.yaml")
    assert (params.task, params.data.tokens, params.data.tags) == ("tagging", "words", "names")
