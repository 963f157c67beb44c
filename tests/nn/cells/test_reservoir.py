import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.batch import pad
from carousel.nn.cells.reservoir import EchoState
from tests.support import networks

few = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**31)


@given(radius=st.floats(0.01, 2), size=st.integers(1, 60), seed=seeds)
@few
def test_the_spectral_radius_is_the_one_that_is_set(radius, size, seed):
    torch.manual_seed(seed)
    reservoir = EchoState(3, size, spectral_radius=radius)
    found = torch.linalg.eigvals(reservoir.weight_hh).abs().max().item()
    assert found == pytest.approx(radius, rel=1e-3)


def test_input_weights_fill_their_range():
    torch.manual_seed(0)
    weights = EchoState(50, 50).weight_ih
    assert weights.abs().max() <= 1
    assert weights.min() < -0.98
    assert weights.max() > 0.98


@given(batch=st.integers(1, 4), steps=st.integers(1, 9), seed=seeds, start=st.booleans())
@few
def test_states_are_those_of_jaegers_equation(batch, steps, seed, start):
    torch.manual_seed(seed)
    reservoir = EchoState(3, 5)
    inputs, initial = torch.randn(batch, steps, 3), torch.randn(1, batch, 5)
    outputs, final = reservoir(inputs, initial) if start else reservoir(inputs)
    h = initial[0] if start else torch.zeros(batch, 5)
    for time in range(steps):
        h = torch.tanh(inputs[:, time] @ reservoir.weight_ih.T + h @ reservoir.weight_hh.T)
        torch.testing.assert_close(outputs[:, time], h, rtol=0, atol=1e-5)
    torch.testing.assert_close(final, h.unsqueeze(0), rtol=0, atol=1e-5)


def test_a_state_handed_over_continues():
    torch.manual_seed(0)
    reservoir, inputs = EchoState(3, 5), torch.randn(2, 9, 3)
    first, state = reservoir(inputs[:, :4])
    rest, _ = reservoir(inputs[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, rest], 1), reservoir(inputs)[0], rtol=0, atol=1e-6)


def test_a_radius_below_one_forgets_where_it_began_and_one_far_above_does_not():
    torch.manual_seed(0)
    inputs = torch.rand(1, 200, 3).expand(2, -1, -1) * 0.1
    starts = torch.randn(1, 2, 50)
    apart = {}
    for radius in (0.5, 3.0):
        outputs, _ = EchoState(3, 50, spectral_radius=radius)(inputs, starts)
        apart[radius] = (outputs[0, -1] - outputs[1, -1]).abs().max()
    assert apart[0.5] < 1e-6
    assert apart[3.0] > 0.1


# Nothing in it is trained


def test_nothing_is_a_parameter_and_everything_is_saved():
    torch.manual_seed(0)
    one, other = EchoState(3, 5), EchoState(3, 5)
    assert not list(one.parameters())
    assert set(one.state_dict()) == {"weight_ih", "weight_hh"}
    inputs = torch.randn(2, 4, 3, requires_grad=True)
    assert not torch.equal(one(inputs)[0], other(inputs)[0])
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(inputs)[0], other(inputs)[0])
    assert not one(inputs)[0].requires_grad


@pytest.mark.parametrize("bidirectional", [False, True])
def test_training_a_classifier_moves_its_head_alone(bidirectional):
    torch.manual_seed(0)
    model = networks.classifier(
        20, 3, cell="esn", embedding_size=8, hidden_size=8, layers=2, bidirectional=bidirectional, dropout=0.0
    )
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9, weight_decay=0.1)
    ids, lengths = pad([[2, 3, 4, 5], [6], [7, 8]] * 15)  # more than one group of rows
    labels = torch.tensor([0, 1, 2] * 15)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(ids, lengths), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {"head.weight", "head.bias"}
    assert losses[-1] < losses[0]


def test_batch_first_is_the_only_order():
    EchoState(2, 3, batch_first=True)
    with pytest.raises(ValueError, match="batch_first"):
        EchoState(2, 3, batch_first=False)
