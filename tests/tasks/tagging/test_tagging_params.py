import pytest
from pydantic import ValidationError

from carousel.tasks.tagging.data import Data


def test_the_default_is_the_built_in_data():
    assert Data().source == "stdlib_names"
    assert Data().given == {}


def test_splits_without_a_file_are_not_given():
    assert Data(splits={"train": "a", "val": None, "test": "b"}).given == {"train": "a", "test": "b"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tags": 0}, "data.tags: should be auto, a name, or a column's number from 1, not 0"),
        ({"tokens": -1}, "data.tokens: should be auto, a name, or a column's number from 1, not -1"),
        ({"tokens": True}, "data.tokens: should be auto, a name, or a column's number from 1, not True"),
        ({"tags": None}, "data.tags: should be auto, a name, or a column's number from 1, not None"),
        ({"tags": " "}, "data.tags: should be auto, a name, or a column's number from 1, not ' '"),
        ({"intent": 3}, "data.intent: should be auto, null, or a name, not 3"),
        ({"intent": ""}, "data.intent: should be auto, null, or a name, not ''"),
        ({"tokens": 2, "tags": 2}, "data.tokens and data.tags name the same column"),
        ({"tags": "x", "intent": "x"}, "data.tags and data.intent name the same column"),
        ({"splits": {"test": "a"}}, "data.splits names files but none for train"),
        ({"splits": {"train": "../a"}}, "should be a file inside that folder"),
        ({"encoding": "utf9"}, "data.encoding: Python knows no encoding 'utf9'"),
        ({"encoding": "base64"}, "data.encoding: Python knows no encoding 'base64'"),
        ({"format": "csv"}, "Input should be 'auto', 'conll'"),
        ({"text": "a"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_value_is_refused(values, message):
    with pytest.raises(ValidationError) as error:
        Data(**values)
    assert message in str(error.value)


def test_auto_is_no_column_that_two_roles_share():
    assert Data(tokens="auto", tags="auto", intent="auto") == Data()
