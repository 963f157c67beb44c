"""Each gate lets the right candidate by and stops the wrong one, and says with which figure."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from carousel import layout
from carousel.corpus import tables
from carousel.predictor import predictor
from carousel.registry import gates, promotion, versions
from carousel.registry.gates import GateResult
from carousel.registry.registered import Registered
from carousel.tasks.classification import document
from carousel.tasks.classification.params import Promotion
from tests.support.registry import DOCUMENTS, LABELS, Registry, spread

OFF = Promotion(not_worse=None, slices=None, size=None, speed=None)


def result(registry: Registry, name: str, rules: dict, which: str = "challenger") -> GateResult:
    """Judge by one gate alone."""
    verdict = promotion.judge(registry.client, name, which, OFF.model_copy(update=rules))
    (found,) = verdict.results
    return found


def pair(registry: Registry, name: str, **candidate) -> None:
    """A champion with accuracy 0.8, and a candidate."""
    registry.enter(name, seed=0)
    promotion.promote(registry.client, promotion.judge(registry.client, name, "1", OFF))
    registry.enter(name, **{"seed": 1} | candidate)


def test_every_gate_is_a_key_of_params(registry: Registry) -> None:
    asked = set(Promotion.model_fields) - {"metric", "slice_documents"}
    assert asked == set(gates.GATES)


def test_gates_that_are_off_are_not_measured(registry: Registry) -> None:
    pair(registry, "off", accuracy=0.1)
    verdict = promotion.judge(registry.client, "off", "2", OFF)
    assert verdict.results == ()
    assert verdict.passed


def test_without_a_champion_only_the_gates_of_the_candidate_alone_count(registry: Registry) -> None:
    registry.enter("alone", seed=0)
    rules = Promotion(floor=0.7, baseline=True, better=0.95)
    verdict = promotion.judge(registry.client, "alone", "1", rules)
    assert {found.gate: found.state for found in verdict.results} == {
        "floor": "passed", "baseline": "passed", "not_worse": "skipped", "better": "skipped", "slices": "skipped",
        "size": "skipped", "speed": "skipped",
    }  # fmt: skip
    assert verdict.passed
    assert verdict.reason == "first champion; 2 gates passed"


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_floor_and_baseline_hold_the_recorded_figure_against_theirs(registry: Registry, metric: str) -> None:
    name = f"floor-{metric}"
    version = registry.enter(name, seed=0, accuracy=0.8, baseline=0.75)
    figure = float(version.tags[f"test.{metric}"])
    assert result(registry, name, {"floor": figure, "metric": metric}).passed
    failed = result(registry, name, {"floor": 0.9, "metric": metric})
    assert not failed.passed
    assert f"{figure:.4f}" in failed.measured
    assert failed.required == "at least 0.9"
    assert result(registry, name, {"baseline": True, "metric": metric}).passed
    registry.enter(name, seed=1, accuracy=0.7, baseline=0.75)
    below = result(registry, name, {"baseline": True, "metric": metric})
    assert not below.passed
    assert below.required == "at least the linear baseline's 0.7500"


def test_a_metric_of_another_task_is_not_measured(registry: Registry) -> None:
    pair(registry, "metric")
    for gate in ({"floor": 0.5}, {"baseline": True}, {"not_worse": 0.1}, {"better": 0.6}):
        found = result(registry, "metric", {"metric": "span_f1", **gate})
        assert found.state == "not measured"
        assert found.measured == "promotion.metric: a text classifier has accuracy, macro_f1, not 'span_f1'"


def test_not_worse_allows_its_margin_and_no_more(registry: Registry) -> None:
    pair(registry, "margin", accuracy=0.78)
    assert result(registry, "margin", {"not_worse": 0.02}).passed
    failed = result(registry, "margin", {"not_worse": 0.01})
    assert not failed.passed
    assert failed.measured.startswith("accuracy 0.7800, −2.0 points from 0.8000 (95 % −")


def test_better_asks_for_more_than_a_lucky_document(registry: Registry) -> None:
    pair(registry, "lucky", accuracy=0.805)  # one document of 200
    lucky = result(registry, "lucky", {"better": 0.95})
    assert not lucky.passed
    assert lucky.measured.startswith("better at confidence 0.")
    pair(registry, "sure", accuracy=0.9)
    assert result(registry, "sure", {"better": 0.99}).passed
    pair(registry, "equal", accuracy=0.8)
    assert result(registry, "equal", {"better": 0.51}).measured == "better at confidence 0.500"


def test_a_slice_that_got_worse_stops_a_model_that_is_better_on_the_whole(registry: Registry) -> None:
    # the champion's errors, all mended; but of the 50 long documents 20 go wrong
    long = [i for i in range(DOCUMENTS) if i % 4 == 0]
    pair(registry, "slice", wrong=long[:20])
    assert result(registry, "slice", {"not_worse": 0.0}).passed
    found = result(registry, "slice", {"slices": 0.1, "slice_documents": 50})
    assert not found.passed
    assert found.measured.startswith("length ")
    assert "of 50 documents" in found.measured
    # with too few documents a slice is not looked at
    assert result(registry, "slice", {"slices": 0.3, "slice_documents": 51}).passed
    assert result(registry, "slice", {"slices": 0.1, "slice_documents": 201}).measured == "none has 201 documents"


def test_a_label_that_got_worse_is_named(registry: Registry) -> None:
    pair(registry, "label", wrong=[i for i in range(100, 140) if i % 4])
    found = result(registry, "label", {"slices": 0.04, "slice_documents": 100})
    assert not found.passed
    assert found.measured.startswith("label plants: −")


def test_size_is_a_factor_of_the_champions_files(registry: Registry) -> None:
    pair(registry, "size", hidden_size=64)
    found = result(registry, "size", {"size": 2.0})
    assert not found.passed
    assert "times the champion's" in found.measured
    assert result(registry, "size", {"size": 1000.0}).passed


def on_disk() -> str:
    """Test data in data/prepared, and its digest."""
    texts = [f"the {('dog', 'oak')[i % 2]} " * (1 + i % 9) for i in range(60)]
    frame = pl.DataFrame(
        {"id": [str(i) for i in range(60)], "text": texts, "label": [LABELS[i % 2] for i in range(60)]}
    )
    tables.write(frame, layout.TEST)
    return document.digest(frame)


def test_speed_is_measured_now_on_the_candidates_test_data(registry: Registry) -> None:
    digest = on_disk()
    pair(registry, "speed", digest=digest, hidden_size=256)
    slower = result(registry, "speed", {"speed": 1e-3})
    assert not slower.passed
    assert " ms per document, " in slower.measured
    assert result(registry, "speed", {"speed": 1e6}).passed
    registry.enter("speed", seed=2, digest="not here")
    unknown = result(registry, "speed", {"speed": 2.0})
    assert unknown.state == "not measured"
    assert "promote where the candidate was trained" in unknown.measured


def test_a_champion_tested_on_other_data_answers_the_candidates(registry: Registry) -> None:
    digest = on_disk()
    registry.enter("other", seed=0, digest="elsewhere")
    promotion.promote(registry.client, promotion.judge(registry.client, "other", "1", OFF))
    candidate = registry.enter("other", seed=0, digest=digest)
    # the candidate, as a run that kept no predictions: both are asked now, and say the same, being the same bundle
    trial = gates.Candidacy(
        OFF.model_copy(update={"not_worse": 0.0}),
        Registered(registry.client, replace(candidate, run_id="none")),
        Registered(registry.client, versions.get(registry.client, "other", "1")),
    )
    (found,) = gates.measure(trial)
    assert found.passed
    assert trial.comparison.agreement == 1
    assert trial.comparison.examples == 60


def test_cases_must_all_come_out_right(registry: Registry, tmp_path: Path) -> None:
    registry.enter("cases", seed=0)
    said = predictor(versions.fetch(versions.get(registry.client, "cases", "1"))).predict(["the dog"])[0].summary
    other = next(label for label in LABELS if label != said)
    file = tmp_path / "cases.yaml"
    file.write_text(f"- {{text: the dog, label: {said}}}\n- same: [the dog, The Dog]\n")
    found = result(registry, "cases", {"cases": str(file)})
    assert found.passed
    assert found.measured == "2 of 2 right"
    file.write_text(f"- {{text: the dog, label: {said}}}\n- {{text: the dog, label: {other}}}\n")
    found = result(registry, "cases", {"cases": str(file)})
    assert not found.passed
    assert found.measured == f"1 of 2 right; case 2: 'the dog' is {said}, not {other}"
    assert result(registry, "cases", {"cases": "nowhere.yaml"}).state == "not measured"


def test_a_better_model_is_right_wherever_a_worse_one_is() -> None:
    assert set(spread(0.9)) < set(spread(0.8))
