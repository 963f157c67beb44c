import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest

from carousel.cli import main
from carousel.errors import Refused, UserError
from carousel.lineage import reproduction
from carousel.registry import promotion, retirement, versions
from carousel.registry.registered import Registered
from carousel.tasks.classification.params import Promotion
from carousel.tracking.store import connect
from tests.support.registry import Registry, small_bundle

NO_GATES = Promotion(not_worse=None, slices=None, size=None, speed=None)
RULES = Promotion(speed=None)  # to measure speed takes test data on disk: test_gates.py does


def champion(registry: Registry, name: str) -> int:
    return versions.get(registry.client, name, "champion").number


def promote(registry: Registry, name: str, which: str = "challenger", **options) -> promotion.Verdict:
    verdict = promotion.judge(registry.client, name, which, RULES)
    promotion.promote(registry.client, verdict, **options)
    return verdict


def story(registry: Registry, name: str) -> list[tuple[str, int | None, int, bool]]:
    events = promotion.history(registry.client, name)
    return [(event.action, event.source, event.target, event.in_force) for event in events]


def test_the_first_candidate_becomes_champion_and_is_no_longer_challenger(registry: Registry) -> None:
    registry.enter("first", seed=0)
    promote(registry, "first")
    assert versions.get(registry.client, "first", "1").aliases == ("champion",)


def test_a_better_and_an_equal_candidate_pass(registry: Registry) -> None:
    for seed, accuracy in enumerate((0.8, 0.8, 0.9)):
        registry.enter("better", seed=seed, accuracy=accuracy)
        promote(registry, "better")
    assert champion(registry, "better") == 3


def test_a_worse_candidate_is_refused_with_both_numbers_and_nothing_is_written(registry: Registry) -> None:
    registry.enter("worse", seed=0, accuracy=0.81)
    promote(registry, "worse")
    registry.enter("worse", seed=1, accuracy=0.79)
    before = registry.client.get_registered_model("worse").tags, versions.get(registry.client, "worse", "2")
    with pytest.raises(Refused, match=r"not_worse: accuracy 0\.7900, −2\.0 points from 0\.8100"):
        promote(registry, "worse")
    assert champion(registry, "worse") == 1
    assert before == (
        registry.client.get_registered_model("worse").tags,
        versions.get(registry.client, "worse", "2"),
    )


def test_the_trail_has_every_gates_figure_on_the_version_and_on_the_model(registry: Registry) -> None:
    registry.enter("trail", seed=0)
    promote(registry, "trail")
    registry.enter("trail", seed=1, accuracy=0.9)
    verdict = promote(registry, "trail", reason="asked for by the support team")
    event = promotion.history(registry.client, "trail")[1]
    assert (event.action, event.source, event.target) == ("promote", 1, 2)
    assert event.reason == "asked for by the support team"
    assert event.who
    assert event.when.endswith("+00:00")
    assert [gate["gate"] for gate in event.gates] == [result.gate for result in verdict.results]
    assert {gate["gate"]: gate["state"] for gate in event.gates} == {
        "not_worse": "passed", "slices": "passed", "size": "passed",
    }  # fmt: skip
    assert event.gates[0]["measured"].startswith("accuracy 0.9000, +10.0 points from 0.8000")
    on_model = registry.client.get_registered_model("trail").tags["promotion.0002"]
    on_version = versions.get(registry.client, "trail", "2").tags["promotion.0002"]
    assert on_model == on_version
    assert len(on_model) < 5000  # what every store that MLflow knows can hold


def test_force_needs_a_reason_and_is_told_as_what_it_is(registry: Registry) -> None:
    registry.enter("forced", seed=0, accuracy=0.9)
    promote(registry, "forced")
    registry.enter("forced", seed=1, accuracy=0.7)
    for reason in ("", "  "):
        with pytest.raises(UserError, match="--force needs --reason"):
            promote(registry, "forced", force=True, reason=reason)
    promote(registry, "forced", force=True, reason="the old one leaks names")
    assert champion(registry, "forced") == 2
    event = promotion.history(registry.client, "forced")[1]
    assert (event.action, event.reason) == ("force", "the old one leaks names")
    assert {gate["gate"] for gate in event.gates if gate["state"] == "failed"} == {"not_worse", "slices"}
    # where no gate stood in the way, there was nothing to force
    registry.enter("forced", seed=2, accuracy=0.95)
    promote(registry, "forced", force=True, reason="to be sure")
    assert promotion.history(registry.client, "forced")[2].action == "promote"


def test_a_gate_that_cannot_be_measured_stops_the_promotion_but_not_a_forced_one(registry: Registry) -> None:
    registry.enter("unmeasured", seed=0, digest="old")
    promote(registry, "unmeasured")
    registry.enter("unmeasured", seed=1, digest="new")
    with pytest.raises(UserError, match=r"not_worse could not be measured: models:/unmeasured/1: has to predict"):
        promote(registry, "unmeasured")
    promote(registry, "unmeasured", force=True, reason="measured by hand")
    event = promotion.history(registry.client, "unmeasured")[1]
    assert event.action == "force"
    assert {gate["state"] for gate in event.gates} == {"not measured", "passed"}


def test_rollback_goes_back_step_by_step_and_leaves_its_trail(registry: Registry) -> None:
    for seed in range(3):
        registry.enter("back", seed=seed, accuracy=0.8 + seed / 100)
        promote(registry, "back")
    left, again = promotion.rollback(registry.client, "back", "wrong on invoices")
    assert (left.number, again.number, champion(registry, "back")) == (3, 2, 2)
    promotion.rollback(registry.client, "back", "")
    assert champion(registry, "back") == 1
    with pytest.raises(UserError, match="version 1 was the first champion"):
        promotion.rollback(registry.client, "back", "")
    assert story(registry, "back") == [
        ("promote", None, 1, True), ("promote", 1, 2, True), ("promote", 2, 3, True), ("rollback", 3, 2, True),
        ("rollback", 2, 1, True),
    ]  # fmt: skip
    assert promotion.history(registry.client, "back")[3].reason == "wrong on invoices"


def test_rollback_to_a_named_version_takes_only_one_that_was_champion(registry: Registry) -> None:
    for seed in range(3):
        registry.enter("named", seed=seed)
        if seed != 1:
            promote(registry, "named")
    with pytest.raises(UserError, match="version 2 was never champion: `carousel promote 2`"):
        promotion.rollback(registry.client, "named", "", to="2")
    with pytest.raises(Refused, match="version 3 of named is the champion already"):
        promotion.rollback(registry.client, "named", "", to="3")
    promotion.rollback(registry.client, "named", "", to="1")
    promotion.rollback(registry.client, "named", "", to="3")
    assert champion(registry, "named") == 3
    assert story(registry, "named")[-2:] == [("rollback", 3, 1, True), ("rollback", 1, 3, True)]


def test_the_champion_itself_and_a_retired_version_cannot_be_promoted(registry: Registry) -> None:
    for seed in range(3):
        registry.enter("again", seed=seed)
    promote(registry, "again", "1")
    with pytest.raises(Refused, match="is the champion already"):
        promote(registry, "again", "1")
    stale = promotion.judge(registry.client, "again", "2", RULES)
    retirement.retire(registry.client, "again", "2", "")
    for attempt in (lambda: promote(registry, "again", "2"), lambda: promotion.promote(registry.client, stale)):
        with pytest.raises(Refused, match=r"version 2 of again .* retired"):
            attempt()


def test_a_champion_that_changed_since_the_verdict_stops_the_promotion(registry: Registry) -> None:
    registry.enter("race", seed=0)
    promote(registry, "race")
    registry.enter("race", seed=1)
    stale = promotion.judge(registry.client, "race", "2", RULES)
    registry.enter("race", seed=2)
    promote(registry, "race", "3")
    with pytest.raises(Refused, match="the champion changed to version 3 meanwhile"):
        promotion.promote(registry.client, stale)
    assert champion(registry, "race") == 3
    assert len(story(registry, "race")) == 2


def files_of(registry: Registry, name: str, number: int) -> Path:
    """The folder in the store that holds a version's bundle."""
    source = registry.client.get_model_version(name, str(number)).source
    return Path(source.removeprefix("file://")) / "artifacts/bundle"


def truncated(folder: Path) -> str:
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-16])
    return "damaged or cut short"


def swapped(folder: Path) -> str:
    small_bundle(99).save(folder)
    return "another bundle than was registered"


def mixed(folder: Path) -> str:
    small_bundle(99).save(folder.parent / "other")
    shutil.copy(folder.parent / "other/weights.safetensors", folder)
    return "does not belong to this bundle"


def gone(folder: Path) -> str:
    shutil.rmtree(folder)
    return "cannot be read|no such file"


@pytest.mark.parametrize("gates", [RULES, NO_GATES], ids=["gates", "no gates"])
@pytest.mark.parametrize("damage", [truncated, swapped, mixed, gone])
def test_no_alias_moves_to_a_bundle_that_is_not_the_registered_one(
    registry: Registry, damage: Callable[[Path], str], gates: Promotion
) -> None:
    name = f"{damage.__name__}-{gates.size}"
    registry.enter(name, seed=0)
    reason = damage(files_of(registry, name, 1))
    with pytest.raises(UserError, match=f"models:/{name}/1.*({reason})"):  # the first champion
        promotion.judge(registry.client, name, "1", gates)
    registry.enter(name, seed=1)
    promotion.promote(registry.client, promotion.judge(registry.client, name, "2", gates))
    registry.enter(name, seed=2)
    promotion.promote(registry.client, promotion.judge(registry.client, name, "3", gates))
    damage(files_of(registry, name, 2))
    before = story(registry, name)
    for attempt in (
        lambda: promotion.rollback(registry.client, name, ""),
        lambda: promotion.rollback(registry.client, name, "", to="2"),
        lambda: promotion.judge(registry.client, name, "2", gates),
    ):
        with pytest.raises(UserError, match=f"models:/{name}/2.*({reason})"):
            attempt()
    assert champion(registry, name) == 3
    assert story(registry, name) == before


@pytest.mark.parametrize("gates", [RULES, NO_GATES], ids=["gates", "no gates"])
def test_no_alias_moves_to_a_bundle_that_cannot_predict(
    registry: Registry, gates: Promotion, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"later-{len(gates.model_dump(exclude_none=True))}"
    registry.enter(name, seed=0)
    promotion.promote(registry.client, promotion.judge(registry.client, name, "1", gates))
    later = replace(small_bundle(1), config=small_bundle(1).config | {"truncation": "of a later version"})
    monkeypatch.setattr("tests.support.registry.small_bundle", lambda *_: later)
    registry.enter(name, seed=1)
    with pytest.raises(UserError, match=rf"^models:/{name}/2: artifacts/bundle/bundle\.json: not the description"):
        promotion.judge(registry.client, name, "2", gates)
    with pytest.raises(UserError, match=rf"^models:/{name}/2: artifacts/bundle/bundle\.json: not the description"):
        Registered(registry.client, versions.get(registry.client, name, "2")).verified()
    assert champion(registry, name) == 1
    Path("params.yaml").write_text(f"registry: {{name: {name}}}\n")
    Path("dvc.yaml").touch()
    place = f"models:/{name}/2: artifacts/bundle/bundle.json"
    for command in (["predict", "--model", "2", "the dog"], ["compare", "1", "2"]):
        monkeypatch.setattr("sys.argv", ["carousel", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith(f"error: {place}: not the description of a text classifier")


def test_what_opens_a_version_compares_it_with_its_tag(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.enter("opened", seed=0)
    promote(registry, "opened")
    registry.enter("opened", seed=1)
    swapped(files_of(registry, "opened", 1))
    Path("params.yaml").write_text("registry: {name: opened}\n")
    Path("dvc.yaml").touch()
    for command, code in (
        (["predict", "the dog"], 2),
        (["predict", "--model", "models:/opened/1", "the dog"], 2),
        (["compare", "1", "2"], 2),
        (["compare", "2", "champion"], 2),
        (["lineage", "1"], 1),
    ):
        monkeypatch.setattr("sys.argv", ["carousel", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == code, command
        if code == 2:
            assert printed.err.startswith(
                "error: models:/opened/1: its files hold another bundle than was registered"
            )
            assert len(printed.err.splitlines()) == 1
        else:
            assert "bundle" in printed.out.splitlines()[-1]
    part, warnings = reproduction._registered(versions.get(registry.client, "opened", "1"))
    assert not part.same
    assert "another bundle" in warnings[0]


PROMOTE = """
import sys, time
from pathlib import Path
from carousel.cli import main
from carousel.errors import Refused
from carousel.tasks.classification.params import Promotion
from carousel.registry import promotion
from carousel.tracking.store import connect
client = connect()
verdict = promotion.judge(client, "two", sys.argv[1], Promotion(speed=None))
Path(f"ready{sys.argv[1]}").touch()
while not Path("go").exists():
    time.sleep(0.01)
try:
    promotion.promote(client, verdict)
except Refused as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.slow
def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(registry: Registry) -> None:
    for seed in range(3):
        registry.enter("two", seed=seed)
    promote(registry, "two", "1")
    workers = [
        subprocess.Popen([sys.executable, "-c", PROMOTE, number], stderr=subprocess.PIPE, text=True)
        for number in ("2", "3")
    ]
    while not (Path("ready2").exists() and Path("ready3").exists()):
        assert all(worker.poll() is None for worker in workers)
        time.sleep(0.05)
    Path("go").touch()
    printed = [worker.communicate(timeout=120)[1] for worker in workers]
    assert sorted(worker.returncode for worker in workers) == [0, 1]
    winner = 2 if workers[0].returncode == 0 else 3
    assert f"refused: two: the champion changed to version {winner} meanwhile" in "".join(printed)
    assert champion(registry, "two") == winner
    assert story(registry, "two") == [("promote", None, 1, True), ("promote", 1, winner, True)]


class Killed(BaseException):
    """Stands for the end of the process: nothing handles it."""


WRITES = (
    "set_registered_model_tag",
    "set_model_version_tag",
    "set_registered_model_alias",
    "delete_registered_model_alias",
)


def dying(client: mlflow.MlflowClient, patch: pytest.MonkeyPatch, after: int, die) -> None:
    """Let `die` happen instead of a client's write once it has made so many."""
    made = 0

    def counted(write):
        def call(*arguments, **options):
            nonlocal made
            if made == after:
                die()
            made += 1
            return write(*arguments, **options)

        return call

    for name in WRITES:
        patch.setattr(client, name, counted(getattr(client, name)))


def killed() -> None:
    raise Killed


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_cut_off_between_any_two_writes_the_trail_never_lies(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    for writes in range(5):
        name = f"cut-{action}-{writes}"
        registry.enter(name, seed=0)
        promote(registry, name)
        registry.enter(name, seed=1, accuracy=0.8)
        if action == "rollback":
            promote(registry, name)
        before, told = champion(registry, name), story(registry, name)
        client = connect()
        cut = False
        with monkeypatch.context() as patch:
            dying(client, patch, writes, killed)
            try:
                if action == "rollback":
                    promotion.rollback(client, name, "cut off")
                else:
                    verdict = promotion.judge(client, name, "2", RULES)
                    promotion.promote(client, verdict, reason="cut off")
            except Killed:
                cut = True
        after = champion(registry, name)
        event = promotion.history(registry.client, name)[-1]
        if after != before:  # the new champion has its trail
            assert (event.action, event.source, event.target, event.in_force) == (action, before, after, True)
        else:  # the old one stays, and whatever was written says that it did not happen
            assert cut
            assert [step for step in story(registry, name) if step[3]] == told
        # what comes next goes well, and says of the attempt what became of it
        was = story(registry, name)
        registry.enter(name, seed=2, accuracy=0.9)
        promote(registry, name)
        assert champion(registry, name) == 3
        assert story(registry, name) == [*was, ("promote", after, 3, True)]
    assert not cut  # else there are writes that were not tried


KILL = """
import os, signal, sys
import pytest
from carousel.tasks.classification.params import Promotion
from carousel.registry import promotion
from carousel.tracking.store import connect
from tests.registry.test_promotion import dying
client = connect()
verdict = promotion.judge(client, sys.argv[1], "2", Promotion(speed=None))
dying(client, pytest.MonkeyPatch(), int(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL))
promotion.promote(client, verdict)
"""


@pytest.mark.slow
@pytest.mark.parametrize("writes", range(4))
def test_killed_between_two_writes_the_next_promotion_finds_its_way(registry: Registry, writes: int) -> None:
    name = f"killed-{writes}"
    registry.enter(name, seed=0)
    promote(registry, name)
    registry.enter(name, seed=1)
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": root}
    done = subprocess.run([sys.executable, "-c", KILL, name, str(writes)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert champion(registry, name) == (2 if writes == 3 else 1)
    in_force = [step for step in story(registry, name) if step[3]]
    assert in_force == [("promote", None, 1, True), ("promote", 1, 2, True)][: champion(registry, name)]
    registry.enter(name, seed=2)
    promote(registry, name)
    assert champion(registry, name) == 3


def test_a_trail_from_before_gates_is_read(registry: Registry) -> None:
    registry.enter("older", seed=0)
    promote(registry, "older")
    told = {"action": "promote", "when": "2026-01-01T00:00:00+00:00", "who": "x", "source": None, "target": 1}
    registry.client.set_registered_model_tag("older", "promotion.0001", json.dumps(told | {"reason": "first"}))
    assert promotion.history(registry.client, "older")[0].gates == ()
