import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.batch import pad
from carousel.nn.cells import CELLS
from carousel.nn.encoders import ENCODERS
from carousel.nn.pooling import POOLINGS
from carousel.text.vocabulary import PADDING_ID, UNKNOWN_ID
from tests.nn.conftest import WORDS, classifier

documents = st.lists(st.lists(st.integers(UNKNOWN_ID, WORDS - 1), min_size=1, max_size=9), min_size=1, max_size=6)
shapes = st.fixed_dictionaries(
    {
        "encoder": st.sampled_from(["recurrent", *ENCODERS]),
        "cell": st.sampled_from(list(CELLS)),
        "layers": st.integers(1, 2),
        "bidirectional": st.booleans(),
        "pooling": st.sampled_from(list(POOLINGS)),
        "ngrams": st.integers(0, 3),
        "ngram_weight": st.sampled_from([0.0, 0.5]),
        "characters": st.sampled_from([0, 4]),
    }
)


def widened(ids, extra):
    return torch.nn.functional.pad(ids, (0, extra), value=PADDING_ID)


def read_by(model, ids, lengths):
    """Return the ids that reach the embedding."""
    seen = []
    handle = model.embedding.register_forward_pre_hook(lambda _module, arguments: seen.append(arguments[0]))
    model(ids, lengths)
    handle.remove()
    return seen[0]


# A document's logits are its own


@given(shape=shapes, documents=documents, extra=st.integers(0, 5), data=st.data())
@settings(max_examples=80, deadline=None)
def test_a_document_gives_the_same_logits_alone_in_any_batch_and_at_any_padding(shape, documents, extra, data):
    model = classifier(**shape)
    with torch.inference_mode():
        alone = torch.cat([model(*pad([document])) for document in documents])
        order = data.draw(st.permutations(range(len(documents))))
        ids, lengths = pad([documents[i] for i in order])
        together = model(widened(ids, extra), lengths)
    assert together.shape == (len(documents), 3)
    torch.testing.assert_close(together, alone[order], rtol=0, atol=1e-5)


def test_weights_are_a_function_of_the_seed():
    one, same, other = (classifier(seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["embedding.weight"], other["embedding.weight"])


# Padding is no word


def test_padding_has_a_vector_of_zeros_that_is_never_trained():
    model = classifier().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(*pad([[2, 3, 4, 5], [6]])).square().sum().backward()
        optimizer.step()
    assert not model.embedding.weight[PADDING_ID].any()
    assert model.embedding.weight[UNKNOWN_ID].any()


# Word dropout


@given(documents=documents, extra=st.integers(0, 5), share=st.floats(0.05, 0.95), seed=st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_a_dropped_word_is_read_as_unknown_and_padding_stays_padding(documents, extra, share, seed):
    model = classifier(word_dropout=share).train()
    torch.manual_seed(seed)
    ids, lengths = pad(documents)
    ids = widened(ids, extra)
    before = ids.clone()
    read = read_by(model, ids, lengths)
    assert torch.equal(ids, before)
    assert torch.equal(read == PADDING_ID, ids == PADDING_ID)
    assert ((read == ids) | (read == UNKNOWN_ID)).all()


@given(documents=documents, share=st.floats(0, 0.95))
@settings(max_examples=25, deadline=None)
def test_no_word_is_dropped_outside_training_or_without_word_dropout(documents, share):
    ids, lengths = pad(documents)
    assert torch.equal(read_by(classifier(word_dropout=share), ids, lengths), ids)
    assert torch.equal(read_by(classifier(word_dropout=0.0).train(), ids, lengths), ids)


def test_word_dropout_drops_its_share_of_the_words():
    ids, lengths = pad([[2] * 500] * 20)
    read = read_by(classifier(word_dropout=0.3).train(), ids, lengths)
    assert 0.27 < (read == UNKNOWN_ID).float().mean() < 0.33


def test_only_training_is_random():
    ids, lengths = pad([[2, 3, 4, 5, 6, 7, 8, 9], [4, 5, 6]])
    model = classifier()
    assert torch.equal(model(ids, lengths), model(ids, lengths))
    model.train()
    assert not torch.equal(model(ids, lengths), model(ids, lengths))
