import polars as pl
import pytest

from carousel.errors import UserError
from carousel.text.unknown import better, check
from carousel.text.vocabulary import SPECIALS, Vocabulary

WORDS = pl.DataFrame({"token": ["film", "good"], "count": [3, 2]})
CHINESE = pl.DataFrame({"token": ["今天天气很好", "ok"], "count": [2, 1]})
VOCABULARY = Vocabulary([*SPECIALS, "film"])


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_few_unknown_tokens_are_no_news(rate):
    assert check(VOCABULARY, rate, WORDS, "words", 0.5) is None


def test_many_lead_to_a_warning_that_names_a_tokenizer():
    warning = check(VOCABULARY, 0.21, WORDS, "words", 0.5)
    assert warning is not None
    assert warning.startswith("warning: 21.0% of the validation split's tokens")
    assert "set tokenizer.name: unigram" in warning


def test_more_than_allowed_stop():
    with pytest.raises(UserError, match=r"51\.0% .*basic_english.*allows 50%: set tokenizer.name: words"):
        check(VOCABULARY, 0.51, CHINESE, "basic_english", 0.5)
    assert check(VOCABULARY, 0.51, CHINESE, "basic_english", 1.0) is not None


def test_an_empty_vocabulary_stops_whatever_is_allowed():
    with pytest.raises(UserError, match="the vocabulary is empty: no token occurs"):
        check(Vocabulary(SPECIALS), 1.0, CHINESE, "split", 1.0)


@pytest.mark.parametrize("tokenizer", ["basic_english", "split", "words", "unigram", "bpe", "characters"])
@pytest.mark.parametrize("counts", [WORDS, CHINESE])
def test_the_advice_is_another_tokenizer(tokenizer, counts):
    assert better(tokenizer, counts) != tokenizer
