"""A registered model's life as a person lives it: passed, refused by every gate, forced, rolled back, retired."""

import json
import sys
from pathlib import Path

import pytest

from carousel.cli import main
from tests.registry.test_gates import on_disk
from tests.support.registry import DOCUMENTS, Registry, small_bundle

NAME = "story"
LONG = [i for i in range(DOCUMENTS) if i % 4 == 0]


@pytest.fixture
def carousel(registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run a command in this process; give its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["carousel", *arguments, "--name", NAME])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out + printed.err

    return run


def ask(**gates: object) -> None:
    """Write params.yaml with these gates and no others."""
    off = {"not_worse": None, "slices": None, "size": None, "speed": None}
    Path("params.yaml").write_text(json.dumps({"promotion": off | gates, "registry": {"keep": 1}}))
    Path("dvc.yaml").touch()


def test_from_the_first_champion_to_the_history_that_tells_it(registry: Registry, carousel) -> None:
    digest = on_disk()
    Path("cases.yaml").write_text("- {text: the dog, label: neither}\n")
    ask()
    registry.enter(NAME, seed=0, accuracy=0.8, digest=digest)
    assert carousel("versions", "--history") == (
        0, f"{NAME}: no version was promoted yet; `carousel promote challenger` does\n",
    )  # fmt: skip
    code, printed = carousel("promote", "challenger", "--reason", "the first one")
    assert code == 0
    assert f"{NAME} version 1 is champion: the first one" in printed

    # each gate refuses a candidate of its own, with its figure, and nothing moves
    refused = {
        "floor": ({"floor": 0.85}, {"accuracy": 0.82}, "accuracy 0.8200"),
        "baseline": ({"baseline": True}, {"baseline": 0.9}, "at least the linear baseline's 0.9000"),
        "not_worse": ({"not_worse": 0.01}, {"accuracy": 0.78}, "−2.0 points from 0.8000"),
        "better": ({"better": 0.95}, {"accuracy": 0.805}, "better at confidence 0."),
        "slices": ({"slices": 0.1}, {"wrong": LONG[:20]}, "points of 50 documents"),
        "size": ({"size": 2.0}, {"hidden_size": 64}, "times the champion's"),
        "speed": ({"speed": 0.001}, {}, " ms per document"),
        "cases": ({"cases": "cases.yaml"}, {}, "0 of 1 right; case 1: 'the dog' is "),
    }
    for seed, (gate, (rules, candidate, figure)) in enumerate(refused.items(), 2):
        registry.enter(NAME, **{"seed": seed, "digest": digest} | candidate)
        ask(**rules)
        for dry in ([], ["--dry-run"]):
            code, printed = carousel("promote", "challenger", *dry)
            assert code == 1, (gate, printed)
            assert f"refused: version {seed} is not promoted: {gate}: " in printed
            assert figure in printed
        code, printed = carousel("promote", "challenger", "--dry-run", "--json")
        told = json.loads(printed.splitlines()[0])
        assert code == 1
        assert [(found["gate"], found["state"]) for found in told["gates"]] == [(gate, "failed")]
        assert int(registry.client.get_model_version_by_alias(NAME, "champion").version) == 1

    # the last one, by force
    assert carousel("promote", "9", "--force") == (
        2, "error: --force needs --reason\n",
    )  # fmt: skip
    code, printed = carousel("promote", "9", "--force", "--reason", "nobody asks it about dogs")
    assert code == 0
    assert f"{NAME} version 9 is champion by force: nobody asks it about dogs" in printed

    code, printed = carousel("rollback", "--reason", "somebody did")
    assert (code, printed) == (0, f"{NAME} version 1 is champion again, in place of version 9\n")
    assert carousel("rollback", "--to", "4")[0] == 2
    assert carousel("rollback", "--to", "9")[0] == 0

    code, printed = carousel("retire", "4", "--reason", "worse than its own baseline")
    assert code == 0
    assert carousel("retire", "9")[0] == 1
    assert carousel("retire")[0] == 2
    code, printed = carousel("retire", "--old")
    assert f"{NAME}: would delete versions 2, 3, 4, 5, 6, 7\n" in printed
    assert "  --delete does it" in printed
    assert "deleted versions 2, 3, 4, 5, 6, 7" in carousel("retire", "--old", "--delete")[1]
    assert "no old versions; registry.keep is 1" in carousel("retire", "--old")[1]

    code, printed = carousel("versions", "--history")
    told = [line.split()[2:] for line in printed.splitlines() if line[:2] == "20"]
    steps = [" ".join(words[1:5]) for words in told]
    assert steps[:5] == [
        "promote none → 1", "force 1 → 9", "rollback 9 → 1", "rollback 1 → 9", "retire 4 worse than",
    ]  # fmt: skip
    assert "past cases: nobody asks it about dogs" in printed
    assert "somebody did" in printed
    events = json.loads(carousel("versions", "--history", "--json")[1])
    assert [event["action"] for event in events] == [
        "promote",
        "force",
        "rollback",
        "rollback",
        "retire",
        *["delete"] * 6,
    ]
    assert events[1]["gates"][0]["state"] == "failed"
    listed = json.loads(carousel("versions", "--json")[1])
    assert [(version["number"], version["aliases"]) for version in listed] == [(9, ["champion"]), (8, []), (1, [])]


def test_the_bundles_differ_so_that_nothing_above_is_true_by_accident() -> None:
    assert len({small_bundle(seed).fingerprint for seed in range(10)}) == 10
