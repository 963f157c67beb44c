import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.cells.scanned import QRNN, MinGRU, MinLSTM

CELLS = (MinGRU, MinLSTM, QRNN)
KEYWORD = 40.0  # a gate's weight on it; far beyond where σ is 0 or 1

each_cell = pytest.mark.parametrize("cell", CELLS)
shapes = st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 5), st.integers(1, 5))  # B, T, F, H
seeds = st.integers(0, 2**31)
few = settings(max_examples=25, deadline=None)


def random_cell(cell, features, hidden, scale=1.0):
    """Return a cell whose weights, biases too, are random."""
    made = cell(features, hidden)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    return made


def random_case(cell, shape, seed):
    """Return a random cell, and inputs (B, T, F) for it."""
    torch.manual_seed(seed)
    batch, steps, features, hidden = shape
    return random_cell(cell, features, hidden), torch.randn(batch, steps, features)


def flat(outputs, state):
    return [outputs, *(state if isinstance(state, tuple) else (state,))]


def sigmoid(x):
    return 1 / (1 + torch.exp(-x))


def min_gru(inputs, weights, biases):
    """Feng et al. 2024, section 3.1."""
    W_z, W_n = weights.chunk(2)
    b_z, b_n = biases.chunk(2)
    h, states = 0, []
    for x in inputs.unbind(1):
        z = sigmoid(x @ W_z.T + b_z)
        h = (1 - z) * h + z * (x @ W_n.T + b_n)
        states.append(h)
    return torch.stack(states, 1)


def min_lstm(inputs, weights, biases):
    """Feng et al. 2024, section 3.2, with f / (f + i) and i / (f + i)."""
    W_f, W_i, W_g = weights.chunk(3)
    b_f, b_i, b_g = biases.chunk(3)
    h, states = 0, []
    for x in inputs.unbind(1):
        f, i = sigmoid(x @ W_f.T + b_f), sigmoid(x @ W_i.T + b_i)
        h = f / (f + i) * h + i / (f + i) * (x @ W_g.T + b_g)
        states.append(h)
    return torch.stack(states, 1)


def qrnn(inputs, weights, biases):
    """Bradbury et al. 2017, equations 2 and 4: a convolution over two time steps, then fo-pooling."""
    W_g, W_f, W_o = weights.chunk(3)
    b_g, b_f, b_o = biases.chunk(3)
    c, before, outputs = 0, torch.zeros_like(inputs[:, 0]), []
    for x in inputs.unbind(1):
        window = torch.cat([before, x], -1)
        g, f, o = torch.tanh(window @ W_g.T + b_g), sigmoid(window @ W_f.T + b_f), sigmoid(window @ W_o.T + b_o)
        c = f * c + (1 - f) * g
        outputs.append(o * c)
        before = x
    return torch.stack(outputs, 1)


LITERALLY = {MinGRU: min_gru, MinLSTM: min_lstm, QRNN: qrnn}


# As the papers write them


@each_cell
@given(shape=shapes, seed=seeds)
@few
def test_outputs_are_those_of_the_papers_equations(cell, shape, seed):
    made, inputs = random_case(cell, shape, seed)
    expected = LITERALLY[cell](*(tensor.double() for tensor in (inputs, made.weight_ih, made.bias_ih)))
    torch.testing.assert_close(made(inputs)[0].double(), expected, rtol=1e-5, atol=1e-5)


@each_cell
@given(shape=shapes, seed=seeds)
@few
def test_a_whole_sequence_is_its_steps_with_the_state_handed_over(cell, shape, seed):
    made, inputs = random_case(cell, shape, seed)
    outputs, state = [], None
    for time in range(inputs.shape[1]):
        output, state = made(inputs[:, time : time + 1], state)
        outputs.append(output)
    for found, expected in zip(flat(torch.cat(outputs, 1), state), flat(*made(inputs)), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


# Gradients and memory


@each_cell
@given(shape=shapes, seed=seeds)
@few
def test_gradients_are_those_of_the_papers_equations(cell, shape, seed):
    made, inputs = random_case(cell, shape, seed)
    made, inputs = made.double(), inputs.double().requires_grad_()
    leaves = (inputs, made.weight_ih, made.bias_ih)
    found = torch.autograd.grad(made(inputs)[0].sin().sum(), leaves)
    expected = torch.autograd.grad(LITERALLY[cell](*leaves).sin().sum(), leaves)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


@each_cell
def test_gradients_flow_to_every_gate_of_every_parameter(cell):
    torch.manual_seed(0)
    made = random_cell(cell, 3, 4)
    made(torch.randn(2, 6, 3))[0].sin().sum().backward()
    for parameter in made.parameters():
        assert parameter.grad.all()


def attentive(cell):
    """Return a cell of one unit that writes the x of a keyword (1, x), and keeps it over other words (0, x)."""
    made = cell(2, 1)
    keep, write = [-KEYWORD, 0], [KEYWORD, 0]
    rows = {  # a gate's weights over x_t, and its bias
        MinGRU: [(write, -KEYWORD / 2), ([0, 1], 0)],
        MinLSTM: [(keep, KEYWORD / 2), (write, -KEYWORD / 2), ([0, 1], 0)],
        QRNN: [([0, 0, 0, 1], 0), ([0, 0, *keep], KEYWORD / 2), ([0, 0, 0, 0], KEYWORD / 2)],
    }[cell]
    with torch.no_grad():
        made.weight_ih.copy_(torch.tensor([weights for weights, _ in rows]))
        made.bias_ih.copy_(torch.tensor([bias for _, bias in rows]))
    return made


@each_cell
def test_a_keyword_is_remembered_for_a_thousand_steps(cell):
    torch.manual_seed(0)
    made = attentive(cell)
    inputs = torch.stack([torch.zeros(2, 1000), torch.randn(2, 1000)], -1)
    inputs[:, 3] = torch.tensor([[1, 0.5], [1, -0.25]])
    inputs.requires_grad_()
    outputs, _ = made(inputs)
    expected = torch.tensor([0.5, -0.25])
    torch.testing.assert_close(outputs[:, -1, 0], expected.tanh() if cell is QRNN else expected, rtol=0, atol=1e-3)
    outputs[:, -1].sum().backward()
    seen = inputs.grad[..., 1].abs()
    assert (seen[:, 3] > 0.7).all()
    assert (seen.sum(1) - seen[:, 3] < 1e-3).all()


@each_cell
@given(filling=st.sampled_from([0.0, 1e2, -1e4, 1e10, -1e30]), seed=seeds)
@few
def test_extreme_gates_give_no_nan(cell, filling, seed):
    torch.manual_seed(seed)
    made = random_cell(cell, 3, 4, scale=3)
    inputs = (torch.randn(2, 9, 3).sign() * filling).requires_grad_()
    outputs, _ = made(inputs)
    outputs.tanh().sum().backward()
    for tensor in (outputs, inputs.grad, made.weight_ih.grad, made.bias_ih.grad):
        assert tensor.isfinite().all()


# Interface


@each_cell
def test_batch_first_is_the_only_order(cell):
    cell(2, 3, batch_first=True)
    with pytest.raises(ValueError, match="batch_first"):
        cell(2, 3, batch_first=False)
