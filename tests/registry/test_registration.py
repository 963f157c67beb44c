"""A registration that was killed anywhere ends, when it is run again, as if nobody had killed it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore

from carousel.errors import UserError
from carousel.registry import model_files, promotion, registration, retirement, versions
from carousel.registry.versions import Version
from carousel.tasks.classification.params import Promotion
from carousel.tracking.store import connect, experiment
from tests.support.registry import Registry, small_bundle

WRITES = ("create", "set", "update", "delete", "finalize", "log")
NO_GATES = Promotion(not_worse=None, slices=None, size=None, speed=None)


class Killed(BaseException):
    """Stands for the end of the process: nothing handles it."""


def dying(patch: pytest.MonkeyPatch, after: int, die: Callable[[], None]) -> None:
    """Let `die` happen after so many writes to the store, of whichever client or function of MLflow."""
    made = 0

    def counted(write):
        def call(*arguments, **options):
            nonlocal made
            done = write(*arguments, **options)
            made += 1
            if made == after:
                die()
            return done

        return call

    for store in (TrackingStore, RegistryStore):
        for name in vars(store):
            if name.partition("_")[0] in WRITES and callable(getattr(store, name)):
                patch.setattr(store, name, counted(getattr(store, name)))


def killed() -> None:
    raise Killed


def a_run(client: mlflow.MlflowClient, name: str) -> str:
    """A run with what a version's description says of it."""
    run = client.create_run(experiment(client, name)).info.run_id
    for key in ("encoder", "cell", "hidden_size", "layers", "bidirectional"):
        client.log_param(run, f"model.{key}", "1")
    client.log_param(run, "train.learning_rate", "1")
    for key in (
        "train/parameters", "train/best_epoch", "test/accuracy", "test/macro_f1", "baseline/accuracy",
        "baseline/macro_f1", "best/val_accuracy", "best/val_macro_f1",
    ):  # fmt: skip
        client.log_metric(run, key, 1.0)
    for key in ("data.source", "data.train.digest", "data.val.digest", "data.test.digest"):
        client.set_tag(run, key, "x")
    return str(run)


def register(client: mlflow.MlflowClient, name: str, run_id: str, seed: int = 0) -> Version:
    """Do what the stage does."""
    bundle = small_bundle(seed)
    bundle.save(Path("bundle"))
    try:
        with mlflow.start_run(run_id):
            version, _ = registration.register(client, name, bundle, Path("bundle"), run_id, {"data.source": "x"})
            if not version.is_complete:
                registration.describe(client, version, bundle)
                version = registration.complete(client, version, {"dvc.lock.digest": "y"})
    finally:
        while mlflow.active_run():
            mlflow.end_run()
    return version


def state(client: mlflow.MlflowClient, name: str, run_id: str) -> object:
    """All that a registration writes."""
    models = client.search_logged_models(
        [client.get_run(run_id).info.experiment_id], filter_string=f"source_run_id = '{run_id}'"
    )
    found = versions.versions(client, name)
    return (
        [
            (
                version.number,
                version.aliases,
                _comparable(version),
                len((client.get_model_version(name, str(version.number)).description or "").replace(name, "")),
                versions.fetch(version).fingerprint,
            )
            for version in found
        ],
        [
            (model.status, sorted(model.tags), model.tags["mlflow.modelVersions"].replace(name, ""))
            for model in models
        ],
    )


def _comparable(version: Version) -> dict[str, object]:
    """A version's tags; the digest of its files, which have their time in them, becomes whether it is true."""
    recorded = version.tags.get(model_files.FINGERPRINT)
    is_true = recorded is None or recorded == model_files.fingerprint(version)
    return version.tags | ({} if recorded is None else {model_files.FINGERPRINT: is_true})


def tried(registry: Registry, name: str, after: int, before: Callable[[str], None]) -> tuple[bool, object]:
    """Register, killed after so many writes, and again; return whether it was killed, and the state."""
    before(name)
    run_id = a_run(registry.client, name)
    client, cut = connect(), False
    with pytest.MonkeyPatch.context() as patch:
        dying(patch, after, killed)
        try:
            register(client, name, run_id)
        except Killed:
            cut = True
    register(client, name, run_id)
    return cut, state(client, name, run_id)


@pytest.mark.slow
def test_killed_after_any_write_the_next_run_ends_in_the_same_state(registry: Registry) -> None:
    def one_before(name: str) -> None:
        registry.add(name, seed=1)

    _, whole = tried(registry, "k000", 10**6, one_before)
    after, cut = 1, True
    while cut:
        cut, found = tried(registry, f"k{after:03}", after, one_before)
        assert found == whole, after
        after += 1
    assert after > 8  # else the writes were not seen


def interrupted(registry: Registry, name: str, seed: int = 0) -> tuple[Version, str]:
    """A version whose registration was killed right after it was made."""
    run_id = a_run(registry.client, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registration, "complete", lambda *_: killed())
        with pytest.raises(Killed):
            register(registry.client, name, run_id, seed)
    return versions.versions(registry.client, name)[0], run_id


def test_a_version_without_its_alias_and_tags_gets_them(registry: Registry) -> None:
    registry.add("alias", seed=1)
    version, run_id = interrupted(registry, "alias")
    assert (version.aliases, version.is_complete) == ((), False)
    version = register(registry.client, "alias", run_id)
    assert (version.number, version.aliases, version.is_complete) == (2, ("challenger",), True)
    assert version.tags["dvc.lock.digest"] == "y"
    assert [version.aliases for version in versions.versions(registry.client, "alias")] == [("challenger",), ()]


def test_an_old_bundle_that_is_registered_again_takes_no_alias(registry: Registry) -> None:
    old, _ = registry.add("steal", seed=0)
    new, _ = registry.add("steal", seed=1)
    assert registry.add("steal", seed=0) == (versions.get(registry.client, "steal", old.number), False)
    assert versions.get(registry.client, "steal", "challenger").number == new.number
    # nor does a bundle that was champion, where there is no challenger
    registry.client.delete_registered_model_alias("steal", "challenger")
    registry.add("steal", seed=1)
    assert all(not version.aliases for version in versions.versions(registry.client, "steal"))


def test_what_happened_since_the_kill_decides_about_the_alias(registry: Registry) -> None:
    _, run_id = interrupted(registry, "newer")
    registry.add("newer", seed=1)
    assert register(registry.client, "newer", run_id).aliases == ()
    assert versions.get(registry.client, "newer", "challenger").number == 2

    version, run_id = interrupted(registry, "promoted")
    verdict = promotion.judge(registry.client, "promoted", str(version.number), NO_GATES)
    promotion.promote(registry.client, verdict)
    assert register(registry.client, "promoted", run_id).aliases == ("champion",)

    registry.add("retired", seed=1)
    version, run_id = interrupted(registry, "retired")
    retirement.retire(registry.client, "retired", str(version.number), "")
    assert register(registry.client, "retired", run_id).aliases == ()
    assert versions.get(registry.client, "retired", "challenger").number == 1


def bundle_of(version: Version) -> Path:
    """The folder in the store that holds a version's bundle."""
    client = connect()
    source = client.get_model_version(version.name, str(version.number)).source
    model = client.get_logged_model(source.removeprefix("models:/"))
    return Path(model.artifact_location.removeprefix("file://")) / "artifacts/bundle"


def test_a_version_whose_files_are_damaged_does_not_become_challenger(registry: Registry) -> None:
    version, run_id = interrupted(registry, "damaged")
    weights = bundle_of(version) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    for _ in range(2):
        with pytest.raises(
            UserError, match=r"models:/damaged/1: artifacts/bundle/weights\.safetensors: damaged or cut short"
        ):
            register(registry.client, "damaged", run_id)
    assert versions.get(registry.client, "damaged", "1").aliases == ()
    whole, _ = registry.add("swapped", seed=0)
    small_bundle(9).save(bundle_of(whole))
    with pytest.raises(UserError, match="another bundle than was registered"):
        registry.add("swapped", seed=0)


KILL = """
import os, signal, sys
import pytest
from tests.registry.test_registration import dying, register
from carousel.tracking.store import connect
client = connect()
dying(pytest.MonkeyPatch(), int(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGKILL))
register(client, sys.argv[1], sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [2, 4, 6, 8, 10])
def test_a_killed_process_leaves_nothing_that_the_next_one_does_not_finish(registry: Registry, after: int) -> None:
    name = f"process-{after}"
    run_id = a_run(registry.client, name)
    source = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", KILL, name, run_id, str(after)], env=os.environ | {"PYTHONPATH": source}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    version = register(registry.client, name, run_id)
    assert (version.number, version.aliases, version.is_complete) == (1, ("challenger",), True)
    whole = a_run(registry.client, f"{name}-whole")
    register(registry.client, f"{name}-whole", whole)
    assert str(state(registry.client, name, run_id)) == str(state(registry.client, f"{name}-whole", whole))
