import io

import onnxruntime
import pytest
import torch

from carousel.nn.cells import CELLS
from carousel.nn.recurrent import ROWS, RecurrentEncoder
from tests.nn.conftest import WORDS, classifier
from tests.support import networks

FEATURES, HIDDEN = 5, 4
EXPORTED = (2, 5)  # documents, time steps
OTHERS = [EXPORTED, (1, 1), (3, 9), (ROWS + 8, 7), (ROWS + 1, 1), (1, 20)]

# What torch says of itself; of this project's own code it shall have nothing to say
pytestmark = [
    # this exporter is asked for by name, because the newer one needs onnxscript
    pytest.mark.filterwarnings("ignore:You are using the legacy TorchScript-based ONNX export:DeprecationWarning"),
    # the exporter calls its own deprecated function
    pytest.mark.filterwarnings("ignore:The feature will be removed:DeprecationWarning:torch.onnx"),
    # nn.RNNBase compares shapes to check them, and computes nothing by it
    pytest.mark.filterwarnings(
        "ignore:Converting a tensor to a Python boolean:torch.jit.TracerWarning:torch.nn.modules.rnn"
    ),
    # true of a state from outside; the cells' own is zeros of the batch's size, and other sizes are what is tested
    pytest.mark.filterwarnings(
        "ignore:Exporting a model to ONNX with a batch_size other than 1:UserWarning:torch.onnx"
    ),
    # an optimization of its own that it leaves out
    pytest.mark.filterwarnings("ignore:Constant folding - Only steps=1:UserWarning"),
]


class Plain(torch.nn.Module):
    """An encoder that gives a tuple of all its results, as the exporter wants them."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, inputs, lengths):
        encoded = self.encoder(inputs, lengths)
        return encoded.outputs, encoded.hidden, encoded.final


def lengths_for(rows, steps):
    return torch.randint(1, steps + 1, (rows,))


def vectors(rows, steps):
    return torch.randn(rows, steps, FEATURES), lengths_for(rows, steps)


def words(rows, steps):
    return torch.randint(2, WORDS, (rows, steps)), lengths_for(rows, steps)


def exported(module, arguments, axes):
    """Return a function that runs a module's export; `axes` names those that change, by input and output."""
    file = io.BytesIO()
    torch.onnx.export(
        module,
        arguments,
        file,
        input_names=list(axes)[:2],
        output_names=list(axes)[2:],
        dynamic_axes=axes,
        dynamo=False,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options)
    names = [given.name for given in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, map(torch.Tensor.numpy, inputs), strict=True)))


def assert_equal_at_any_size(module, make, axes):
    torch.manual_seed(0)
    run = exported(module, make(*EXPORTED), axes)
    for size in OTHERS:
        inputs = make(*size)
        with torch.no_grad():
            expected = module(*inputs)
        expected = expected if isinstance(expected, tuple) else (expected,)
        for one, other in zip(run(*inputs), expected, strict=True):
            torch.testing.assert_close(torch.from_numpy(one), other, rtol=0, atol=1e-5)


def encoder(cell, layers, bidirectional):
    torch.manual_seed(0)
    made = RecurrentEncoder(cell, FEATURES, HIDDEN, layers=layers, bidirectional=bidirectional).eval()
    axes = {"inputs": {0: "documents", 1: "steps"}, "lengths": {0: "documents"}}
    axes |= {"outputs": axes["inputs"], "hidden": {1: "documents"}, "final": {0: "documents"}}
    return Plain(made), vectors, axes


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_an_exported_encoder_is_equal_at_any_batch_size_and_length(cell, layers, bidirectional):
    assert_equal_at_any_size(*encoder(cell, layers, bidirectional))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pooling": "last"},
        {"pooling": "attention"},
        {"ngrams": 2},
        {"ngrams": 2, "ngram_weight": 0.5},
        {"ngrams": 2, "ngram_weight": 0.5, "characters": 4},
        {"cell": "gru", "layers": 2},
        {"encoder": "convolutional", "pooling": "last_max_mean"},
        {"encoder": "transformer", "heads": 2, "layers": 2},
        {"encoder": "bag"},
    ],
)
def test_an_exported_classifier_is_equal_at_any_batch_size_and_length(settings):
    model = classifier(**settings)
    documents = {0: "documents"}
    axes = {"ids": {0: "documents", 1: "steps"}, "lengths": documents, "logits": documents}
    assert_equal_at_any_size(model, words, axes)


@pytest.mark.parametrize("reading", ["chunked", "stateful"])
def test_a_reading_whose_chunks_would_be_fixed_is_refused(reading):
    model = networks.classifier(WORDS, 3, embedding_size=8, hidden_size=8, reading=reading)
    axes = {"ids": {0: "documents", 1: "steps"}, "lengths": {0: "documents"}, "logits": {0: "documents"}}
    with pytest.raises(ValueError, match="cannot be exported: "):
        assert_equal_at_any_size(model.eval(), words, axes)


def test_a_reservoir_is_exported_as_it_is():
    assert_equal_at_any_size(*encoder("esn", 1, True))


@pytest.mark.parametrize("cell", sorted(set(CELLS) - {"lstm", "gru", "rnn", "esn"}))
def test_a_cell_whose_loop_would_be_fixed_is_refused(cell):
    with pytest.raises(ValueError, match=r"^\w+ cannot be exported: the number of its steps would be fixed$"):
        assert_equal_at_any_size(*encoder(cell, 1, True))
