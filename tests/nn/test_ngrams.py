import math

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from carousel.nn.batch import pad
from carousel.nn.ngrams import PRIOR, Ngrams
from carousel.text.vocabulary import PADDING_ID, UNKNOWN_ID
from tests.nn.conftest import distinct, ngram_counts, speaking_ngrams

WORDS, CLASSES, SCALES = 9, 3, [0.5, 1.0, 2.0]

documents = st.lists(st.lists(st.integers(UNKNOWN_ID, WORDS - 1), min_size=1, max_size=9), min_size=1, max_size=6)
labelled = documents.flatmap(
    lambda each: st.tuples(
        st.just(each), st.lists(st.integers(0, CLASSES - 1), min_size=len(each), max_size=len(each))
    )
)


def after(given, labels, longest=2):
    """Return n-grams that have counted documents."""
    counts = ngram_counts(given, labels, words=WORDS, longest=longest, classes=CLASSES)
    ngrams = Ngrams(longest, counts.rows, CLASSES, WORDS)
    ngrams.begin(counts)
    return ngrams


def by_the_book(ngrams, document, given, labels, weight):
    """The formula of the class's docstring, n-gram by n-gram."""
    share = [(labels.count(label) + 1) / (len(labels) + CLASSES) for label in range(CLASSES)]
    logits = [0.0] * CLASSES
    for size in range(1, ngrams.longest + 1):
        grams = [gram for gram in distinct(document, size) if any(gram in distinct(other, size) for other in given)]
        for gram in grams:
            having = [label for other, label in zip(given, labels, strict=True) if gram in distinct(other, size)]
            for label in range(CLASSES):
                ratio = (having.count(label) + PRIOR * share[label]) / (len(having) + PRIOR) / share[label]
                scale = SCALES[size - 1] / math.sqrt(len(grams))
                logits[label] += scale * (1 + weight) * math.log(ratio)
    return logits


@given(trained=labelled, document=st.lists(st.integers(UNKNOWN_ID, WORDS - 1), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_logits_are_those_of_the_book(trained, document):
    ngrams = after(*trained, longest=3)
    torch.nn.init.constant_(ngrams.embedding.weight, 0.7)
    with torch.no_grad():
        ngrams.scale.copy_(torch.tensor(SCALES))
        found = ngrams(ngrams.find(pad([document])[0]))[0]
    expected = torch.tensor(by_the_book(ngrams, document, *trained, 0.7))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@given(trained=labelled, data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_document_that_is_learned_from_is_scored_as_if_it_had_not_been_counted(trained, data):
    given, labels = trained
    out = data.draw(st.integers(0, len(given) - 1))
    others = [i for i in range(len(given)) if i != out]
    without = after([given[i] for i in others], [labels[i] for i in others])
    ngrams = after(given, labels)
    without.documents.copy_(ngrams.documents)  # labels' shares are those of all
    ids, targets = pad(given)[0], torch.tensor(labels)
    for each, others in zip(ngrams.find(ids), without.find(ids), strict=True):
        found, expected = ngrams.said(each.rows, targets)[out], without.said(others.rows)[out]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@given(documents=documents)
@settings(max_examples=30, deadline=None)
def test_what_was_never_seen_says_nothing(documents):
    ngrams = after([[UNKNOWN_ID]], [1])
    assert ngrams.none == 0
    assert not ngrams(ngrams.find(pad(documents)[0])).any()


@given(documents=documents, extra=st.integers(0, 5), longest=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_a_document_alone_in_a_batch_and_padded_says_the_same(documents, extra, longest):
    ngrams = speaking_ngrams(longest, WORDS)
    together = ngrams(ngrams.find(torch.nn.functional.pad(pad(documents)[0], (0, extra), value=PADDING_ID)))
    alone = torch.cat([ngrams(ngrams.find(pad([document])[0])) for document in documents])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@given(document=st.lists(st.integers(2, WORDS - 1), min_size=2, max_size=9), data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_order_of_words_matters_to_pairs_and_not_to_words(document, data):
    other = data.draw(st.permutations(document))
    words, pairs = speaking_ngrams(1, WORDS), speaking_ngrams(2, WORDS)
    ids = pad([document, other])[0]
    one, two = words(words.find(ids))
    torch.testing.assert_close(one, two)
    assume(distinct(document, 2) != distinct(other, 2))
    one, two = pairs.find(ids)[1].rows
    assert not torch.equal(one, two)  # all pairs of words are in the table


def test_only_what_a_document_has_is_learned():
    ngrams = after([[2, 3, 4], [5, 6]], [0, 1])
    found = ngrams.find(pad([[2, 3]])[0])
    ngrams(found)[0, 0].backward()
    touched = ngrams.embedding.weight.grad.flatten().nonzero().flatten()
    expected = torch.cat([each.rows for each in found], dim=1).flatten()
    assert set(touched.tolist()) == set(expected.tolist()) - {ngrams.none}


@given(trained=labelled)
@settings(max_examples=60, deadline=None)
def test_tokens_of_a_row_are_what_the_row_is_found_by(trained):
    ngrams = after(*trained, longest=3)
    for row in range(ngrams.none):
        tokens = ngrams.tokens(row)
        assert int(ngrams.rows(torch.tensor([tokens]))[len(tokens) - 1][0, 0]) == row
