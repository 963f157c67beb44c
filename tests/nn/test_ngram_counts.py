from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.ngram_counts import NONE
from carousel.text.vocabulary import UNKNOWN_ID
from tests.nn.conftest import distinct, ngram_counts

WORDS, CLASSES = 6, 3

corpora = st.lists(
    st.tuples(st.lists(st.integers(UNKNOWN_ID, WORDS - 1), max_size=9), st.integers(0, CLASSES - 1)), max_size=8
)


def words(counts, row):
    """The n-gram of a row: its key says what was before the last word."""
    before, last = divmod(int(counts.keys[row]), WORDS)
    return (*(words(counts, before - 1) if before else ()), last)


def counted(corpus, longest, least=1):
    documents, targets = [document for document, _ in corpus], [target for _, target in corpus]
    return ngram_counts(documents, targets, words=WORDS, longest=longest, classes=CLASSES, least=least)


@given(corpus=corpora, longest=st.integers(1, 5), least=st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_every_n_gram_that_enough_documents_have_is_counted_once_a_document_and_no_other(corpus, longest, least):
    counts = counted(corpus, longest, least)
    expected: dict[tuple[int, ...], Counter[int]] = {}
    for document, target in corpus:
        for size in range(1, longest + 1):
            for gram in distinct(document, size):
                expected.setdefault(gram, Counter())[target] += 1
    expected = {gram: labels for gram, labels in expected.items() if labels.total() >= least}
    found = {words(counts, row): Counter(dict(enumerate(counts.counts[row]))) for row in range(counts.rows)}
    assert {gram: +labels for gram, labels in found.items()} == expected
    assert counts.documents.tolist() == [sum(target == label for _, target in corpus) for label in range(CLASSES)]


@given(corpus=corpora, longest=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_keys_ascend_and_the_last_row_is_no_n_grams(corpus, longest):
    counts = counted(corpus, longest)
    assert (np.diff(counts.keys) > 0).all()
    assert counts.keys[-1] == NONE
    assert not counts.counts[-1].any()
    assert len(counts.keys) == len(counts.counts) == counts.rows + 1


@given(corpus=corpora, data=st.data())
@settings(max_examples=50, deadline=None)
def test_the_order_of_documents_does_not_matter(corpus, data):
    one, other = counted(corpus, 3), counted(data.draw(st.permutations(corpus)), 3)
    assert one.keys.tolist() == other.keys.tolist()
    assert one.counts.tolist() == other.counts.tolist()
