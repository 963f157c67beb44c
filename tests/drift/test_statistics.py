import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from carousel.drift import statistics
from tests.support.profiles import profile_of

histograms = st.integers(1, 30).flatmap(
    lambda bins: st.lists(st.lists(st.integers(0, 500), min_size=bins, max_size=bins), min_size=2, max_size=2)
)


@given(histograms)
def test_the_index_is_symmetric_and_zero_for_equal_histograms(counts):
    one, other = np.array(counts, float)
    assert statistics.psi(one, other) == pytest.approx(statistics.psi(other, one))
    assert statistics.psi(one, other) >= 0
    assert statistics.psi(one, one) == 0


@given(histograms)
def test_bins_are_joined_in_order_until_pearsons_rule_holds(counts):
    found = np.array(counts, float)
    groups = statistics.groups(found)
    assert [i for group in groups for i in range(found.shape[1])[group]] == list(range(found.shape[1]))
    smaller = found.sum(1).min() / max(found.sum(), 1)
    expected = [found[:, group].sum() * smaller for group in groups]
    assert len(groups) == 1 or min(expected) >= statistics.MIN_EXPECTED - 1e-9


@given(histograms)
def test_the_p_value_is_that_of_scipys_contingency_table(counts):
    found = np.array(counts, float)
    found = np.stack([found[:, group].sum(1) for group in statistics.groups(found)], 1)
    expected = 1.0 if found.shape[1] < 2 else chi2_contingency(found, correction=False).pvalue
    assert statistics.homogeneity(found) == pytest.approx(expected)


def test_by_chance_the_index_is_what_equal_distributions_give_on_average():
    random, p = np.random.default_rng(0), [0.4, 0.3, 0.2, 0.1]
    samples = [(random.multinomial(500, p), random.multinomial(200, p)) for _ in range(500)]
    mean = np.mean([statistics.psi(one, other) for one, other in samples])
    assert mean == pytest.approx(statistics.psi_by_chance(np.array(samples[0], float)), rel=0.1)


def test_one_token_an_example_gives_the_usual_test_of_two_proportions():
    one = profile_of([(1, 1, (), 1.0)] * 30 + [(1, 0, (), 1.0)] * 70)
    rate = 0.25
    assert statistics.unknown_variance(one, rate) == pytest.approx(
        (30 * (1 - rate) ** 2 + 70 * rate**2) / 100**2  # the usual p (1 - p) / n where the rate is the sample's
    )
    assert statistics.unknown_variance(one, 0.3) == pytest.approx(0.3 * 0.7 / 100)
    assert statistics.two_proportions(1.959964, 1.0) == pytest.approx(0.05, abs=1e-6)
    assert statistics.two_proportions(0.0, 0.0) == 1.0


def test_alike_tokens_of_an_example_count_once():
    single = profile_of([(1, i % 4 == 0, (), 1.0) for i in range(100)])
    repeated = profile_of([(20, 20 * (i % 4 == 0), (), 1.0) for i in range(100)])
    assert statistics.unknown_variance(repeated, 0.25) == pytest.approx(statistics.unknown_variance(single, 0.25))
