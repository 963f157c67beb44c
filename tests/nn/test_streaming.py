import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn import ngram_streaming, streaming
from carousel.nn.batch import pad
from carousel.nn.convolutional import ConvolutionalEncoder
from carousel.nn.ngram_ensemble import NgramEnsemble
from tests.nn.conftest import WORDS, classifier, shapes
from tests.support.networks import network_of

documents = st.lists(st.integers(1, WORDS - 1), min_size=1, max_size=40)


def streamed(model, document, limit):
    module = ngram_streaming if isinstance(model, NgramEnsemble) else streaming
    return module.logits(model, document, limit)


@given(shape=shapes, document=documents, limit=st.integers(1, 12))
@settings(max_examples=120, deadline=None)
def test_a_document_in_pieces_has_the_logits_of_the_whole(shape, document, limit):
    model = classifier(**shape)
    with torch.inference_mode():
        found, expected = streamed(model, document, limit), model(*pad([document]))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@given(shape=shapes, document=documents, limit=st.integers(3, 12))
@settings(max_examples=60, deadline=None)
def test_nothing_longer_than_the_limit_is_ever_computed(shape, document, limit):
    if shape["encoder"] == "transformer" and shape["reading"] == "full":
        return
    model, longest = classifier(**shape), [0]

    def measure(_module, arguments, _outputs):
        longest.append(max(tensor.shape[1] for tensor in arguments[:1]))

    for module in model.modules():
        if module not in (model, network_of(model)) and not isinstance(
            module, torch.nn.Conv1d | torch.nn.Dropout | torch.nn.Linear
        ):
            module.register_forward_hook(measure)
    with torch.inference_mode():
        streamed(model, document, limit)
    around = 2 * ConvolutionalEncoder.reach if shape["encoder"] == "convolutional" else 0
    at_once = limit if shape["reading"] == "full" else max(limit, shape["chunk"])
    assert max(longest) <= max(at_once + around, limit + 1)  # a pair has two words


@given(shape=shapes, document=documents, limit=st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_attention_in_pieces_is_the_weights_of_the_pooling(shape, document, limit):
    model = network_of(classifier(**{**shape, "pooling": "attention"}))
    ids, lengths = pad([document])
    with torch.inference_mode():
        outputs = model.reading.read(model.encoder, model.embedding(ids), lengths).outputs
        expected = model.pooling.weights(outputs, lengths)[0]
        found = streaming.attention(model, document, limit)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert float(found.sum()) == pytest.approx(1)


def test_a_model_without_attention_says_so():
    with pytest.raises(ValueError, match="MaxMean pooling has no attention weights"):
        streaming.attention(network_of(classifier()), [2, 3], 10)
