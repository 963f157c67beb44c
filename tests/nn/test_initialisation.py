import itertools

import pytest
import torch

from carousel.nn.cells import CELLS
from carousel.nn.initialisation import initialise
from carousel.nn.recurrent import RecurrentEncoder
from tests.support import networks

FEATURES, HIDDEN = 48, 64
FORGET_GATES = {"lstm": 1, "reference_lstm": 1, "min_lstm": 0, "qrnn": 1}  # their place among the gates
RECURRENT = ("lstm", "gru", "rnn", "reference_lstm", "reference_gru")  # whose recurrent weights are trained
TRAINED = tuple(cell for cell in CELLS if cell != "esn")
SWITCHES = {"orthogonal": False, "xavier": False, "forget_bias": 0.0}  # turned off
PARAMETERS = {"orthogonal": "weight_hh", "xavier": "weight_ih", "forget_bias": "bias"}  # that a switch sets

each_shape = pytest.mark.parametrize(("layers", "bidirectional"), list(itertools.product([1, 2], [False, True])))


def encoder(cell, **options):
    torch.manual_seed(0)
    return RecurrentEncoder(cell, FEATURES, HIDDEN, **options)


def called(module, name):
    """Return the parameters whose name holds `name`; there are some."""
    found = [parameter for full_name, parameter in module.named_parameters() if name in full_name]
    assert found
    return found


def is_orthogonal(gate):
    return torch.allclose(gate @ gate.T, torch.eye(len(gate)), rtol=0, atol=1e-5)


# As it is by default


@pytest.mark.parametrize("cell", RECURRENT)
@each_shape
def test_recurrent_weights_are_orthogonal_by_gate(cell, layers, bidirectional):
    for weights in called(encoder(cell, layers=layers, bidirectional=bidirectional), "weight_hh"):
        assert all(map(is_orthogonal, weights.split(HIDDEN)))


@pytest.mark.parametrize("cell", TRAINED)
@each_shape
def test_input_weights_fill_the_bounds_of_xavier_by_gate(cell, layers, bidirectional):
    for weights in called(encoder(cell, layers=layers, bidirectional=bidirectional), "weight_ih"):
        bound = (6 / (HIDDEN + weights.shape[1])) ** 0.5
        for gate in weights.split(HIDDEN):
            assert 0.99 * bound < gate.abs().max() <= bound


@pytest.mark.parametrize("cell", TRAINED)
@pytest.mark.parametrize("bias", [1.0, 2.5])
@each_shape
def test_forget_gates_begin_open_and_every_other_bias_at_zero(cell, bias, layers, bidirectional):
    encode = encoder(cell, layers=layers, bidirectional=bidirectional, forget_bias=bias)
    for layer in encode.layers:
        for direction in layer:
            found = sum(called(direction, "bias")).view(-1, HIDDEN)  # torch adds two
            expected = torch.zeros_like(found)
            if cell in FORGET_GATES:
                expected[FORGET_GATES[cell]] = bias
            assert torch.equal(found, expected)


@pytest.mark.parametrize("cell", FORGET_GATES)
def test_the_higher_the_forget_bias_the_more_a_cell_keeps(cell):
    kept = []
    for bias in (0.1, 1.0, 5.0):
        made = CELLS[cell](1, 1, batch_first=True)
        for weights in made.parameters():
            torch.nn.init.zeros_(weights)
        initialise(made, orthogonal=False, xavier=False, forget_bias=bias)
        one, zero = torch.ones(1, 1, 1), torch.zeros(1, 1, 1)
        with torch.no_grad():
            if cell == "min_lstm":
                kept.append(made(zero, one)[1])
            elif cell == "qrnn":
                kept.append(made(zero, (one, zero))[1][0])
            else:
                kept.append(made(zero, (zero, one))[1][1])
    assert kept[0] < kept[1] < kept[2] <= 1


# Each switch turned off


@pytest.mark.parametrize("cell", TRAINED)
@pytest.mark.parametrize("off", SWITCHES)
def test_what_is_turned_off_keeps_the_cells_own_weights_bit_for_bit(cell, off):
    torch.manual_seed(0)
    own = CELLS[cell](FEATURES, HIDDEN, batch_first=True).state_dict()
    (direction,) = encoder(cell, bidirectional=False, **{off: SWITCHES[off]}).layers[0]
    for name, parameter in direction.named_parameters():
        assert torch.equal(parameter, own[name]) is (PARAMETERS[off] in name)


@pytest.mark.parametrize("cell", TRAINED)
def test_with_all_turned_off_weights_and_biases_are_uniform_as_torchs_own(cell):
    bound = HIDDEN**-0.5
    for parameter in encoder(cell, layers=2, **SWITCHES).parameters():
        for gate in parameter.split(HIDDEN):
            assert gate.abs().max() <= bound
            if gate.ndim == 2:
                assert gate.abs().max() > 0.99 * bound
                assert gate.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
                assert not is_orthogonal(gate[:, :HIDDEN])
            else:
                assert gate.all()


def test_a_reservoir_stays_as_it_is():
    reservoir = CELLS["esn"](FEATURES, HIDDEN)
    before = {name: tensor.clone() for name, tensor in reservoir.state_dict().items()}
    initialise(reservoir, orthogonal=True, xavier=True, forget_bias=1.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in reservoir.state_dict().items())


# From the classifier's settings to the weights


def classifier(**settings):
    torch.manual_seed(0)
    return networks.classifier(20, 3, embedding_size=FEATURES, hidden_size=HIDDEN, **settings).encoder


@pytest.mark.parametrize("off", SWITCHES)
def test_a_classifiers_switch_reaches_its_own_weights_alone(off):
    default, changed = classifier(), classifier(**{off: SWITCHES[off]})
    recurrent, inputs, biases = (called(changed, name) for name in ("weight_hh", "weight_ih", "bias"))
    assert all(
        is_orthogonal(gate) is (off != "orthogonal") for weights in recurrent for gate in weights.split(HIDDEN)
    )
    assert all(bool(weights.abs().max() <= HIDDEN**-0.5) is (off == "xavier") for weights in inputs)
    for bias, other in zip(biases, called(default, "bias"), strict=True):
        assert torch.equal(bias, other) is (off != "forget_bias")


def test_a_classifiers_forget_bias_and_spectral_radius_reach_their_weights():
    assert (called(classifier(forget_bias=3.0), "bias_ih")[0].split(HIDDEN)[1] == 3).all()
    for layer in classifier(cell="esn", layers=2, spectral_radius=0.3).layers:
        for direction in layer:
            radius = torch.linalg.eigvals(direction.weight_hh).abs().max().item()
            assert radius == pytest.approx(0.3, rel=1e-3)
