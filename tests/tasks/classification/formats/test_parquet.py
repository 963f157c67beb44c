import datetime
import decimal
import io

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.labelled_files import PAIRS, parquet, read_file, refused


def written(labels, texts=None):
    content = io.BytesIO()
    texts = [f"text {i}" for i in range(len(labels))] if texts is None else texts
    pl.DataFrame({"text": texts, "label": labels}).write_parquet(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("labels", "spelled"),
    [
        ([1, 0], ["1", "0"]),
        ([1.0, 0.5], ["1.0", "0.5"]),
        (pl.Series([0.1, -0.0], dtype=pl.Float32), ["0.1", "-0.0"]),
        ([True, False], ["true", "false"]),
        (pl.Series(["a", "b"], dtype=pl.Categorical), ["a", "b"]),
        (pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), ["a", "b"]),
        ([datetime.date(2020, 1, 2), datetime.date(2021, 1, 2)], ["2020-01-02", "2021-01-02"]),
        ([decimal.Decimal("1.50"), decimal.Decimal("2.00")], ["1.50", "2.00"]),
        (pl.Series([2**64 - 1, 0], dtype=pl.UInt64), ["18446744073709551615", "0"]),
        (["None", "nan"], ["None", "nan"]),
    ],
)
def test_values_keep_their_spelling(tmp_path, labels, spelled):
    assert read_file(tmp_path, "a.parquet", written(labels)) == (
        [(f"text {i}", label) for i, label in enumerate(spelled)],
        {},
    )


@pytest.mark.parametrize(
    "missing", [[1.0, None], [1.0, float("nan")], ["1.0", None], ["1.0", ""], ["1.0", " \u200b"]]
)
def test_a_missing_value_is_neither_text_nor_label(tmp_path, missing):
    assert read_file(tmp_path, "a.parquet", written(missing)) == ([("text 0", "1.0")], {2: "empty label"})
    assert read_file(tmp_path, "a.parquet", written(["a", "b"], missing)) == ([("1.0", "a")], {2: "empty text"})


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([["a"], ["b", "c"], None], "a list"),
        (pl.Series([[1, 2], [3, 4], None], dtype=pl.Array(pl.Int64, 2)), "a list"),
        ([{"a": 1}, {"a": 2}, None], "an object"),
        ([b"a", b"\xff", None], "bytes"),
        ([datetime.timedelta(1), datetime.timedelta(2), None], "of type Duration(time_unit='us')"),
    ],
)
def test_what_is_no_single_value_is_rejected(tmp_path, values, kind):
    reasons = {1: f"label is {kind}", 2: f"label is {kind}", 3: "empty label"}
    assert read_file(tmp_path, "a.parquet", written(values)) == ([], reasons)
    reasons = {line: reason.replace("label", "text") for line, reason in reasons.items()}
    assert read_file(tmp_path, "a.parquet", written(["a", "b", "c"], values)) == ([], reasons)


def test_columns_may_have_numbers_and_files_any_name(tmp_path):
    assert read_file(tmp_path, "[a]*?.parquet", parquet(PAIRS), text=1, label=2) == (PAIRS, {})
    assert refused(tmp_path, "a.parquet", parquet(PAIRS), label=3).startswith(
        "has no column 3; it has 'text', 'label'"
    )


def test_a_column_name_that_occurs_twice_is_refused(tmp_path):
    table = pa.Table.from_arrays([pa.array(["a"])] * 3, names=["text", "label", "label"])
    pq.write_table(table, tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    assert refused(tmp_path, "a.parquet", content).startswith("a column name occurs twice; rename one: ")


def test_a_nul_is_rejected(tmp_path):
    assert read_file(tmp_path, "a.parquet", written(["a\0", "b"])) == (
        [("text 1", "b")],
        {1: "a NUL character in label"},
    )
