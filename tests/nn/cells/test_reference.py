import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.cells.reference import ReferenceGRU, ReferenceLSTM

each_pair = pytest.mark.parametrize(
    ("reference", "fused"), [(ReferenceLSTM, torch.nn.LSTM), (ReferenceGRU, torch.nn.GRU)]
)
shapes = st.tuples(*[st.integers(1, 6)] * 4)  # B, T, F, H
seeds = st.integers(0, 2**31)
few = settings(max_examples=25, deadline=None)


def pair(reference, fused, features, hidden, dtype=torch.float32):
    """Return both modules with the same random weights."""
    one, other = (module(features, hidden, batch_first=True, dtype=dtype) for module in (reference, fused))
    one.load_state_dict(other.state_dict())
    return one, other


def flat(outputs, state):
    """Return outputs, h and, of an LSTM, c."""
    return [outputs, *(state if isinstance(state, tuple) else (state,))]


def state_for(module, batch):
    """Return a random state, of torch's shape."""
    parts = torch.randn(2, 1, batch, module.hidden_size, dtype=module.weight_hh_l0.dtype)
    return tuple(parts) if isinstance(module, torch.nn.LSTM) else parts[0]


@each_pair
@given(shape=shapes, seed=seeds, start=st.booleans())
@few
def test_outputs_and_states_are_those_of_the_fused_cell(reference, fused, shape, seed, start):
    torch.manual_seed(seed)
    batch, steps, features, hidden = shape
    one, other = pair(reference, fused, features, hidden)
    inputs = torch.randn(batch, steps, features)
    state = state_for(other, batch) if start else None
    for found, expected in zip(flat(*one(inputs, state)), flat(*other(inputs, state)), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@each_pair
@given(shape=shapes, seed=seeds)
@few
def test_gradients_are_those_of_the_fused_cell(reference, fused, shape, seed):
    torch.manual_seed(seed)
    batch, steps, features, hidden = shape
    inputs = torch.randn(batch, steps, features, dtype=torch.float64, requires_grad=True)
    gradients = []
    for module in pair(reference, fused, features, hidden, torch.float64):
        number = sum((i * tensor.sin()).sum() for i, tensor in enumerate(flat(*module(inputs)), start=1))
        gradients.append(torch.autograd.grad(number, (inputs, *module.parameters())))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@each_pair
@given(shape=shapes, seed=seeds, data=st.data())
@few
def test_a_given_state_continues(reference, fused, shape, seed, data):
    torch.manual_seed(seed)
    batch, steps, features, hidden = shape
    module = reference(features, hidden, batch_first=True)
    inputs = torch.randn(batch, steps + 1, features)
    cut = data.draw(st.integers(1, steps))
    start, state = module(inputs[:, :cut])
    rest, final = module(inputs[:, cut:], state)
    for found, expected in zip(flat(torch.cat([start, rest], 1), final), flat(*module(inputs)), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@each_pair
def test_either_loads_the_weights_of_the_other(reference, fused):
    for one, other in [(reference, fused), (fused, reference)]:
        loaded, saved = one(3, 4, batch_first=True), other(3, 4, batch_first=True).state_dict()
        loaded.load_state_dict(saved)
        assert list(loaded.state_dict()) == list(saved)
        assert all(torch.equal(tensor, saved[name]) for name, tensor in loaded.state_dict().items())


def test_nothing_is_written_nothing_is_kept_where_gates_are_shut():
    lstm = ReferenceLSTM(1, 1, batch_first=True)
    for parameter in lstm.parameters():
        torch.nn.init.zeros_(parameter)
    c = torch.tensor([[[0.7]]])
    with torch.no_grad():
        for forget, kept in [(40.0, 0.7), (-40.0, 0.0)]:  # gates stand in the order i, f, g, o
            lstm.bias_ih_l0.copy_(torch.tensor([-40.0, forget, 5.0, 0.0]))
            _, (h, found) = lstm(torch.zeros(1, 100, 1), (torch.zeros_like(c), c))
            torch.testing.assert_close(found, torch.full_like(c, kept))
            torch.testing.assert_close(h, 0.5 * found.tanh())
