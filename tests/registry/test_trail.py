"""Tags of the trail that are no events, and a champion that is gone: named, and never in the way."""

import json
import sys
from pathlib import Path

import pytest

from carousel.cli import main
from carousel.errors import UserError
from carousel.registry import promotion, retirement, versions
from carousel.registry.live import default, live
from carousel.tasks.classification.params import Promotion
from tests.support.registry import Registry

RULES = Promotion(not_worse=None, slices=None, size=None, speed=None)
WHOLE = {
    "action": "promote",
    "when": "2026-11-21T14:01:00+00:00",
    "who": "you",
    "source": None,
    "target": 1,
    "reason": "",
    "gates": [],
}
GATE = {"gate": "floor", "measured": "", "required": "", "state": "passed"}
CONTENTS = {
    "text": "call me before you promote",
    "empty": "",
    "cut short": json.dumps(WHOLE)[:40],
    "list": "[]",
    "null": "null",
    "no fields": "{}",
    "another field": json.dumps(WHOLE | {"mood": "good"}),
    "unknown action": json.dumps(WHOLE | {"action": "explode"}),
    "action of another type": json.dumps(WHOLE | {"action": ["promote"]}),
    "no time": json.dumps(WHOLE | {"when": "yesterday"}),
    "time of another type": json.dumps(WHOLE | {"when": 7}),
    "time without a zone": json.dumps(WHOLE | {"when": "2026-11-21T14:01:00"}),
    "target of another type": json.dumps(WHOLE | {"target": "1"}),
    "target of truth": json.dumps(WHOLE | {"target": True}),
    "source of another type": json.dumps(WHOLE | {"source": 1.5}),
    "nobody": json.dumps(WHOLE | {"who": None}),
    "no reason": json.dumps(WHOLE | {"reason": 3}),
    "gates of another type": json.dumps(WHOLE | {"gates": 3}),
    "gates of text": json.dumps(WHOLE | {"gates": "floor"}),
    "gate without a state": json.dumps(WHOLE | {"gates": [{"gate": "floor"}]}),
    "gate of numbers": json.dumps(WHOLE | {"gates": [GATE | {"state": 1}]}),
    "deep": "[" * 5000,
    "half of a surrogate pair": json.dumps(WHOLE | {"reason": "\ud800"}),
    "not in force or so": json.dumps(WHOLE | {"in_force": "no"}),
}
KEYS = ("promotion.note", "promotion.", "promotion.1", "promotion.-001", "promotion.00001", "promotion.1_000",
        "promotion.0001.bak", "promotion.0000 1", "promotion.٠٠٠١")  # fmt: skip


@pytest.fixture
def carousel(registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run a command in this process; give its exit code and what it printed."""
    off = {"not_worse": None, "slices": None, "size": None, "speed": None}
    Path("params.yaml").write_text(json.dumps({"promotion": off}))
    Path("dvc.yaml").touch()

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["carousel", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return run


def promote(registry: Registry, name: str, which: str = "challenger") -> promotion.Event:
    return promotion.promote(registry.client, promotion.judge(registry.client, name, which, RULES))


def test_tags_that_are_no_events_are_named_and_skipped(registry: Registry, carousel) -> None:
    name = "foreign"
    for seed in range(3):
        registry.enter(name, seed=seed)
    promote(registry, name, "1")
    for key in KEYS:
        registry.client.set_registered_model_tag(name, key, json.dumps(WHOLE))
        registry.client.set_model_version_tag(name, "2", key, "a note")
    for number, content in enumerate(CONTENTS.values(), 2):
        registry.client.set_registered_model_tag(name, f"promotion.{number:04}", content or " ")
    expected = sorted([*KEYS, *(f"promotion.{number:04}" for number in range(2, len(CONTENTS) + 2))])
    assert promotion.foreign_tags(registry.client, name) == expected
    assert [event.target for event in promotion.history(registry.client, name)] == [1]

    event = promote(registry, name, "2")  # written after all of them, and over none
    tags = registry.client.get_registered_model(name).tags
    assert json.loads(tags[f"promotion.{len(CONTENTS) + 2:04}"])["target"] == event.target == 2
    assert [tags[key] for key in KEYS] == [json.dumps(WHOLE)] * len(KEYS)
    promotion.rollback(registry.client, name, "back")
    retirement.retire(registry.client, name, "2", "an exercise")
    assert [event.action for event in promotion.history(registry.client, name)] == [
        "promote", "promote", "rollback", "retire",
    ]  # fmt: skip

    for arguments in (["versions", "--history"], ["versions"], ["retire", "--old"]):
        code, _, err = carousel(*arguments, "--name", name)
        assert code == 0
        assert f"warning: {name}: not an event of the trail, and skipped: promotion., promotion.-001" in err
        assert err.count("\n") == 1
    code, _, err = carousel("promote", "3", "--name", name)
    assert (code, "Traceback" in err, "skipped: promotion." in err) == (0, False, True)
    code, out, _ = carousel("versions", "--history", "--json", "--name", name)
    assert [event["target"] for event in json.loads(out)] == [1, 2, 1, 2, 3]


def test_a_note_on_a_version_does_not_keep_it_from_being_challenger(registry: Registry) -> None:
    assert versions.event_number("promotion.note") is None
    assert versions.event_number("promotion.0012") == 12
    assert versions.event_number("promotion.12345") == 12345


@pytest.mark.parametrize("content", ["abc", "", "nan", "inf", "0x1", "1,5"])
def test_a_metric_that_is_no_number_is_left_out(registry: Registry, carousel, content: str) -> None:
    name = "no-number"
    if not versions.versions(registry.client, name):
        registry.enter(name, seed=0)
        promote(registry, name)
        registry.enter(name, seed=1)
    registry.client.set_model_version_tag(name, "2", "test.accuracy", content)
    registry.client.set_model_version_tag(name, "2", "task", "clairvoyance")
    for arguments in (["versions"], ["status"]):
        code, out, err = carousel(*arguments, "--name", name)
        assert (code, "Traceback" in err) == (0, False)
        assert "version" in out
    verdict = promotion.judge(registry.client, name, "2", RULES.model_copy(update={"floor": 0.5}))
    assert "holds no number" in verdict.results[0].measured


def test_a_champion_that_was_deleted_is_named_and_not_replaced(registry: Registry, carousel) -> None:
    name = "deleted"
    registry.enter(name, seed=0)
    assert default(registry.client, name).number == 1  # the challenger, before there is a champion
    promote(registry, name)
    registry.enter(name, seed=1)
    assert default(registry.client, name).number == 1
    registry.client.delete_model_version(name, "1")
    assert live(registry.client, name).lost == "version 1 was the champion, and was deleted in MLflow"
    with pytest.raises(UserError, match="version 1 was the champion, and was deleted in MLflow"):
        default(registry.client, name)
    for arguments in (["versions"], ["versions", "--history"], ["status"], ["promote", "2", "--dry-run"]):
        code, out, err = carousel(*arguments, "--name", name)
        assert code == 0
        assert "version 1 was the champion, and was deleted in MLflow" in err
    Path("params.yaml").write_text(json.dumps({"registry": {"name": name}}))
    code, out, err = carousel("predict", "the dog")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {name}: version 1 was the champion, and was deleted in MLflow; ")
    assert carousel("predict", "--model", "2", "the dog")[0] == 0
    promote(registry, name, "2")
    assert default(registry.client, name).number == 2


def test_a_champion_whose_alias_was_removed_is_named(registry: Registry) -> None:
    name = "unnamed"
    for seed in range(3):
        registry.enter(name, seed=seed)
        if seed < 2:
            promote(registry, name)
    registry.client.delete_registered_model_alias(name, "champion")
    assert live(registry.client, name).lost == "version 2 was the champion, and its alias was removed"
    with pytest.raises(UserError, match="its alias was removed"):
        default(registry.client, name)


def test_a_promotion_that_was_cut_off_is_no_lost_champion(registry: Registry) -> None:
    name = "cut-off"
    registry.enter(name, seed=0)
    event = promotion.event_now("promote", None, 1, "cut off before the alias moved")
    promotion.record(registry.client, name, event)
    assert live(registry.client, name).lost is None
    assert default(registry.client, name).number == 1
