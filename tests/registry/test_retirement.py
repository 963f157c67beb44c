import pytest

from carousel.errors import Refused
from carousel.registry import promotion, retirement, versions
from carousel.tasks.classification.params import Promotion
from tests.support.registry import Registry

RULES = Promotion(not_worse=None, slices=None, size=None, speed=None)


def promote(registry: Registry, name: str, which: str) -> None:
    promotion.promote(registry.client, promotion.judge(registry.client, name, which, RULES))


def numbers(found: list[versions.Version]) -> list[int]:
    return [version.number for version in found]


def test_a_retired_version_is_marked_told_and_kept(registry: Registry) -> None:
    for seed in range(2):
        registry.enter("retired", seed=seed)
    retirement.retire(registry.client, "retired", "1", "trained on the wrong file")
    version = versions.get(registry.client, "retired", "1")
    assert "trained on the wrong file" in version.tags[versions.RETIRED]
    assert versions.fetch(version).fingerprint == version.tags[versions.FINGERPRINT]
    event = promotion.history(registry.client, "retired")[-1]
    assert (event.action, event.target, event.reason) == ("retire", 1, "trained on the wrong file")
    with pytest.raises(Refused, match="retired already"):
        retirement.retire(registry.client, "retired", "1", "")


def test_a_version_with_an_alias_is_never_retired(registry: Registry) -> None:
    for seed in range(3):
        registry.enter("aliased", seed=seed)
    promote(registry, "aliased", "1")
    registry.client.set_registered_model_alias("aliased", "shadow", "2")
    for number, alias in (("1", "champion"), ("2", "shadow"), ("3", "challenger")):
        with pytest.raises(Refused, match=f"version {number} of aliased is the {alias}"):
            retirement.retire(registry.client, "aliased", number, "")


def test_a_retired_version_is_not_rolled_back_to(registry: Registry) -> None:
    for seed in range(2):
        registry.enter("no-way-back", seed=seed)
        promote(registry, "no-way-back", "challenger")
    retirement.retire(registry.client, "no-way-back", "1", "")
    with pytest.raises(Refused, match="version 1 of no-way-back is retired"):
        promotion.rollback(registry.client, "no-way-back", "")


def test_the_rule_keeps_aliases_the_way_back_and_the_newest(registry: Registry) -> None:
    name = "rule"
    for seed in range(8):
        registry.enter(name, seed=seed)
    promote(registry, name, "2")
    promote(registry, name, "3")
    registry.client.set_registered_model_alias(name, "shadow", "4")
    # 3 is champion, 2 the way back, 4 a shadow, 8 the challenger: the rule chooses among 1, 5, 6 and 7
    assert numbers(retirement.old(registry.client, name, keep=4)) == []
    assert numbers(retirement.old(registry.client, name, keep=2)) == [1, 5]
    assert numbers(versions.versions(registry.client, name)) == [8, 7, 6, 5, 4, 3, 2, 1]  # nothing went yet
    assert numbers(retirement.delete(registry.client, name, keep=2, reason="room")) == [1, 5]
    assert numbers(versions.versions(registry.client, name)) == [8, 7, 6, 4, 3, 2]
    assert retirement.delete(registry.client, name, keep=2, reason="") == []
    told = [(event.action, event.target) for event in promotion.history(registry.client, name)[-2:]]
    assert told == [("delete", 1), ("delete", 5)]
    # the trail goes on, and so does the way back
    promotion.rollback(registry.client, name, "")
    assert versions.get(registry.client, name, "champion").number == 2


def test_nothing_registered_is_nothing_old(registry: Registry) -> None:
    assert retirement.old(registry.client, "never", keep=1) == []


def test_a_deleted_version_takes_its_logged_model_along_and_leaves_its_run(registry: Registry) -> None:
    first, _ = registry.add("logged", seed=0)
    registry.add("logged", seed=1)
    registry.add("logged", seed=2)
    experiment = registry.client.get_run(first.run_id).info.experiment_id
    before = {model.model_id: model for model in registry.client.search_logged_models([experiment])}
    assert numbers(retirement.delete(registry.client, "logged", keep=1, reason="")) == [1]
    left = {model.model_id for model in registry.client.search_logged_models([experiment])}
    assert [before[model_id].source_run_id for model_id in before.keys() - left] == [first.run_id]
    assert registry.client.get_run(first.run_id).info.lifecycle_stage == "active"
