"""Independent computations on a core each, differentiable.

A recurrent step is a chain of small operations. Spread over several cores, each operation waits for the slowest
of them; given a core of its own, a whole chain waits for nobody, and its weights stay in that core's cache. The
framework splits operations, so this splits the work: each job runs on one thread, forward and backward.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from threading import Barrier
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


@dataclass(frozen=True)
class Job:
    """A function of one tensor, and the parameters that it uses."""

    function: Callable[[Tensor], Tensor]
    argument: Tensor
    parameters: Sequence[nn.Parameter]


def divisible(tensor: Tensor) -> bool:
    """Whether to divide a computation into jobs: not on a device that wants all of it at once."""
    return tensor.device.type == "cpu"


def side_by_side(jobs: Sequence[Job]) -> list[Tensor]:
    """Return each job's result. As many run at once as torch may use threads; results don't depend on how many.

    A single job, and jobs where nothing is to be divided, run in the caller's thread as any computation would.
    """
    if len(jobs) == 1 or not divisible(jobs[0].argument):
        return [job.function(job.argument) for job in jobs]
    if torch.is_grad_enabled():
        inputs = [tensor for job in jobs for tensor in (job.argument, *job.parameters)]
        return list(_SideBySide.apply(jobs, *inputs))  # type: ignore[no-untyped-call]
    return _each(lambda job: job.function(job.argument), jobs)


class _SideBySide(torch.autograd.Function):
    """Keeps each job's own graph from the forward to the backward pass."""

    @staticmethod
    def forward(ctx: Any, jobs: Sequence[Job], *_inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.graphs = _each(_with_graph, jobs)
        results = [(result.detach(), result.requires_grad) for _, result in ctx.graphs]
        ctx.mark_non_differentiable(*[result for result, wanted in results if not wanted])
        return tuple(result for result, _ in results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *arrived: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.graphs is None:
            raise RuntimeError(
                "trying to go backward through these jobs a second time: the first freed their graphs"
            )
        gradients = _each(_gradients, list(zip(ctx.graphs, arrived, strict=True)))
        ctx.graphs = None
        return (None, *[gradient for found in gradients for gradient in found])


Graph = tuple[list[Tensor], Tensor]  # what a job's result is a function of, and that result


def _with_graph(job: Job) -> Graph:
    with torch.enable_grad():
        argument = job.argument.detach().requires_grad_(job.argument.requires_grad)
        return [argument, *job.parameters], job.function(argument)


def _gradients(graph_and_arrived: tuple[Graph, Tensor]) -> list[Tensor | None]:
    (inputs, result), arrived = graph_and_arrived
    wanted = [tensor for tensor in inputs if tensor.requires_grad]
    if not result.requires_grad:
        return [None] * len(inputs)
    found = iter(torch.autograd.grad(result, wanted, arrived))
    return [next(found) if tensor.requires_grad else None for tensor in inputs]


def _each(function: Callable[[Any], Any], arguments: Iterable[Any]) -> list[Any]:
    """Map over the pool; the modes that torch keeps by thread go along."""
    modes = (
        partial(torch.inference_mode, torch.is_inference_mode_enabled()),
        partial(torch.set_grad_enabled, torch.is_grad_enabled()),
        partial(torch.autocast, "cpu", torch.get_autocast_dtype("cpu"), torch.is_autocast_enabled("cpu")),
    )

    def in_modes(argument: Any) -> Any:
        with ExitStack() as stack:
            for mode in modes:
                stack.enter_context(mode())
            return function(argument)

    threads = torch.get_num_threads()
    return list(map(in_modes, arguments) if threads == 1 else _pool(threads).map(in_modes, arguments))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return a pool whose threads compute on one core each."""
    everyone = Barrier(threads + 1)

    def begin() -> None:
        torch.get_num_threads()  # a thread's first look at its number would undo one that was set before
        torch.set_num_threads(1)
        everyone.wait()

    pool = ThreadPoolExecutor(threads, "side-by-side", initializer=begin)
    for _ in range(threads):
        pool.submit(lambda: None)
    everyone.wait()
    # Each of them also set what torch tells threads that begin later
    torch.set_num_threads(threads)
    return pool
