"""What counts as texts: every form that MLflow, its server or a person may hand over."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowException

from carousel.registry.pyfunc import inputs
from tests.support.classifiers import make

TEXTS = ["the film", "", "a\0b", "[/i]", "日本\u2028x\x85", "None", "nan", "5", " "]
IDS = range(len(TEXTS))
CLASSIFIER = make()


def texts(given_: object) -> list[str]:
    """Return the texts that a classifier would be given."""
    return inputs(given_, CLASSIFIER.check)


@pytest.mark.parametrize(
    "given_",
    [
        TEXTS,
        tuple(TEXTS),
        iter(TEXTS),
        pd.Series(TEXTS),
        pd.Series(TEXTS, name="review", index=[f"row {i}" for i in IDS]),
        pd.Series(TEXTS, dtype=object),
        pd.DataFrame({"text": TEXTS}),
        pd.DataFrame({"review": TEXTS}),
        pd.DataFrame(TEXTS),
        pd.DataFrame({"id": IDS, "text": TEXTS}),
        pd.DataFrame({"id": map(str, IDS), "text": TEXTS, "label": TEXTS[::-1]}),
        {"text": TEXTS},
        {"review": TEXTS},
        {"id": list(IDS), "text": np.array(TEXTS)},
        [{"id": i, "text": text} for i, text in enumerate(TEXTS)],
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        np.array(TEXTS, dtype=object).reshape(-1, 1),
        pl.Series(TEXTS),
        pl.DataFrame({"id": IDS, "text": TEXTS}),
    ],
    ids=lambda given_: type(given_).__name__,
)
def test_texts_come_out_of_every_form_in_order(given_: object) -> None:
    found = texts(given_)
    assert found == TEXTS
    assert {type(text) for text in found} == {str}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_texts_are_the_same_in_every_form(values: list[str]) -> None:
    assert texts(values) == values
    assert texts(pd.Series(values, dtype="str")) == values
    assert texts(pd.DataFrame({"id": range(len(values)), "text": values})) == values
    assert texts({"text": values}) == values
    assert texts(np.array(values, dtype=object)) == values


def test_one_text_is_one_text() -> None:
    assert texts("film") == texts({"text": "film"}) == texts(np.array("film")) == ["film"]


@pytest.mark.parametrize("empty", [[], pd.Series([], dtype=str), pd.DataFrame({"text": []}), {"text": []}])
def test_no_texts_are_no_texts(empty: object) -> None:
    assert texts(empty) == []


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_a_missing_value_is_never_text(missing: object) -> None:
    values = ["a", missing]
    for given_ in (values, pd.Series(values), pd.DataFrame({"id": [1, 2], "text": values}), {"text": values}):
        with pytest.raises(MlflowException, match=r"text 2: is (missing|not a text but NaTType)"):
            texts(given_)


@pytest.mark.parametrize("value", [5, 5.5, True, b"film", ["film"], {"a": 1}, np.int64(5)])
def test_another_value_is_never_text(value: object) -> None:
    for given_ in (["a", value], pd.Series(["a", value], dtype=object), {"text": ["a", value]}):
        with pytest.raises(MlflowException, match="text 2: is not a text but"):
            texts(given_)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"id": ["1"], "review": ["film"]}),
        pd.DataFrame([["1", "film"]]),
        pd.DataFrame([["1", "film"]], columns=["text", "text"]),
        pd.DataFrame(),
        {},
        {"id": ["1"], "Text": ["film"]},
        [{"id": "1", "review": "film"}],
        pl.DataFrame({"id": ["1"], "review": ["film"]}),
    ],
)
def test_a_table_without_one_column_of_texts_is_refused(table: object) -> None:
    with pytest.raises(MlflowException, match="which column holds the texts"):
        texts(table)


def test_an_array_of_more_columns_is_refused() -> None:
    with pytest.raises(MlflowException, match=r"shape \(1, 2\)"):
        texts(np.array([["1", "film"]]))


@pytest.mark.parametrize("value", [5, -3, 5.5, 1e30, float("nan"), float("inf"), True])
def test_an_array_that_may_have_made_a_text_of_a_number_is_refused(value: object) -> None:
    array = np.array(["a text that is longer than any number that NumPy makes room for", value])
    assert array.dtype.kind == "U"
    with pytest.raises(MlflowException, match=r"text 2: .* may have been a number"):
        texts(array)


@pytest.mark.parametrize("value", [None, 5, 5.5, True, b"film", {"film"}])
def test_what_is_not_even_a_list_is_refused(value: object) -> None:
    with pytest.raises(MlflowException, match="texts are wanted"):
        texts(value)


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(MlflowException, match="text 2: half of a surrogate pair"):
        texts(["film", "\ud83d"])


def test_what_else_a_model_can_check_is_an_input_as_it_is() -> None:
    words = [["the", "film"], []]

    def check(value: object) -> str | None:
        return None if isinstance(value, list) else "is no list"

    table = pd.DataFrame({"id": [1, 2], "text": words})
    arrays = [np.array(text, dtype=object) for text in words]
    for given_ in (words, tuple(words), pd.Series(words), {"text": words}, table, arrays, pd.Series(arrays)):
        assert inputs(given_, check) == words
    with pytest.raises(MlflowException, match="text 2: is no list"):
        inputs([["the"], "film"], check)
