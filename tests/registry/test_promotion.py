import pytest

from carousel.errors import Refused, UserError
from carousel.registry import promotion, versions
from tests.registry.conftest import Registry


def never(_version: versions.Version, _digest: str) -> float | None:
    raise AssertionError("versions with the same test data are not measured again")


def champion(registry: Registry, name: str) -> int:
    return versions.get(registry.client, name, "champion").number


def promote(registry: Registry, name: str, which: str = "challenger") -> promotion.Verdict:
    verdict = promotion.judge(registry.client, name, which, never)
    promotion.promote(registry.client, verdict)
    return verdict


def test_the_first_candidate_becomes_champion_and_is_no_longer_challenger(registry: Registry) -> None:
    registry.add("first", seed=0)
    promote(registry, "first")
    assert versions.get(registry.client, "first", "1").aliases == ("champion",)


def test_a_better_and_an_equal_candidate_pass(registry: Registry) -> None:
    registry.add("better", seed=0, accuracy=0.8)
    promote(registry, "better")
    registry.add("better", seed=1, accuracy=0.8)
    promote(registry, "better")
    registry.add("better", seed=2, accuracy=0.9)
    verdict = promote(registry, "better")
    assert champion(registry, "better") == 3
    assert verdict.accuracies == (0.9, 0.8)


def test_a_worse_candidate_is_refused_with_both_numbers_and_nothing_moves(registry: Registry) -> None:
    registry.add("worse", seed=0, accuracy=0.81)
    promote(registry, "worse")
    registry.add("worse", seed=1, accuracy=0.79)
    with pytest.raises(Refused, match=r"0\.7900 is worse than champion version 1's 0\.8100"):
        promote(registry, "worse")
    assert champion(registry, "worse") == 1
    assert len(promotion.history(registry.client, "worse")) == 1


def test_different_test_data_are_measured_again_or_the_promotion_is_refused(registry: Registry) -> None:
    registry.add("data", seed=0, accuracy=0.9, digest="old")
    promote(registry, "data")
    registry.add("data", seed=1, accuracy=0.8, digest="new")
    asked = []

    def measure(version: versions.Version, digest: str) -> float | None:
        asked.append((version.number, digest))
        return 0.7

    assert promotion.judge(registry.client, "data", "challenger", measure).passed
    assert asked == [(1, "new")]
    with pytest.raises(UserError, match="were tested on different data"):
        promotion.judge(registry.client, "data", "challenger", lambda _version, _digest: None)


def test_rollback_goes_back_step_by_step_and_leaves_its_trail(registry: Registry) -> None:
    for seed in range(3):
        registry.add("back", seed=seed, accuracy=0.8 + seed / 100)
        promote(registry, "back")
    left, again = promotion.rollback(registry.client, "back", "wrong on invoices")
    assert (left.number, again.number, champion(registry, "back")) == (3, 2, 2)
    promotion.rollback(registry.client, "back", "")
    assert champion(registry, "back") == 1
    with pytest.raises(UserError, match="version 1 was the first champion"):
        promotion.rollback(registry.client, "back", "")
    story = [(event.action, event.source, event.target) for event in promotion.history(registry.client, "back")]
    assert story == [
        ("promote", None, 1), ("promote", 1, 2), ("promote", 2, 3), ("rollback", 3, 2), ("rollback", 2, 1),
    ]  # fmt: skip
    assert promotion.history(registry.client, "back")[3].reason == "wrong on invoices"


def test_the_champion_itself_cannot_be_promoted(registry: Registry) -> None:
    registry.add("again", seed=0)
    promote(registry, "again")
    with pytest.raises(Refused, match="is the champion already"):
        promote(registry, "again", "1")


def test_a_champion_that_changed_since_the_verdict_stops_the_promotion(registry: Registry) -> None:
    registry.add("race", seed=0)
    promote(registry, "race")
    registry.add("race", seed=1)
    stale = promotion.judge(registry.client, "race", "2", never)
    registry.add("race", seed=2)
    promote(registry, "race", "3")
    with pytest.raises(Refused, match="the champion changed to version 3 meanwhile"):
        promotion.promote(registry.client, stale)
    assert champion(registry, "race") == 3
