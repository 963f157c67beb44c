"""What is read at a time and in all, where nobody says: monotone, and within its limits."""

from hypothesis import given
from hypothesis import strategies as st

from carousel.training import budget

tokens_of_an_epoch = st.integers(0, 10**9)


@given(tokens=tokens_of_an_epoch)
def test_a_batch_is_a_thousandth_of_an_epoch_within_limits(tokens):
    found = budget.batch_tokens(tokens)
    assert found in (1024, 2048, 4096, 8192)
    if 1024 <= tokens / 1000 <= 8192:
        assert 2**-0.5 <= found / (tokens / 1000) <= 2**0.5


@given(tokens=tokens_of_an_epoch)
def test_epochs_read_as_much_in_all_within_limits(tokens):
    found = budget.epochs(tokens)
    assert found in range(2, 7)
    if 2 < found < 6:
        assert abs(found * tokens - budget.IN_ALL) <= tokens / 2


@given(tokens=tokens_of_an_epoch, more=tokens_of_an_epoch)
def test_more_documents_never_get_a_smaller_batch_or_another_epoch_or_a_refit(tokens, more):
    assert budget.batch_tokens(tokens + more) >= budget.batch_tokens(tokens)
    assert budget.epochs(tokens + more) <= budget.epochs(tokens)
    assert budget.refit(tokens) or not budget.refit(tokens + more)


def test_a_few_thousand_documents_are_learned_from_twice_and_25_000_film_reviews_once():
    assert budget.refit(400_000)
    assert not budget.refit(5_000_000)
