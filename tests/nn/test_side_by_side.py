import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.side_by_side import Job, divisible, side_by_side

few = settings(max_examples=50, deadline=None)
patience = 20  # seconds that a job waits for another one, which never takes as long


def affine(weight, bias, argument):
    return torch.tanh(argument @ weight + bias)


def job(argument, *parameters):
    return Job(lambda tensor: affine(*parameters, tensor), argument, parameters)


def tasks_that(function, count=4):
    """Return jobs that do `function`, whose results matter little."""

    def run(argument):
        function()
        return argument * 1

    return [Job(run, torch.ones(2, requires_grad=True), ()) for _ in range(count)]


def seen_by_tasks(look, count=4):
    """Return what `look` gives in each job."""
    seen = []
    side_by_side(tasks_that(lambda: seen.append(look()), count))
    assert len(seen) == count
    return seen


# Equal to one after the other


@st.composite
def structures(draw):
    """Tasks, each of one of two arguments and two parameters, any of which may want a gradient."""
    wants = draw(st.lists(st.booleans(), min_size=6, max_size=6))
    parts = st.tuples(*[st.integers(0, 1)] * 3)
    return wants, draw(st.lists(parts, min_size=1, max_size=6)), draw(st.integers(0, 2**31))


@given(structure=structures())
@few
def test_results_and_gradients_are_those_of_plain_autograd(structure):
    wants, parts, seed = structure
    torch.manual_seed(seed)
    shapes = [(2, 3), (4, 3), (3, 5), (3, 5), (5,), (5,)]
    leaves = [torch.randn(shape).requires_grad_(want) for shape, want in zip(shapes, wants, strict=True)]
    arguments, weights, biases = leaves[:2], leaves[2:4], leaves[4:]
    chosen = [(arguments[a], weights[w], biases[b]) for a, w, b in parts]

    found = side_by_side([job(*parts) for parts in chosen])
    expected = [affine(weight, bias, argument) for argument, weight, bias in chosen]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)

    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    numbers = [
        sum(i * result.square().sum() for i, result in enumerate(results, 1)) for results in (found, expected)
    ]
    assert numbers[0].requires_grad is numbers[1].requires_grad or not wanted
    if numbers[1].requires_grad:
        gradients = [torch.autograd.grad(number, wanted, allow_unused=True) for number in numbers]
        for one, other in zip(*gradients, strict=True):
            assert (one is None) is (other is None)
            if one is not None:
                torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_tasks_that_share_a_parameter_add_their_gradients():
    weight = torch.tensor([2.0], requires_grad=True)
    arguments = [torch.tensor([10.0**power]) for power in range(4)]
    results = side_by_side([Job(lambda tensor: tensor * weight, argument, (weight,)) for argument in arguments])
    torch.cat(results).sum().backward()
    assert weight.grad.item() == 1111


@pytest.mark.parametrize("want", [False, True])
def test_a_task_computes_no_gradient_of_an_argument_that_wants_none(want):
    seen, weight = [], torch.ones(2, requires_grad=True)

    def look(argument):
        seen.append(argument.requires_grad)
        return argument * weight

    results = side_by_side([Job(look, torch.ones(2).requires_grad_(want), (weight,))] * 2)
    assert seen == [want, want]
    assert all(result.requires_grad for result in results)


def test_a_result_that_nobody_used_gives_no_gradient():
    weights = [torch.tensor([2.0], requires_grad=True) for _ in range(2)]
    used, _ = side_by_side(
        [Job(lambda tensor, weight=weight: tensor * weight, torch.ones(1), (weight,)) for weight in weights]
    )
    used.backward()
    assert weights[0].grad.item() == 1
    assert weights[1].grad is None or not weights[1].grad.any()


def test_a_result_without_gradient_leaves_the_others_theirs():
    argument = torch.tensor([3.0], requires_grad=True)
    functions = [torch.detach, torch.square, torch.no_grad()(torch.exp)]
    results = side_by_side([Job(function, argument, ()) for function in functions])
    sum(results).backward()
    assert argument.grad.item() == 6


def test_a_result_without_gradient_wants_none():
    argument = torch.ones(2, requires_grad=True)
    results = side_by_side([Job(function, argument, ()) for function in (torch.detach, torch.square)])
    assert [result.requires_grad for result in results] == [False, True]


def test_no_tasks_graph_outlives_its_backward_pass():
    weight = torch.ones(2, requires_grad=True)
    results = side_by_side([job(torch.ones(1, 2), weight.view(2, 1), torch.zeros(1)) for _ in range(2)])
    node = results[0].grad_fn
    torch.cat(results).sum().backward()
    assert node.graphs is None


def test_a_second_backward_pass_says_that_there_is_no_second():
    argument = torch.ones(2, requires_grad=True)
    total = sum(result.sum() for result in side_by_side([Job(torch.exp, argument, ())] * 2))
    total.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="second time"):
        total.backward()


def test_the_gradient_of_a_gradient_is_refused():
    argument = torch.ones(2, requires_grad=True)
    total = sum(result.square().sum() for result in side_by_side([Job(torch.exp, argument, ())] * 2))
    (gradient,) = torch.autograd.grad(total, argument, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        gradient.sum().backward()


# Side by side


def test_tasks_run_at_the_same_time_forward_and_backward(threads):
    threads(2)
    together = threading.Barrier(2, timeout=patience)

    class Meeting(torch.autograd.Function):
        @staticmethod
        def forward(ctx, tensor):
            together.wait()
            return tensor.clone()

        @staticmethod
        def backward(ctx, gradient):
            together.wait()
            return gradient

    argument = torch.ones(2, requires_grad=True)
    results = side_by_side([Job(Meeting.apply, argument, ())] * 2)
    torch.cat(results).sum().backward()
    assert argument.grad.tolist() == [2, 2]


def test_a_device_that_wants_everything_at_once_is_not_divided():
    assert divisible(torch.ones(1))
    assert not divisible(torch.ones(1, device="meta"))


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_task_has_one_core_and_the_caller_keeps_its_own(number, threads):
    threads(number)
    assert seen_by_tasks(torch.get_num_threads, count=8) == [1] * 8
    assert torch.get_num_threads() == number


@pytest.mark.parametrize("number", [1, 2, 4, 6])
def test_a_thread_that_begins_later_has_the_callers_number(number, threads):
    threads(number)
    seen_by_tasks(threading.get_ident, count=8)
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == number
    assert torch.get_num_threads() == number


def test_many_calls_from_two_threads_at_once_are_right(threads):
    threads(3)

    def calls(seed):
        generator = torch.Generator().manual_seed(seed)
        for _ in range(30):
            argument, weight = (torch.randn(3, 3, generator=generator).requires_grad_() for _ in range(2))
            results = side_by_side([job(argument * i, weight, torch.zeros(3)) for i in range(1, 6)])
            expected = [affine(weight, torch.zeros(3), argument * i) for i in range(1, 6)]
            found, exact = (
                torch.autograd.grad(sum(all_).sum(), (argument, weight)) for all_ in (results, expected)
            )
            for one, other in zip((*results, *found), (*expected, *exact), strict=True):
                torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
        return True

    with ThreadPoolExecutor(2) as callers:
        assert list(callers.map(calls, range(2))) == [True, True]


# What a thread has of its own goes along


def modes():
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_autocast_dtype("cpu"),
    )


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    "mode",
    [
        nullcontext,
        torch.no_grad,
        torch.inference_mode,
        lambda: torch.autocast("cpu", torch.bfloat16),
        lambda: torch.autocast("cpu", torch.float16),
        lambda: torch.autocast("cpu", enabled=False),
    ],
    ids=["none", "no_grad", "inference_mode", "bfloat16", "float16", "no_autocast"],
)
def test_the_callers_modes_are_those_of_its_tasks(mode, number, threads):
    threads(number)
    before = modes()
    with mode():
        assert seen_by_tasks(modes) == [modes()] * 4
    assert modes() == before
    assert seen_by_tasks(modes) == [before] * 4  # nothing stays behind in the threads


def test_autocast_reaches_the_products_of_a_task_and_gradients_come_back_in_fp32():
    argument, weight = torch.randn(4, 3), torch.randn(3, 3, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        results = side_by_side([Job(lambda tensor: tensor @ weight, argument, (weight,))] * 2)
    assert {result.dtype for result in results} == {torch.bfloat16}
    sum(results).float().sum().backward()
    expected = 2 * argument.sum(0).unsqueeze(1).expand(3, 3)
    torch.testing.assert_close(weight.grad, expected, rtol=2e-2, atol=2e-2)


# TaskErrors


class JobError(Exception):
    pass


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("mode", [nullcontext, torch.no_grad])
def test_an_exception_in_a_task_reaches_the_caller_as_it_is(mode, number, threads):
    threads(number)
    mistake = JobError("in the second job")

    def fail(_argument):
        raise mistake

    argument = torch.ones(2, requires_grad=True)
    jobs = [Job(function, argument, ()) for function in (torch.exp, fail, torch.exp)]
    with mode(), pytest.raises(JobError) as caught:
        side_by_side(jobs)
    assert caught.value is mistake
    assert seen_by_tasks(lambda: 1) == [1] * 4  # and the threads go on


@pytest.mark.parametrize("number", [1, 2])
def test_an_exception_in_a_backward_pass_reaches_the_caller_as_it_is(number, threads):
    threads(number)

    class Failing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, tensor):
            return tensor.clone()

        @staticmethod
        def backward(ctx, gradient):
            raise JobError("in a backward pass")

    results = side_by_side([Job(Failing.apply, torch.ones(2, requires_grad=True), ())] * 2)
    with pytest.raises(JobError, match="in a backward pass"):
        torch.cat(results).sum().backward()
