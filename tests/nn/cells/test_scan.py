import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.cells import scan as scans
from carousel.nn.cells.scan import doubling, linear_recurrence, one_by_one

each_scan = pytest.mark.parametrize("scan", [linear_recurrence, one_by_one, doubling])
shapes = st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 5))  # B, T, H
seeds = st.integers(0, 2**31)
few = settings(max_examples=40, deadline=None)


def terms(shape, seed, dtype=torch.float32):
    """Return decays in (0, 1), drives and an initial state."""
    torch.manual_seed(seed)
    decay, drive = torch.rand(shape, dtype=dtype), torch.randn(shape, dtype=dtype)
    return decay, drive, torch.randn(shape[0], shape[2], dtype=dtype)


def literally(decay, drive, initial):
    """h_t = a_t h_{t-1} + b_t, number by number."""
    batch, steps, size = decay.shape
    states = torch.empty_like(drive)
    for b in range(batch):
        for i in range(size):
            h = initial[b, i].item()
            for t in range(steps):
                h = decay[b, t, i].item() * h + drive[b, t, i].item()
                states[b, t, i] = h
    return states


@each_scan
@given(shape=shapes, seed=seeds)
@few
def test_the_recurrence_is_the_one_that_is_written(scan, shape, seed):
    arguments = terms(shape, seed)
    torch.testing.assert_close(scan(*arguments), literally(*arguments), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65])
def test_doubling_equals_one_by_one_around_powers_of_two(steps):
    arguments = terms((3, steps, 2), steps, torch.float64)
    torch.testing.assert_close(doubling(*arguments), one_by_one(*arguments), rtol=1e-12, atol=1e-12)


@each_scan
@given(shape=shapes, seed=seeds, data=st.data())
@few
def test_a_state_handed_over_continues(scan, shape, seed, data):
    decay, drive, initial = terms(shape, seed)
    cut = data.draw(st.integers(0, shape[1] - 1))
    if cut:
        first = scan(decay[:, :cut], drive[:, :cut], initial)
        found = torch.cat([first, scan(decay[:, cut:], drive[:, cut:], first[:, -1])], dim=1)
    else:
        found = scan(decay, drive, initial)
    torch.testing.assert_close(found, scan(decay, drive, initial), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scan", [linear_recurrence, doubling])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_gradients_are_those_of_finite_differences(scan, steps):
    arguments = [tensor.requires_grad_() for tensor in terms((2, steps, 3), steps, torch.float64)]
    assert torch.autograd.gradcheck(scan, arguments)


@pytest.mark.parametrize("steps", [1, 2, 5, 64])
def test_a_device_that_doubles_has_the_same_states_and_gradients(steps, monkeypatch):
    arguments = [tensor.requires_grad_() for tensor in terms((2, steps, 3), steps, torch.float64)]
    in_order = linear_recurrence(*arguments)
    expected = torch.autograd.grad(in_order.sin().sum(), arguments)
    monkeypatch.setattr(scans, "IN_ORDER", ())
    doubled = linear_recurrence(*arguments)
    found = torch.autograd.grad(doubled.sin().sum(), arguments)
    torch.testing.assert_close((doubled, found), (in_order, expected), rtol=1e-12, atol=1e-12)


@given(shape=shapes, seed=seeds, wanted=st.tuples(*[st.booleans()] * 3).filter(any))
@few
def test_gradients_reach_whichever_arguments_want_them(shape, seed, wanted):
    arguments = [
        tensor.requires_grad_(want) for tensor, want in zip(terms(shape, seed, torch.float64), wanted, strict=True)
    ]
    leaves = [tensor for tensor in arguments if tensor.requires_grad]
    found, expected = (
        torch.autograd.grad(scan(*arguments).sin().sum(), leaves) for scan in (linear_recurrence, doubling)
    )
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@each_scan
@pytest.mark.parametrize("keeps", [0.0, 0.5, 1.0])  # the share of decays that are 1; the others are 0
def test_2000_steps_that_keep_all_or_nothing_stay_exact(scan, keeps):
    torch.manual_seed(0)
    decay = (torch.rand(2, 2000, 3) < keeps).float()
    drive = torch.randint(-3, 4, decay.shape).float()  # whole numbers, so sums are exact
    initial = torch.ones(2, 3)
    assert torch.equal(scan(decay, drive, initial), literally(decay, drive, initial))


@pytest.mark.parametrize("keeps", [0.0, 0.5, 1.0])
def test_gradients_over_2000_steps_are_finite_and_count_the_steps_that_remember(keeps):
    torch.manual_seed(0)
    decay = (torch.rand(1, 2000, 2) < keeps).float().requires_grad_()
    drive = torch.zeros_like(decay).requires_grad_()
    initial = torch.ones(1, 2, requires_grad=True)
    linear_recurrence(decay, drive, initial).sum().backward()
    assert decay.grad.isfinite().all()
    # A drive counts in its own step and in every later one until a decay of 0
    count, expected = torch.zeros(1, 2), torch.empty_like(drive)
    for time in reversed(range(2000)):
        count = 1 + (decay[:, time + 1] * count if time < 1999 else 0)
        expected[:, time] = count
    assert torch.equal(drive.grad, expected.detach())
    assert torch.equal(initial.grad, (decay * expected)[:, 0].detach())


def test_bf16_is_added_up_in_fp32():
    steps = 2000
    decay, drive = (torch.ones(1, steps, 1, dtype=torch.bfloat16, requires_grad=True) for _ in range(2))
    states = linear_recurrence(decay, drive, torch.zeros(1, 1, dtype=torch.bfloat16))
    assert states.dtype is torch.float32
    assert torch.equal(states.flatten(), torch.arange(1.0, steps + 1))
    states.sum().backward()
    assert decay.grad.dtype is drive.grad.dtype is torch.bfloat16
