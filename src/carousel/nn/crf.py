"""Linear-chain conditional random fields (Lafferty et al. 2001, "Conditional random fields", section 3).

Shapes: B sentences, T time steps, K tags, N words (the sum of the lengths).

The algorithms are those for hidden Markov models in Rabiner (1989, "A tutorial on hidden Markov models"), with
exponentials of scores in place of probabilities. They run on a packed batch: padding is never read, and time steps
need no mask.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from carousel.nn.packing import Packing


class Allowed(NamedTuple):
    """Boolean masks of what a tagging scheme permits.

    Attributes:
        transitions: (K, K), from a tag to the next one.
        start: (K,), tags of a first word.
        end: (K,), tags of a last word.
    """

    transitions: Tensor
    start: Tensor
    end: Tensor

    @classmethod
    def of(cls, masks: Iterable[npt.NDArray[np.bool_]]) -> "Allowed":
        """Return the masks of arrays, in the order of the attributes."""
        return cls(*map(torch.from_numpy, masks))


class CRF(nn.Module):
    """The probability of a sequence of tags y, given emission scores e.

        s(y) = start[y_1] + Σ_t e_t[y_t] + Σ_t transitions[y_t, y_{t+1}] + end[y_T]
        p(y) = exp s(y) / Z,  Z = Σ_y' exp s(y')

    Parameters are initialized to 0, so that p is a product of softmaxes before training. Computation is in fp32 or
    fp64, also under autocast.

    Constraints of a tagging scheme are an argument of `decode`, not large negative transition scores, which would
    underflow; `log_partition` says at which limit.

    Args:
        tags: K.

    Attributes:
        transitions: (K, K), from a tag to the next one.
        start: (K,).
        end: (K,).
    """

    def __init__(self, tags: int) -> None:
        super().__init__()
        if tags < 1:
            raise ValueError(f"a CRF needs at least 1 tag, not {tags}")
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.start = nn.Parameter(torch.zeros(tags))
        self.end = nn.Parameter(torch.zeros(tags))

    def log_likelihood(self, emissions: Tensor, lengths: Tensor, tags: Tensor) -> Tensor:
        """Return log p(y), (B,), differentiable once.

        Args:
            emissions: (B, T, K), any values at padding.
            lengths: (B,), each from 1 to T.
            tags: y, (B, T), any values at padding.

        Raises:
            ValueError: as in `log_partition`.
        """
        packing = Packing.of(lengths, emissions.shape[1])
        scores, _ = self._centered(emissions, packing)  # (N, K)
        y = packing.pack(tags)  # (N,)
        pairs = y[packing.previous] * len(self.start) + y[packing.batch :]  # (N - B,)
        pair_scores = self.transitions.flatten().index_select(0, pairs).to(scores.dtype)
        path = scores.gather(1, y.unsqueeze(1)).squeeze(1) + nn.functional.pad(pair_scores, (packing.batch, 0))
        return packing.total(path) - _log_partition(scores, self.transitions, packing)

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return log Z, (B,), differentiable once.

        Args:
            emissions: (B, T, K), any values at padding.
            lengths: (B,), each from 1 to T.

        Raises:
            ValueError: a length is not from 1 to T, or two transition scores differ by more than 336. A difference
                of more than 35 switches computation to fp64.
        """
        packing = Packing.of(lengths, emissions.shape[1])
        scores, largest = self._centered(emissions, packing)
        return packing.total(largest) + _log_partition(scores, self.transitions, packing)

    @torch.no_grad()
    def marginals(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return p(y_t = k), (B, T, K), 0 at padding and without gradient; arguments as of `log_partition`."""
        packing = Packing.of(lengths, emissions.shape[1])
        scores, _ = self._centered(emissions, packing)
        dtype = _sufficient_dtype(scores.dtype, self.transitions)
        alphas, sums, weights, factors = _forward(scores.to(dtype), self.transitions.to(dtype), packing)
        betas, _ = _backward(sums, weights, factors, packing)
        return packing.unpack((alphas * betas).to(scores.dtype))

    @torch.no_grad()
    def decode(self, emissions: Tensor, lengths: Tensor, allowed: Allowed | None = None) -> tuple[Tensor, Tensor]:
        """Return the y of the largest s(y), (B, T), 0 at padding, and its s(y), (B,).

        The Viterbi algorithm, Rabiner's equations 32 to 35. Equation 33b, the best predecessor, is computed for the
        tags of the best path only, on the way back.

        Args:
            emissions: (B, T, K), any values at padding.
            lengths: (B,), each from 1 to T.
            allowed: s(y) is minus infinity for every y that violates these masks.

        Raises:
            ValueError: a length is not from 1 to T.
        """
        packing = Packing.of(lengths, emissions.shape[1])
        transitions, start, end = self._constrained(allowed)
        scores = _with_ends(emissions, start, end, packing)  # (N, K), δ after the loop
        delta = packing.split(scores)
        for t, size in enumerate(packing.sizes[1:], start=1):
            delta[t].add_((delta[t - 1][:size].unsqueeze(2) + transitions).amax(1))
        best, tag = scores[packing.last].max(1)  # (B,), longest sentence first
        path = torch.empty_like(packing.rows)  # (N,)
        tags = packing.split(path)
        for t in range(len(tags) - 1, 0, -1):
            size = packing.sizes[t]
            tags[t].copy_(tag[:size])
            tag[:size] = (delta[t - 1][:size] + transitions.t()[tags[t]]).argmax(1)
        tags[0].copy_(tag)
        return packing.unpack(path), torch.empty_like(best).index_copy_(0, packing.order, best)

    def _constrained(self, allowed: Allowed | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return transitions, start and end, minus infinity where not allowed."""
        scores = (self.transitions, self.start, self.end)
        if allowed is None:
            return scores
        transitions, start, end = (
            s.masked_fill(~mask, -torch.inf) for s, mask in zip(scores, allowed, strict=True)
        )
        return transitions, start, end

    def _centered(self, emissions: Tensor, packing: Packing) -> tuple[Tensor, Tensor]:
        """Return scores (N, K), start and end included, relative to each word's largest, and the largest (N,)."""
        scores = _with_ends(emissions, self.start, self.end, packing)
        largest = scores.detach().amax(1)  # a constant, because it cancels out
        return scores - largest.unsqueeze(1), largest


def _with_ends(emissions: Tensor, start: Tensor, end: Tensor, packing: Packing) -> Tensor:
    """Return emissions, packed (N, K), plus start scores at first words and end scores at last words."""
    packed = packing.pack(emissions)
    packed = packed.to(torch.promote_types(torch.promote_types(packed.dtype, start.dtype), torch.float32))
    first = torch.arange(packing.batch, device=packed.device)
    ends = torch.stack([start, end]).to(packed.dtype).repeat_interleave(packing.batch, 0)  # (2 * B, K)
    return packed.index_add(0, torch.cat([first, packing.last]), ends)


def _sufficient_dtype(dtype: torch.dtype, transitions: Tensor) -> torch.dtype:
    """Return `dtype`, or fp64 if `transitions` differ too much for it.

    Let d be the largest difference. In the notation of `_forward`, c_t is at least e^-d, because the largest w_t
    is 1. So an α_t that underflows is less than tiny * e^d, and the tags after t multiply that by e^d at most. The
    error of a probability is less than eps if tiny * e^2d < eps.
    """
    smallest, largest = transitions.detach().aminmax()
    difference = float(largest - smallest)
    limit = 0.0
    for sufficient in (dtype, torch.float64):
        limits = torch.finfo(sufficient)
        limit = math.log(limits.eps / limits.tiny) / 2
        if not difference > limit:  # NaN is no reason to raise here: it becomes the result
            return sufficient
    raise ValueError(
        f"transition scores differ by {difference:.0f}, more than {limit:.0f}; give constraints to `decode` instead"
    )


def _log_partition(scores: Tensor, transitions: Tensor, packing: Packing) -> Tensor:
    """Return log Z (B,) of centered scores (N, K)."""
    dtype = _sufficient_dtype(scores.dtype, transitions)
    log_z: Tensor = _LogPartition.apply(scores.to(dtype), transitions.to(dtype), packing)  # type: ignore[no-untyped-call]
    return log_z.to(scores.dtype)


class _LogPartition(torch.autograd.Function):
    """log Z, whose gradient is the expectation of what a score is multiplied by: probabilities of tags and pairs.

    γ_t(i) = α_t(i) β_t(i) and ξ_t(i, j) = α_t(i) A(i, j) u_{t+1}(j), Rabiner's equations 27 and 37, in the notation
    of `_forward` and `_backward`. The sum of ξ over t and sentences is a single matrix product. Autocast does not
    apply to products with `out`.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, transitions: Tensor, packing: Packing) -> Tensor:
        alphas, sums, weights, factors = _forward(scores, transitions, packing)
        ctx.save_for_backward(alphas, sums, weights, factors)
        ctx.packing = packing
        logs = sums.log().squeeze(1)
        logs[packing.batch :] += transitions.max()
        return packing.total(logs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, arrived: Tensor) -> tuple[Tensor, Tensor, None]:
        packing: Packing = ctx.packing
        alphas, sums, weights, factors = ctx.saved_tensors
        betas, messages = _backward(sums, weights, factors, packing)
        arrived = arrived[packing.sequence].unsqueeze(1)  # (N, 1)
        messages = messages[packing.batch :].mul_(arrived[packing.batch :])
        previous = alphas.index_select(0, packing.previous)  # (N - B, K)
        pairs = torch.mm(previous.t(), messages, out=torch.empty_like(factors))
        return betas.mul_(alphas).mul_(arrived), pairs.mul_(factors), None


def _forward(scores: Tensor, transitions: Tensor, packing: Packing) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return α (N, K), c (N, 1), w (N, K) and A (K, K) of centered scores.

    Scaled as in Rabiner's section V.A, equation 91, but for c, which is the reciprocal of that one. With
    w = exp(scores) and A = exp(transitions - max transitions):

        α_t(j) = Σ_i α_{t-1}(i) A(i, j) w_t(j) / c_t,  c_t such that Σ_j α_t(j) = 1
        log Z = Σ_t log c_t + (T - 1) max transitions
    """
    weights = scores.exp()
    factors = (transitions - transitions.max()).exp()
    alphas, sums = torch.empty_like(weights), weights.new_empty(len(weights), 1)
    w, alpha, c = packing.split(weights), packing.split(alphas), packing.split(sums)
    for t, size in enumerate(packing.sizes):
        if t == 0:
            alpha[t].copy_(w[t])
        else:
            torch.mm(alpha[t - 1][:size], factors, out=alpha[t]).mul_(w[t])
        torch.sum(alpha[t], 1, keepdim=True, out=c[t])
        alpha[t].div_(c[t])
    return alphas, sums, weights, factors


def _backward(sums: Tensor, weights: Tensor, factors: Tensor, packing: Packing) -> tuple[Tensor, Tensor]:
    """Return β (N, K) and u (N, K), whose first B rows are without meaning.

    Rabiner's equations 24 and 25, with u_t(j) = w_t(j) β_t(j) / c_t, so that Σ_i α_t(i) β_t(i) = 1:

        β_T(i) = 1,  β_t(i) = Σ_j A(i, j) u_{t+1}(j)
    """
    betas, messages = torch.ones_like(weights), weights / sums
    beta, u = packing.split(betas), packing.split(messages)
    for t in range(len(beta) - 1, 0, -1):
        u[t].mul_(beta[t])
        torch.mm(u[t], factors.t(), out=beta[t - 1][: packing.sizes[t]])
    return betas, messages
