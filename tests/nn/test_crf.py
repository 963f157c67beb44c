import itertools

import pytest
import torch
import torchcrf
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from carousel.nn.crf import CRF, Allowed

all_lengths = st.lists(st.integers(1, 5), min_size=1, max_size=4)
sizes = st.integers(1, 4)  # K
extras = st.integers(0, 2)  # time steps of padding
seeds = st.integers(0, 2**31)
few = settings(max_examples=30, deadline=None)
exactly = {"rtol": 1e-10, "atol": 1e-10}


def made(size, seed=0, dtype=torch.float64, scale=1.0):
    torch.manual_seed(seed)
    crf = CRF(size).to(dtype)
    for parameter in crf.parameters():
        nn.init.normal_(parameter, std=scale)
    return crf


def batch(crf, lengths, extra=0, scale=1.0):
    """Return random emissions, lengths and tags."""
    lengths = torch.tensor(lengths)
    shape, size = (len(lengths), int(lengths.max()) + extra), len(crf.start)
    emissions = torch.randn(*shape, size, dtype=crf.start.dtype) * scale
    return emissions.requires_grad_(), lengths, torch.randint(size, shape)


def score(crf, emissions, tags):
    """s(y), (S,), of sequences (S, T) of one sentence's tags, as the class defines it; emissions (T, K)."""
    words = emissions[torch.arange(tags.shape[1]), tags].sum(1)
    return words + crf.transitions[tags[:, :-1], tags[:, 1:]].sum(1) + crf.start[tags[:, 0]] + crf.end[tags[:, -1]]


def sequences(size, length):
    """Return all sequences of tags, (S, length)."""
    return torch.tensor(list(itertools.product(range(size), repeat=length)))


def enumerated(crf, emissions, lengths):
    """Yield all tag sequences of each sentence (S, length) and their scores (S,)."""
    for sentence, length in zip(emissions, lengths.tolist(), strict=True):
        tags = sequences(len(crf.start), length)
        yield tags, score(crf, sentence[:length], tags)


def score_of_each(crf, emissions, lengths, tags):
    """Return s(y), (B,), of a batch's tags (B, T)."""
    each = zip(emissions, tags, lengths.tolist(), strict=True)
    return torch.cat([score(crf, sentence[:length], own[None, :length]) for sentence, own, length in each])


def log_partition_by_enumeration(crf, emissions, lengths):
    return torch.stack([scores.logsumexp(0) for _, scores in enumerated(crf, emissions, lengths)])


def log_partition_in_log_space(crf, emissions, lengths):
    """The forward algorithm with logsumexp, a sentence at a time."""
    found = []
    for sentence, length in zip(emissions, lengths.tolist(), strict=True):
        alpha = crf.start + sentence[0]
        for emission in sentence[1:length]:
            alpha = (alpha.unsqueeze(1) + crf.transitions).logsumexp(0) + emission
        found.append((alpha + crf.end).logsumexp(0))
    return torch.stack(found)


def gradients(results, crf, emissions, seed=0):
    """Return those of a random linear combination of results (B,)."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(len(results), generator=generator, dtype=torch.float64).to(results.dtype)
    inputs = [emissions, *crf.parameters()]
    return torch.autograd.grad((results * weights).sum(), inputs, materialize_grads=True)


def oracle(crf):
    """pytorch-crf with the same scores."""
    other = torchcrf.CRF(len(crf.start), batch_first=True).to(crf.start.dtype)
    with torch.no_grad():
        other.transitions.copy_(crf.transitions)
        other.start_transitions.copy_(crf.start)
        other.end_transitions.copy_(crf.end)
    return other


# Enumeration of all tag sequences


@given(size=sizes, lengths=all_lengths, extra=extras, seed=seeds)
@few
def test_log_z_and_its_gradients_are_those_of_all_tag_sequences(size, lengths, extra, seed):
    crf = made(size, seed)
    emissions, lengths, _ = batch(crf, lengths, extra)
    found, expected = crf.log_partition(emissions, lengths), log_partition_by_enumeration(crf, emissions, lengths)
    torch.testing.assert_close(found, expected, **exactly)
    for one, other in zip(gradients(found, crf, emissions), gradients(expected, crf, emissions), strict=True):
        torch.testing.assert_close(one, other, **exactly)


@given(size=sizes, lengths=all_lengths, extra=extras, seed=seeds)
@few
def test_the_likelihood_is_the_fraction_of_all_tag_sequences(size, lengths, extra, seed):
    crf = made(size, seed)
    emissions, lengths, tags = batch(crf, lengths, extra)
    scores = score_of_each(crf, emissions, lengths, tags)
    expected = scores - log_partition_by_enumeration(crf, emissions, lengths)
    found = crf.log_likelihood(emissions, lengths, tags)
    torch.testing.assert_close(found, expected, **exactly)
    for one, other in zip(gradients(found, crf, emissions), gradients(expected, crf, emissions), strict=True):
        torch.testing.assert_close(one, other, **exactly)


@given(size=sizes, length=st.integers(1, 4), seed=seeds)
@few
def test_the_likelihoods_of_all_tag_sequences_sum_to_one(size, length, seed):
    crf = made(size, seed)
    tags = sequences(size, length)
    emissions, lengths, _ = batch(crf, [length])
    found = crf.log_likelihood(emissions.expand(len(tags), -1, -1), lengths.expand(len(tags)), tags)
    torch.testing.assert_close(found.logsumexp(0), torch.zeros((), dtype=torch.float64), **exactly)


@given(size=sizes, lengths=all_lengths, extra=extras, seed=seeds)
@few
def test_marginals_are_the_fractions_of_all_tag_sequences(size, lengths, extra, seed):
    crf = made(size, seed)
    emissions, lengths, _ = batch(crf, lengths, extra)
    expected = torch.zeros_like(emissions)
    for i, (tags, scores) in enumerate(enumerated(crf, emissions, lengths)):
        one_hot = nn.functional.one_hot(tags, size).double()  # (sequences, T, K)
        expected[i, : lengths[i]] = torch.einsum("s,stk->tk", scores.softmax(0), one_hot)
    torch.testing.assert_close(crf.marginals(emissions, lengths), expected, **exactly)


@given(size=sizes, lengths=all_lengths, extra=extras, seed=seeds)
@few
def test_decoding_finds_the_best_of_all_tag_sequences(size, lengths, extra, seed):
    crf = made(size, seed)
    emissions, lengths, _ = batch(crf, lengths, extra)
    found, best = crf.decode(emissions, lengths)
    assert found.shape == emissions.shape[:2]
    for i, (tags, scores) in enumerate(enumerated(crf, emissions, lengths)):
        assert torch.equal(found[i, : lengths[i]], tags[scores.argmax()])
        assert not found[i, lengths[i] :].any()
        torch.testing.assert_close(best[i], scores.max(), **exactly)


# Identities on longer sentences


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8), seed=seeds, size=st.integers(1, 20))
@few
def test_results_and_gradients_are_those_of_log_space(lengths, seed, size):
    crf = made(size, seed)
    emissions, lengths, _ = batch(crf, lengths, scale=3)
    found, expected = crf.log_partition(emissions, lengths), log_partition_in_log_space(crf, emissions, lengths)
    torch.testing.assert_close(found, expected, **exactly)
    for one, other in zip(gradients(found, crf, emissions), gradients(expected, crf, emissions), strict=True):
        torch.testing.assert_close(one, other, **exactly)


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8), extra=extras, seed=seeds)
@few
def test_marginals_are_the_gradient_of_log_z_and_sum_to_one(lengths, extra, seed):
    crf = made(6, seed, torch.float32)
    emissions, lengths, _ = batch(crf, lengths, extra)
    found = crf.marginals(emissions, lengths)
    (expected,) = torch.autograd.grad(crf.log_partition(emissions, lengths).sum(), emissions)
    torch.testing.assert_close(found, expected)
    inside = (torch.arange(emissions.shape[1]) < lengths.unsqueeze(1)).float()
    torch.testing.assert_close(found.sum(2), inside, rtol=0, atol=1e-5)


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8), extra=extras, seed=seeds)
@few
def test_the_best_score_is_that_of_its_own_tags_and_not_below_others(lengths, extra, seed):
    crf = made(6, seed)
    emissions, lengths, _ = batch(crf, lengths, extra)
    tags, best = crf.decode(emissions, lengths)
    log_z = crf.log_partition(emissions, lengths)
    torch.testing.assert_close(best - log_z, crf.log_likelihood(emissions, lengths, tags), **exactly)
    for other in (torch.randint(6, tags.shape), crf.marginals(emissions, lengths).argmax(2)):
        assert (crf.log_likelihood(emissions, lengths, other) <= best - log_z + 1e-9).all()


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8), extra=extras, seed=seeds)
@few
def test_a_sentence_alone_has_what_it_has_in_a_batch(lengths, extra, seed):
    crf = made(6, seed)
    emissions, lengths, tags = batch(crf, lengths, extra)
    likelihoods, marginals = crf.log_likelihood(emissions, lengths, tags), crf.marginals(emissions, lengths)
    best, scores = crf.decode(emissions, lengths)
    for i, length in enumerate(lengths):
        own = emissions[i : i + 1, :length], lengths[i : i + 1]
        alone = crf.log_likelihood(*own, tags[i : i + 1, :length])
        torch.testing.assert_close(alone, likelihoods[i : i + 1], **exactly)
        torch.testing.assert_close(crf.marginals(*own), marginals[i : i + 1, :length], **exactly)
        best_alone, score_alone = crf.decode(*own)
        assert torch.equal(best_alone, best[i : i + 1, :length])
        torch.testing.assert_close(score_alone, scores[i : i + 1], **exactly)


@pytest.mark.parametrize("size", [2, 9, 40])
def test_results_are_those_of_pytorch_crf(size):
    crf = made(size, dtype=torch.float32)
    emissions, lengths, tags = batch(crf, [7, 40, 1, 23, 23], extra=2)
    other, mask = oracle(crf), torch.arange(42) < lengths.unsqueeze(1)
    found = crf.log_likelihood(emissions, lengths, tags)
    expected = other(emissions, tags, mask, reduction="none")
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)
    own = torch.autograd.grad(found.sum(), [emissions, crf.transitions, crf.start, crf.end])
    theirs = torch.autograd.grad(
        expected.sum(), [emissions, other.transitions, other.start_transitions, other.end_transitions]
    )
    for one, another in zip(own, theirs, strict=True):
        torch.testing.assert_close(one, another, rtol=1e-4, atol=1e-4)
    best, _ = crf.decode(emissions, lengths)
    assert [row[:length].tolist() for row, length in zip(best, lengths, strict=True)] == other.decode(
        emissions, mask
    )


# Gradients


@pytest.mark.parametrize("lengths", [[1], [1, 1], [3, 1, 4]])
@pytest.mark.parametrize("size", [1, 3])
def test_gradients_are_those_of_finite_differences(size, lengths):
    crf = made(size)
    emissions, lengths, tags = batch(crf, lengths, extra=1)

    def likelihood(emissions, *_parameters):
        return crf.log_likelihood(emissions, lengths, tags)

    assert torch.autograd.gradcheck(likelihood, (emissions, *crf.parameters()))


def test_a_second_derivative_is_refused():
    crf = made(3)
    emissions, lengths, _ = batch(crf, [4])
    squared = crf.log_partition(emissions, lengths).square().sum()
    (first,) = torch.autograd.grad(squared, emissions, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_going_backward_twice_gives_the_same():
    crf = made(3)
    emissions, lengths, tags = batch(crf, [4, 2])
    found = crf.log_likelihood(emissions, lengths, tags).sum()
    inputs = [emissions, *crf.parameters()]
    for one, other in zip(
        torch.autograd.grad(found, inputs, retain_graph=True), torch.autograd.grad(found, inputs), strict=True
    ):
        assert torch.equal(one, other)


def test_parameters_begin_at_zero_where_tags_are_independent():
    crf = CRF(4)
    emissions, lengths, tags = batch(crf, [5, 5])
    expected = emissions.log_softmax(2).gather(2, tags.unsqueeze(2)).squeeze(2).sum(1)
    torch.testing.assert_close(crf.log_likelihood(emissions, lengths, tags), expected)
    assert torch.equal(crf.decode(emissions, lengths)[0], emissions.argmax(2))


# Padding


@given(
    lengths=all_lengths, extra=extras, seed=seeds, value=st.sampled_from([float("nan"), float("inf"), -1e30, 7.0])
)
@few
def test_padding_changes_nothing_whatever_its_values(lengths, extra, seed, value):
    crf = made(3, seed, torch.float32)
    emissions, lengths, tags = batch(crf, lengths, extra)
    padding = torch.arange(emissions.shape[1]) >= lengths.unsqueeze(1)
    filled = emissions.detach().masked_fill(padding.unsqueeze(2), value).requires_grad_()
    arguments = (emissions, lengths, tags), (filled, lengths, tags.masked_fill(padding, -100))
    found, expected = (crf.log_likelihood(*each) for each in arguments)
    assert torch.equal(found, expected)
    own = gradients(expected, crf, filled)
    for one, other in zip(gradients(found, crf, emissions), own, strict=True):
        assert torch.equal(one, other)
    assert not own[0][padding].any()
    for method in (crf.marginals, crf.log_partition):
        assert torch.equal(method(filled, lengths), method(emissions, lengths))
    for one, other in zip(crf.decode(filled, lengths), crf.decode(emissions, lengths), strict=True):
        assert torch.equal(one, other)


# Constraints

BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def bio():
    """I-X follows only B-X or I-X."""
    kinds = [tag[2:] for tag in BIO]
    inside = torch.tensor([tag.startswith("I") for tag in BIO])
    same = torch.tensor([[one == other for other in kinds] for one in kinds])
    return Allowed(transitions=~inside | same, start=~inside, end=torch.ones(len(BIO), dtype=torch.bool))


def permitted(tags, allowed):
    pairs = all(allowed.transitions[one, other] for one, other in itertools.pairwise(tags))
    return bool(pairs and allowed.start[tags[0]] and allowed.end[tags[-1]])


@given(lengths=st.lists(st.integers(1, 4), min_size=1, max_size=3), extra=extras, seed=seeds)
@few
def test_constrained_decoding_finds_the_best_of_the_permitted_tag_sequences(lengths, extra, seed):
    crf, allowed = made(len(BIO), seed, scale=2.0), bio()
    emissions, lengths, _ = batch(crf, lengths, extra)
    found, best = crf.decode(emissions, lengths, allowed)
    for i, (tags, scores) in enumerate(enumerated(crf, emissions, lengths)):
        kept = torch.tensor([permitted(each, allowed) for each in tags.tolist()])
        assert torch.equal(found[i, : lengths[i]], tags[kept][scores[kept].argmax()])
        torch.testing.assert_close(best[i], scores[kept].max(), **exactly)


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5), seed=seeds)
@few
def test_no_decoded_sentence_violates_a_constraint(lengths, seed):
    crf, allowed = made(len(BIO), seed, torch.float32), bio()
    emissions, lengths, _ = batch(crf, lengths, scale=10)
    found, best = crf.decode(emissions, lengths, allowed)
    assert all(permitted(tags[:length].tolist(), allowed) for tags, length in zip(found, lengths, strict=True))
    assert (best <= crf.decode(emissions, lengths)[1]).all()


def test_the_score_is_minus_infinity_where_no_tags_are_permitted():
    crf = made(2)
    emissions, lengths, _ = batch(crf, [1, 2, 3])
    alternating = Allowed(
        transitions=torch.tensor([[False, True], [True, False]]),
        start=torch.tensor([True, False]),
        end=torch.tensor([True, False]),
    )
    tags, best = crf.decode(emissions, lengths, alternating)
    assert best.isneginf().tolist() == [False, True, False]
    assert tags[2].tolist() == [0, 1, 0]


# Range and precision


@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    seed=seeds,
    emission=st.sampled_from([1.0, 100.0, 1e4]),
    transition=st.sampled_from([5.0, 17.0, 100.0]),
    end=st.sampled_from([1.0, 1e4]),
)
@settings(max_examples=60, deadline=None)
def test_extreme_scores_have_the_likelihood_of_log_space(lengths, seed, emission, transition, end):
    crf = made(5, seed, torch.float32)
    nn.init.uniform_(crf.transitions, -transition, transition)
    nn.init.uniform_(crf.start, -end, end)
    nn.init.uniform_(crf.end, -end, end)
    emissions, lengths, _ = batch(crf, lengths)
    emissions = (emissions.detach().sign() * emission * torch.rand_like(emissions).round()).requires_grad_()
    tags, _ = crf.decode(emissions, lengths)
    found = crf.log_likelihood(emissions, lengths, tags)
    assert found.dtype is torch.float32
    own = gradients(found, crf, emissions)
    wide = made(5).double()
    wide.load_state_dict(crf.state_dict())
    exact = emissions.detach().double().requires_grad_()
    expected = score_of_each(wide, exact, lengths, tags) - log_partition_in_log_space(wide, exact, lengths)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-2 if end > 1 else 1e-3)
    for one, other in zip(own, gradients(expected, wide, exact), strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-2, atol=1e-2 if end > 1 else 1e-3)


def test_a_path_that_only_the_next_tag_makes_probable_is_not_lost_to_underflow():
    """At the second word, tag 2 is too improbable for fp32 until the third word is read."""
    crf = CRF(3)
    with torch.no_grad():
        crf.transitions.copy_(torch.tensor([[0.0, -70.0, 0.0], [0.0, 0.0, -70.0], [0.0, 0.0, 0.0]]))
    emissions = torch.tensor([[[0.0, -1e4, -1e4], [-1e4, 0.0, -104.0], [-1e4, -1e4, 0.0]]])
    found = crf.marginals(emissions, torch.tensor([3]))
    torch.testing.assert_close(found[0, 1], torch.tensor([0.0, 0.0, 1.0]))


@pytest.mark.parametrize("spread", [337.0, 1e4, float("inf")])
def test_transition_scores_out_of_range_are_refused(spread):
    crf = CRF(2)
    with torch.no_grad():
        crf.transitions[0, 1] = -spread
    arguments = torch.zeros(1, 2, 2), torch.tensor([2])
    for method in (crf.log_partition, crf.marginals):
        with pytest.raises(ValueError, match="more than 336; give constraints to `decode` instead"):
            method(*arguments)
    assert crf.decode(*arguments)[1].item() == 0


def test_nan_among_scores_becomes_the_result():
    crf = CRF(2)
    nn.init.constant_(crf.transitions, float("nan"))
    assert crf.log_partition(torch.zeros(1, 2, 2), torch.tensor([2])).isnan()


@pytest.mark.parametrize("lengths", [[0, 2], [2, 4]])
def test_lengths_out_of_range_are_refused(lengths):
    crf = CRF(2)
    with pytest.raises(ValueError, match="lengths must be from 1 to 3"):
        crf.log_partition(torch.zeros(2, 3, 2), torch.tensor(lengths))


def test_a_crf_without_tags_is_refused():
    with pytest.raises(ValueError, match="at least 1 tag, not 0"):
        CRF(0)


def test_under_autocast_results_are_those_of_fp32():
    crf = made(4, dtype=torch.float32)
    emissions, lengths, tags = batch(crf, [6, 3])
    halves = emissions.detach().bfloat16().requires_grad_()
    singles = halves.detach().float().requires_grad_()
    expected = crf.log_likelihood(singles, lengths, tags)
    marginals, best = crf.marginals(singles, lengths), crf.decode(singles, lengths)[1]
    own = gradients(expected, crf, singles)
    with torch.autocast("cpu", torch.bfloat16):
        found = crf.log_likelihood(halves, lengths, tags)
        assert found.dtype is torch.float32
        assert torch.equal(found, expected)
        assert torch.equal(crf.marginals(halves, lengths), marginals)
        assert torch.equal(crf.decode(halves, lengths)[1], best)
        for one, other in zip(gradients(found, crf, halves), own, strict=True):
            assert torch.equal(one, other.to(one.dtype))


def test_inference_mode_gives_what_training_gives():
    crf = made(4)
    emissions, lengths, tags = batch(crf, [6, 3])
    expected = crf.log_likelihood(emissions, lengths, tags), crf.log_partition(emissions, lengths)
    with torch.inference_mode():
        assert torch.equal(crf.log_likelihood(emissions, lengths, tags), expected[0])
        assert torch.equal(crf.log_partition(emissions, lengths), expected[1])
        assert crf.marginals(emissions, lengths).isfinite().all()
        assert crf.decode(emissions, lengths)[1].isfinite().all()
