"""The commands as a person types them, in a checkout where the pipeline has run."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Checkout

pytestmark = pytest.mark.pipeline


def test_help_has_an_example_for_each_command(finished: Checkout) -> None:
    listed = finished.carousel("--help")
    for command in (
        "predict",
        "versions",
        "lineage",
        "reproduce",
        "promote",
        "rollback",
        "retire",
        "pin",
        "summary",
    ):
        assert command in listed
        assert f"carousel {command}" in finished.carousel(command, "--help")


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "--json", "some text"],
        pytest.param(["versions"], marks=pytest.mark.slow),
        pytest.param(["promote", "9"], marks=pytest.mark.slow),
    ],
)
def test_a_forked_command_is_the_same_as_one_that_is_typed(finished: Checkout, command: list[str]) -> None:
    code = 2 if command[0] == "promote" else 0
    assert finished.carousel(*command, code=code) == finished.run("carousel", *command, code=code)


def test_the_summary_shows_both_models_the_version_and_what_to_type_next(finished: Checkout) -> None:
    printed = finished.run("carousel", "summary")
    test, baseline = finished.read("reports/test.json"), finished.read("reports/baseline.json")
    for expected in (f"{test['accuracy']:.4f}", f"{test['macro_f1']:.4f}", f"{baseline['accuracy']:.4f}"):
        assert expected in printed
    difference = 100 * (test["accuracy"] - baseline["accuracy"])
    assert re.search(rf"difference in points +{re.escape(f'{difference:+z.1f}')} +[+-]\d+\.\d", printed)
    assert re.search(r"registered +stdlib-docs version 1 \(.*\)", printed)
    assert re.search(r"seconds +collect \d+ .* register \d+ · in all \d+", printed)
    for command in ("carousel ui", "carousel predict", "carousel promote"):
        assert command in printed
    found = json.loads(finished.carousel("summary", "--json"))
    assert found["registered"]["version"] == 1
    assert found["unfinished"] == []


def test_the_summary_of_an_interrupted_pipeline_says_so(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    (checkout.path / "reports/seconds/train.json").unlink()  # DVC removes it when the stage begins
    assert "the last `dvc repro` did not finish (train)" in checkout.carousel("summary")


def test_the_summary_proposes_no_promotion_of_the_champion(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    checkout.carousel("promote", "1")
    printed = checkout.carousel("summary")
    assert "champion" in printed
    assert "carousel promote" not in printed


def test_predict_answers_texts_and_files_alike(finished: Checkout, tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("Parse an XML document.\n\nReturn the mean of the data.\n")
    by_file = finished.carousel("predict", "--json", "--file", str(file))
    by_argument = finished.carousel(
        "predict", "--json", "Parse an XML document.", "", "Return the mean of the data."
    )
    assert by_file == by_argument
    predictions = [json.loads(line) for line in by_file.splitlines() if line.startswith("{")]
    assert [prediction["text"] for prediction in predictions] == [
        "Parse an XML document.",
        "",
        "Return the mean of the data.",
    ]
    assert [prediction["has_known_word"] for prediction in predictions] == [True, False, True]
    assert "warning: text 2 has no word that the model knows" in by_file
    assert all(set(prediction["probabilities"]) == {"files", "markup", "numeric"} for prediction in predictions)
    assert "markup" in finished.carousel("predict", "Parse an XML document.")


def test_a_bundle_predicts_without_a_registry(finished: Checkout) -> None:
    folder = str(finished.path / "models/bundle")
    offline = finished.carousel(
        "predict", "--json", "--bundle", folder, "some text", MLFLOW_TRACKING_URI="http://127.0.0.1:9"
    )
    assert offline == finished.carousel("predict", "--json", "--model", "1", "some text")
    assert offline == finished.carousel("predict", "--json", "-m", "models:/stdlib-docs/1", "some text")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["predict"], "error: nothing to predict"),
        (["predict", "--file", "nowhere.txt"], "error: nowhere.txt: cannot be read: No such file"),
        (["predict", "--bundle", "nowhere", "x"], "error: nowhere/bundle.json: no such file"),
        (
            ["predict", "--model", "models:/x", "x"],
            "error: models:/x: should look like models:/NAME@champion",
        ),
        (["predict", "--model", "9", "x"], "error: stdlib-docs: has no version '9'; versions: 1"),
        (["promote", "9"], "error: stdlib-docs: has no version '9'; versions: 1"),
        (["versions", "--nmae", "x"], "No such option: --nmae"),
        (["lineage", "9"], "error: stdlib-docs: has no version '9'; versions: 1"),
        (["promote", "1", "--force"], "error: --force needs --reason"),
        (["retire", "1", "--old"], "error: give a version to retire, or --old"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(finished: Checkout, command: list[str], message: str) -> None:
    printed = finished.carousel(*command, code=2)
    assert message in printed
    assert "Traceback" not in printed


def test_a_registry_that_cannot_be_reached_is_one_line(finished: Checkout) -> None:
    printed = finished.carousel("versions", code=2, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert printed.startswith("error: http://127.0.0.1:9: the MLflow server cannot be reached")
    assert len(printed.splitlines()) == 1


def test_promote_and_rollback_tell_what_they_did(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    # the store's paths are absolute, so a copy needs its own aliases only: nothing is downloaded here
    assert "would be promoted" in checkout.carousel("promote", "challenger", "--dry-run")
    assert "champion" not in checkout.carousel("versions")
    assert "version 1 is champion" in checkout.carousel("promote", "challenger")
    assert "champion" in checkout.carousel("versions")
    assert "refused" in checkout.carousel("promote", "1", code=1)
    assert "first champion" in checkout.carousel("rollback", code=2)
    assert "first champion" in checkout.carousel("versions", "--history")
    assert json.loads(checkout.carousel("versions", "--json"))[0]["aliases"] == ["champion"]


def test_pin_keeps_comments_and_order_and_stops_searching(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    before = (checkout.path / "params.yaml").read_text().splitlines()
    shown = checkout.carousel("pin", "--dry-run")
    assert (checkout.path / "params.yaml").read_text().splitlines() == before
    assert "+  trials: 0" in shown
    checkout.carousel("pin")
    after = (checkout.path / "params.yaml").read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old.split() != new.split()]
    searched = ("trials", "pooling", "dropout")
    assert all(any(key in new for key in searched) for _, new in changed)
    assert [line.partition("#")[2] for line in before] == [line.partition("#")[2] for line in after]
    assert "nothing to pin" in checkout.carousel("pin")
    # what was pinned is what was trained: nothing is trained again
    assert "Running stage 'train'" not in checkout.run("dvc", "repro")
