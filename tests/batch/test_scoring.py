import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from carousel.batch.files import open_inputs
from carousel.batch.parts import Parts
from carousel.batch.scoring import score
from carousel.errors import UserError
from tests.support.classifiers import make
from tests.tasks.tagging.test_sequence_tagger import tagger

TEXTS = [f"{word} cat {i}" for i, word in enumerate(["the", "sat", "", "日本"] * 6)]
ENDINGS = ("parquet", "csv", "jsonl")


class StoppedError(Exception):
    pass


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.parquet"
    pl.DataFrame({"id": range(len(TEXTS) + 1), "text": [*TEXTS, None]}).write_parquet(path)
    return open_inputs(path, None)


def rows_of(path):
    """Return the rows of an output, lists and objects of CSV decoded."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".parquet":
        return [
            row
            | {"predicted_probabilities": row["predicted_probabilities"] and dict(row["predicted_probabilities"])}
            for row in pq.read_table(path).to_pylist()
        ]
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: value or None for name, value in row.items()}
            | {
                "id": int(row["id"]),
                "predicted_probability": float(row["predicted_probability"] or 0) or None,
                "predicted_probabilities": json.loads(row["predicted_probabilities"] or "null"),
                "has_known_word": json.loads(row["has_known_word"] or "null"),
            }
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_output_has_every_row_with_the_prediction_that_the_model_makes(tmp_path, texts, ending):
    model, out = make(), tmp_path / f"scored.{ending}"
    done = score(model, "m", texts, out, rows=7)
    assert (done.rows, done.failed, done.resumed) == (25, 1, 0)
    found = rows_of(out)
    assert [(row["id"], row["text"]) for row in found] == [*enumerate(TEXTS), (24, None)]
    for row, text in zip(found[:-1], TEXTS, strict=True):
        expected = asdict(model.predict([text])[0])
        assert row["predicted_label"] == expected["label"]
        assert row["predicted_probability"] == pytest.approx(expected["probability"], abs=1e-5)
        assert row["predicted_probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
        assert row["has_known_word"] == model.has_known_word(text)
        assert row["reason"] is None
    assert found[-1]["reason"] == "no text"
    assert found[-1]["predicted_label"] is None
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_run_that_was_stopped_goes_on_and_ends_the_same(tmp_path, texts, ending):
    model, whole, out = make(), tmp_path / f"whole.{ending}", tmp_path / f"scored.{ending}"
    score(model, "m", texts, whole, rows=4)
    for stop in range(1, 7):

        def tell(progress, stop=stop):
            if progress.rows == 4 * stop:
                raise StoppedError

        with pytest.raises(StoppedError):
            score(model, "m", texts, out, rows=4, tell=tell)
        assert not out.exists()
    done = score(model, "m", texts, out, rows=4)
    assert (done.rows, done.resumed) == (25, 24)
    assert out.read_bytes() == whole.read_bytes()


def endless(path, out):
    def tell(progress):
        if progress.rows - progress.resumed >= 4:
            os.kill(os.getpid(), signal.SIGKILL)

    score(make(), "m", open_inputs(path, None), out, rows=4, tell=tell)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_the_same(tmp_path, texts):
    whole, out = tmp_path / "whole.csv", tmp_path / "scored.csv"
    score(make(), "m", texts, whole, rows=4)
    for _ in range(10):
        process = multiprocessing.get_context("forkserver").Process(target=endless, args=(texts.path, out))
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
    assert out.read_bytes() == whole.read_bytes()


def test_parts_of_another_model_or_input_are_not_mixed(tmp_path, texts):
    out = tmp_path / "scored.csv"

    def stop(progress):
        raise StoppedError

    with pytest.raises(StoppedError):
        score(make(), "m", texts, out, rows=4, tell=stop)
    with pytest.raises(UserError, match="an interrupted run whose model was another: --force begins again"):
        score(make(), "other", texts, out, rows=4)
    assert score(make(seed=1), "other", texts, out, rows=4, force=True).resumed == 0


def test_an_existing_output_is_replaced_by_force_alone(tmp_path, texts):
    out = tmp_path / "scored.csv"
    out.write_text("precious")
    with pytest.raises(UserError, match="exists already; --force replaces it"):
        score(make(), "m", texts, out)
    assert out.read_text() == "precious"
    score(make(), "m", texts, out, force=True)
    assert len(rows_of(out)) == 25


def test_two_processes_do_not_write_one_output(tmp_path, texts):
    out = tmp_path / "scored.csv"
    with Parts(out, {}).locked(), pytest.raises(UserError, match="another process is writing it"):
        score(make(), "m", texts, out)


@pytest.mark.parametrize(
    ("name", "reason"), [("scored.txt", r"should end in .parquet, .csv, .jsonl"), ("folder.csv", "is a folder")]
)
def test_an_output_that_cannot_be_is_a_user_error(tmp_path, texts, name, reason):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match=reason):
        score(make(), "m", texts, tmp_path / name)


def test_a_column_that_predictions_also_have_is_a_user_error(tmp_path, texts):
    scored = tmp_path / "scored.parquet"
    score(make(), "m", texts, scored)
    with pytest.raises(UserError, match="has a column 'predicted_label', which the predictions also have"):
        score(make(), "m", open_inputs(scored, None), tmp_path / "again.parquet")


def test_a_file_without_rows_leaves_nothing_behind(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("id,text\n")
    with pytest.raises(UserError, match="is empty: nothing to predict"):
        score(make(), "m", open_inputs(path, None), tmp_path / "scored.csv")
    assert list(tmp_path.iterdir()) == [path]


def test_a_parquet_file_keeps_its_own_types(tmp_path):
    path, out = tmp_path / "texts.parquet", tmp_path / "scored.parquet"
    given = pa.table(
        {
            "text": ["the cat", "sat"],
            "at": pa.array([1, 2**60 + 1], pa.timestamp("ns", "UTC")),
            "kind": pa.array(["a", None]).dictionary_encode(),
            "tags": [["x"], []],
            "price": pa.array([None, 3], pa.decimal128(9, 2)),
        }
    )
    pq.write_table(given, path)
    score(make(), "m", open_inputs(path, None), out)
    found = pq.read_table(out)
    assert found.select(given.column_names).equals(given)
    assert found.schema.field("predicted_probabilities").type == pa.map_(pa.string(), pa.float64())


def test_objects_keep_their_keys_in_jsonl_and_lose_none_in_silence(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "the cat", "meta": {"a": [1]}}\n{"text": "sat", "later": 2}\n')
    file = open_inputs(path, None)
    out = tmp_path / "scored.jsonl"
    assert not score(make(), "m", file, out).left_out
    assert [row.get("later") for row in rows_of(out)] == [None, 2]
    table = tmp_path / "scored.parquet"
    assert score(make(), "m", file, table).left_out == {"later"}
    assert pl.read_parquet(table)["meta"].to_list() == ['{"a": [1]}', None]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_tagger_writes_its_spans(tmp_path, ending):
    path, out = tmp_path / "texts", tmp_path / f"scored.{ending}"
    path.write_text("the dog in New York\n\n")
    model = tagger()
    score(model, "m", open_inputs(path, None), out)
    expected = asdict(model.predict(["the dog in New York"])[0])["spans"]
    if ending == "parquet":
        assert pl.read_parquet(out)["predicted_spans"].to_list()[0] == expected
    elif ending == "jsonl":
        assert json.loads(out.read_text().splitlines()[0])["predicted_spans"] == expected
    else:
        with out.open(newline="") as file:
            assert json.loads(next(csv.DictReader(file))["predicted_spans"]) == expected


PEAKS = """
import re, sys
from pathlib import Path
from carousel.batch.files import open_inputs
from carousel.batch.scoring import score
from tests.support.classifiers import make

for times in ("1", "10"):
    for ending in ("parquet", "csv"):
        texts, scored = (Path(sys.argv[1]) / f"{name}-{times}.{ending}" for name in ("texts", "scored"))
        score(make(), "m", open_inputs(texts, None), scored, rows=100)
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of resident memory is read there")
def test_ten_times_the_rows_need_no_more_memory(tmp_path):
    for times in (1, 10):
        frame = pl.DataFrame({"text": [f"{i} the cat sat {'x' * 8000}" for i in range(400 * times)]})
        frame.write_parquet(tmp_path / f"texts-{times}.parquet")
        frame.write_csv(tmp_path / f"texts-{times}.csv")
    done = subprocess.run([sys.executable, "-c", PEAKS, str(tmp_path)], capture_output=True, text=True, check=True)
    few, many = map(int, done.stdout.split())
    assert many - few < 12 * 1024  # KiB; the texts alone are 30 MB
