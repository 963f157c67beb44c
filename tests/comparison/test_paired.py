import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from carousel.comparison.paired import Comparison, compare, holm, mcnemar, p_value, points
from carousel.comparison.scoring import ClassScores, Statistics
from carousel.corpus.lengths import NAMES, bucket
from carousel.metric import Metric
from carousel.tasks.classification.scores import scores
from tests.support.predictions import TASK, planned

LABELS = ("markup", "numeric", "files")


def answered(random, count, right_a, right_b, classes=3):
    """Return targets and two models' labels, each right with its own probability, and lengths."""
    targets = random.integers(0, classes, count)

    def prediction(right):
        wrong = (targets + random.integers(1, classes, count)) % classes
        return np.where(random.random(count) < right, targets, wrong)

    return targets, prediction(right_a), prediction(right_b), random.integers(1, 300, count)


def compared(targets, a, b, lengths, *, labels=LABELS, **options) -> Comparison:
    one, other = (planned(labels, targets, predicted, lengths) for predicted in (a, b))
    return compare(TASK.scoring, one, other, **options)


@st.composite
def pairs(draw):
    rows = draw(st.lists(st.tuples(*[st.integers(0, 2)] * 3, st.integers(1, 3000)), min_size=1, max_size=60))
    return tuple(np.array(column) for column in zip(*rows, strict=True))


# Identities


@given(pair=pairs())
@settings(max_examples=50, deadline=None)
def test_both_models_figures_are_those_of_every_report(pair):
    targets, a, b, lengths = pair
    found = compared(*pair, resamples=10)
    for name, metric in found.metrics.items():
        assert metric.a == pytest.approx(scores(targets, a, 3)[name])
        assert metric.b == pytest.approx(scores(targets, b, 3)[name])
    assert list(found.slices) == ["label", "length"]
    assert [part.name for part in found.slices["label"]] == sorted({LABELS[i] for i in targets})
    assert [part.name for part in found.slices["length"]] == [NAMES[i] for i in sorted(set(bucket(lengths)))]
    for parts in found.slices.values():
        assert sum(part.examples for part in parts) == found.examples == len(targets)
        assert sum(part.only_a for part in parts) == found.only_a
        assert sum(part.only_b for part in parts) == found.only_b
        assert sum(part.a * part.examples for part in parts) == pytest.approx((targets == a).sum())
        assert sum(part.b * part.examples for part in parts) == pytest.approx((targets == b).sum())
    # the F1 of a label that no document has is 0
    for side, value in enumerate((found.metrics["macro_f1"].a, found.metrics["macro_f1"].b)):
        assert sum(part.f1[side] for part in found.slices["label"]) / 3 == pytest.approx(value)


@given(pair=pairs())
@settings(max_examples=50, deadline=None)
def test_exchanging_the_models_changes_signs_alone(pair):
    targets, a, b, lengths = pair
    there, back = compared(targets, a, b, lengths, resamples=50), compared(targets, b, a, lengths, resamples=50)
    for name, metric in there.metrics.items():
        mirror = back.metrics[name]
        assert (metric.low, metric.high) == pytest.approx((-mirror.high, -mirror.low))
        assert metric.difference == pytest.approx(-mirror.difference)
        assert metric.confidence() == pytest.approx(1 - mirror.confidence())
        assert metric.resampled == pytest.approx(-mirror.resampled[::-1])
    assert (there.p, there.only_a, there.only_b) == (back.p, back.only_b, back.only_a)
    assert there.agreement == back.agreement
    assert there.better == {"A": "B", "B": "A", None: None}[back.better]
    for kind, parts in there.slices.items():
        for part, mirror in zip(parts, back.slices[kind], strict=True):
            assert (part.name, part.examples, part.p) == (mirror.name, mirror.examples, mirror.p)
            assert (part.a, part.b, part.only_a, part.only_b) == (mirror.b, mirror.a, mirror.only_b, mirror.only_a)
            assert part.f1 == (mirror.f1 and mirror.f1[::-1])


@given(pair=pairs())
@settings(max_examples=20, deadline=None)
def test_a_model_does_not_differ_from_itself(pair):
    targets, a, _, lengths = pair
    found = compared(targets, a, a, lengths, resamples=20)
    for metric in found.metrics.values():
        assert (metric.difference, metric.low, metric.high, metric.confidence()) == (0, 0, 0, 0.5)
        assert not metric.resampled.any()
    assert (found.p, found.better, found.agreement) == (1, None, 1)
    assert (found.only_a, found.only_b) == (0, 0)
    assert found.verdict == f"no difference: both models predict the same for all {len(a)} documents"
    for parts in found.slices.values():
        assert all((part.p, part.difference, part.only_a, part.only_b) == (1, 0, 0, 0) for part in parts)


# The bootstrap


def plainly(targets, predicted):
    """Return accuracy and macro-F1 of three labels, a label at a time."""
    f1 = [
        2 * ((targets == k) & (predicted == k)).sum() / max((targets == k).sum() + (predicted == k).sum(), 1)
        for k in range(3)
    ]
    return (targets == predicted).mean(), sum(f1) / 3


def by_scikit_learn(targets, predicted):
    f1 = f1_score(targets, predicted, labels=range(3), average="macro", zero_division=0)
    return {"accuracy": accuracy_score(targets, predicted), "macro_f1": f1}


@given(pair=pairs(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_metrics_of_weighted_statistics_are_those_of_the_documents_drawn(pair, data):
    """Sums of statistics are sufficient: no metric needs the documents themselves."""
    targets, a, _, lengths = pair
    drawn = np.array(data.draw(st.lists(st.integers(0, len(targets) - 1), min_size=1, max_size=80)))
    predictions = planned(LABELS, targets, a, lengths)
    statistics = TASK.scoring.statistics(predictions.table, LABELS)
    weights = np.bincount(drawn, minlength=len(targets))
    found = TASK.scoring.score(weights @ statistics.rows[statistics.index], LABELS)
    assert found == pytest.approx(by_scikit_learn(targets[drawn], a[drawn]))
    assert statistics.total(weights > 0) == pytest.approx((weights > 0) @ statistics.rows[statistics.index])
    assert (statistics.correct == (targets == a)).all()


def test_each_resample_is_that_of_the_documents_drawn():
    """Every resample is drawn again from the same seed, as documents, and scored with scikit-learn."""
    targets, a, b, lengths = answered(np.random.default_rng(8), 60, 0.6, 0.7)
    found = compared(targets, a, b, lengths, resamples=300, seed=5)
    # documents of one label and one pair of predictions are alike; the kinds are in order of their first document
    kinds = list(dict.fromkeys(zip(targets, a, b, strict=True)))
    members = [np.flatnonzero((targets == t) & (a == x) & (b == y)) for t, x, y in kinds]
    fractions = np.array([len(member) for member in members]) / len(targets)
    differences = {"accuracy": [], "macro_f1": []}
    for counts in np.random.default_rng(5).multinomial(len(targets), fractions, size=300):
        drawn = np.concatenate([np.resize(member, count) for member, count in zip(members, counts, strict=True)])
        in_a, in_b = (by_scikit_learn(targets[drawn], model[drawn]) for model in (a, b))
        for name, values in differences.items():
            values.append(in_b[name] - in_a[name])
    for name, values in differences.items():
        assert found.metrics[name].resampled == pytest.approx(sorted(values), abs=1e-12)
        low, high = np.quantile(values, [0.025, 0.975])
        assert (found.metrics[name].low, found.metrics[name].high) == pytest.approx((low, high), abs=1e-12)


def test_resampled_counts_are_resampled_documents():
    """A slow loop that draws documents one by one finds the same distribution."""
    random = np.random.default_rng(1)
    targets, a, b, lengths = answered(random, 150, 0.7, 0.78)
    found = compared(targets, a, b, lengths)
    differences = {"accuracy": [], "macro_f1": []}
    for _ in range(2000):
        drawn = random.integers(0, len(targets), len(targets))
        in_a, in_b = (plainly(targets[drawn], model[drawn]) for model in (a, b))
        differences["accuracy"].append(in_b[0] - in_a[0])
        differences["macro_f1"].append(in_b[1] - in_a[1])
    for name, metric in found.metrics.items():
        # five standard errors of the loop's own quantiles, mean and spread
        spread = np.std(differences[name])
        assert metric.resampled.mean() == pytest.approx(np.mean(differences[name]), abs=5 * spread / np.sqrt(2000))
        assert metric.resampled.std() == pytest.approx(spread, rel=5 / np.sqrt(2 * 2000))
        low, high = np.quantile(differences[name], [0.025, 0.975])
        assert (metric.low, metric.high) == pytest.approx((low, high), abs=0.3 * spread)


def test_intervals_hold_the_true_difference_as_often_as_they_say():
    """400 test sets are drawn from models that differ by exactly five points of accuracy."""
    random = np.random.default_rng(0)
    held = {"accuracy": 0, "macro_f1": 0}
    for _ in range(400):
        found = compared(*answered(random, 300, 0.75, 0.80), resamples=500)
        for name, metric in found.metrics.items():
            held[name] += metric.low <= 0.05 <= metric.high  # balanced labels: macro-F1 differs as accuracy does
    for name, count in held.items():
        assert 0.91 < count / 400 < 0.985, f"{name}: {count} of 400"


def test_equal_models_are_told_apart_as_seldom_as_promised():
    random = np.random.default_rng(2)
    alarms = sum(compared(*answered(random, 300, 0.8, 0.8), resamples=500).better is not None for _ in range(300))
    assert alarms / 300 < 0.07


def test_the_same_seed_gives_the_same_figures_and_another_one_others():
    pair = answered(np.random.default_rng(3), 200, 0.7, 0.75)
    assert compared(*pair) == compared(*pair)
    assert compared(*pair, seed=1).metrics["macro_f1"] != compared(*pair).metrics["macro_f1"]


def test_confidence_falls_with_the_margin():
    metric = compared(*answered(np.random.default_rng(4), 500, 0.7, 0.75)).metrics["accuracy"]
    assert [metric.confidence(above) for above in (-1, 1)] == [1, 0]
    grid = [metric.confidence(above) for above in np.linspace(-0.2, 0.2, 41)]
    assert grid == sorted(grid, reverse=True)
    assert metric.confidence(metric.low) == pytest.approx(0.975, abs=0.02)


# McNemar and Holm


def test_mcnemar_by_hand():
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 5) == 1
    assert mcnemar(0, 5) == pytest.approx(2 / 2**5)
    assert mcnemar(1, 5) == pytest.approx(2 * (1 + 6) / 2**6)
    assert mcnemar(5, 1) == mcnemar(1, 5)


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
    assert holm(np.array([])).tolist() == []


# Verdicts


def test_a_planted_difference_is_found_in_the_right_direction_and_in_the_right_label():
    random = np.random.default_rng(5)
    targets, a, _, lengths = answered(random, 1500, 0.8, 0.8)
    b = np.where((targets == 2) & (random.random(1500) < 0.7), 2, a)  # B knows `files`, and is A elsewhere
    found = compared(targets, a, b, lengths)
    assert found.better == "B"
    assert found.verdict.startswith(
        f"B is better: {points(found.metrics['accuracy'].difference)} points of accuracy"
    )
    assert found.verdict.endswith("McNemar p < 0.001")
    assert [part.name for part in found.slices["label"] if part.p < 0.05] == ["files"]
    assert compared(targets, b, a, lengths).verdict.startswith("A is better: −")


def test_a_verdict_without_a_difference_says_what_the_data_allow():
    found = compared(*answered(np.random.default_rng(6), 400, 0.8, 0.8))
    accuracy = found.metrics["accuracy"]
    assert found.verdict == (
        f"no difference shown: {points(accuracy.difference)} points of accuracy, 95 % interval "
        f"{points(accuracy.low)} to {points(accuracy.high)}, McNemar p {p_value(found.p)}"
    )


def test_the_interval_alone_is_not_enough():
    """Five documents against none: the interval excludes zero, the exact test cannot."""
    targets = np.zeros(100, dtype=np.int64)
    a, b = targets.copy(), targets.copy()
    a[:5] = 1
    found = compared(targets, a, b, np.ones(100, dtype=np.int64))
    assert found.metrics["accuracy"].low > 0
    assert found.better is None
    assert "but close: the interval sees one, McNemar's exact test does not" in found.verdict


def test_macro_f1_that_differs_on_its_own_is_told():
    """A errs on 15 of the few, B on 15 of the many: as many documents, but not as much of a label."""
    targets = np.repeat([0, 1], [1000, 20])
    a, b = targets.copy(), targets.copy()
    a[1000:1015] = 0
    b[:15] = 1
    found = compared(targets, a, b, np.ones(1020, dtype=np.int64), labels=("many", "few"))
    assert found.better is None
    macro_f1 = found.metrics["macro_f1"]
    assert f"; but B has the better macro-F1: {points(macro_f1.difference)} points of macro-F1" in found.verdict


def test_figures_are_written_as_papers_do():
    assert [p_value(p) for p in (0.4712, 0.0299, 0.00499, 0.0004, 1.0)] == [
        "= 0.47", "= 0.030", "= 0.005", "< 0.001", "= 1.00",
    ]  # fmt: skip
    assert [points(share) for share in (0.004, -0.012, 0.0, -0.00001)] == ["+0.4", "−1.2", "0.0", "0.0"]


def test_json_is_plain_and_whole():
    found = compared(*answered(np.random.default_rng(7), 100, 0.7, 0.8), resamples=100)
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["verdict"] == found.verdict
    assert set(plain["metrics"]) == {"accuracy", "macro_f1"}
    assert plain["mcnemar"] == {"only_a": found.only_a, "only_b": found.only_b, "p": found.p}
    assert plain["documents"] == 100
    assert [part["name"] for part in plain["by_label"]] == sorted(LABELS)
    assert [part["name"] for part in plain["by_length"]] == [part.name for part in found.slices["length"]]


class Errors:
    """Another task's scoring: fewer errors are better, and a class is no set of examples."""

    metrics = (Metric("errors", "error rate", higher_is_better=False), Metric("hits", "hit rate"))
    example = "item"

    def statistics(self, table, classes):
        correct = (table["actual"] == table["predicted"]).to_numpy()
        return Statistics(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]), correct.astype(np.int64), correct)

    def score(self, sums, classes):
        return {"errors": sums[..., 1] / sums[..., 0], "hits": sums[..., 2] / sums[..., 0]}

    def by_class(self, sums, classes):
        return ClassScores("type", ("all",), np.array([sums[0]], dtype=np.int64), np.array([sums[2] / sums[0]]))

    def slicings(self, table, classes):
        return []

    def agreement(self, a, b):
        return float((a["predicted"] == b["predicted"]).mean())


def test_another_scoring_decides_by_its_own_first_metric_and_direction():
    targets = np.zeros(400, dtype=np.int64)
    a, b = (np.where(np.arange(400) < wrong, 1, 0) for wrong in (80, 20))
    one, other = (planned(LABELS, targets, predicted) for predicted in (a, b))
    found = compare(Errors(), one, other, resamples=200)
    assert found.better == "B"
    assert found.verdict.startswith("B is better: −15.0 points of error rate")
    assert compare(Errors(), other, one, resamples=200).better == "A"
    (part,) = found.slices["type"]
    assert (part.name, part.examples, part.a, part.b, part.f1) == ("all", 400, 0.8, 0.95, None)
    assert (part.only_a, part.only_b, part.p) == (None, None, None)
    plain = json.loads(json.dumps(found.to_json()))
    assert (plain["items"], list(plain["metrics"])) == (400, ["errors", "hits"])


@pytest.mark.parametrize("count", [0, 3])
def test_tables_of_other_lengths_are_refused(count):
    two, other = (planned(LABELS, [0] * length, [0] * length) for length in (2, count))
    with pytest.raises(ValueError, match="tables of one length, not empty, are needed"):
        compare(TASK.scoring, other if count == 0 else two, other)
