import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest

from carousel.errors import UserError
from carousel.registry import registration, versions
from carousel.tracking.store import experiment
from tests.support.registry import Registry, small_bundle, small_classifier


def test_the_same_fingerprint_is_the_same_version(registry: Registry) -> None:
    first, new = registry.add("same", seed=0)
    again, new_again = registry.add("same", seed=0)
    assert (new, new_again) == (True, False)
    assert again == first
    assert len(versions.versions(registry.client, "same")) == 1


def test_a_new_version_is_the_challenger_and_the_one_before_is_not(registry: Registry) -> None:
    registry.add("next", seed=0)
    second, _ = registry.add("next", seed=1)
    assert second.aliases == ("challenger",)
    assert [version.aliases for version in versions.versions(registry.client, "next")] == [("challenger",), ()]


def test_a_version_is_linked_to_its_run_and_carries_its_fingerprint(registry: Registry) -> None:
    version, _ = registry.add("linked", seed=0)
    assert registry.client.get_run(version.run_id).info.run_id == version.run_id
    assert version.tags[versions.FINGERPRINT] == small_bundle(0).fingerprint
    model_id = registry.client.get_model_version("linked", "1").source.removeprefix("models:/")
    model = registry.client.get_logged_model(model_id)
    assert model.source_run_id == version.run_id
    assert '"name": "linked", "version": "1"' in model.tags["mlflow.modelVersions"].replace("1}", '"1"}')


def test_a_version_holds_its_vocabulary_and_no_compiled_code(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    version, _ = registry.add("files", seed=0)
    folder = versions.download(version.uri, str(tmp_path))
    assert (folder / "artifacts/bundle/vocab.txt").read_text().startswith("carousel vocabulary 1\n<pad>\n<unk>\n")
    assert not [*folder.rglob("__pycache__")]
    assert not sys.dont_write_bytecode


def test_a_fetched_bundle_is_the_registered_one_bit_for_bit(registry: Registry) -> None:
    version, _ = registry.add("fetched", seed=3)
    assert versions.fetch(version).fingerprint == small_bundle(3).fingerprint


def test_plain_strings_in_label_and_probabilities_out(registry: Registry) -> None:
    registry.add("plain", seed=0)
    model = mlflow.pyfunc.load_model("models:/plain@challenger")
    texts = ["the dog", "an oak", "", "?"]
    predictions = model.predict(texts)
    expected = small_classifier(0).predict(texts)
    assert [prediction["label"] for prediction in predictions] == [prediction.label for prediction in expected]
    for found, wanted in zip(predictions, expected, strict=True):
        assert found["probabilities"] == pytest.approx(wanted.probabilities, abs=1e-6)
        assert found["probability"] == max(found["probabilities"].values())


def test_pyfunc_loads_only_the_bundle_that_was_registered(registry: Registry) -> None:
    version, _ = registry.add("foreign", seed=0)
    model = registry.client.get_logged_model(
        registry.client.get_model_version("foreign", "1").source.removeprefix("models:/")
    )
    small_bundle(9).save(Path(model.artifact_location.removeprefix("file://")) / "artifacts/bundle")
    with pytest.raises(Exception, match="holds another bundle than was registered"):
        mlflow.pyfunc.load_model(version.uri)


def test_a_version_that_was_not_registered_here_has_no_fingerprint(registry: Registry) -> None:
    version = registry.enter("tagless", seed=0)
    registry.client.delete_model_version_tag("tagless", "1", versions.FINGERPRINT)
    with pytest.raises(UserError, match=r"models:/tagless/1: has no tag bundle\.fingerprint"):
        versions.fetch(versions.get(registry.client, "tagless", version.number))


def test_a_version_has_signature_example_and_pinned_requirements(registry: Registry) -> None:
    version, _ = registry.add("described", seed=0)
    info = mlflow.models.get_model_info(version.uri)
    assert info.signature.inputs is None  # MLflow would enforce it: registry/pyfunc.py says why that must not be
    assert info.signature.outputs is not None
    assert info.saved_input_example_info is not None
    requirements = mlflow.pyfunc.get_model_dependencies(version.uri)
    pinned = [line.split("==")[0] for line in Path(requirements).read_text().split()]
    assert sorted(pinned) == ["mlflow", "numpy", "safetensors", "sentencepiece", "torch"]


def test_a_version_that_does_not_exist_is_told_with_those_that_do(registry: Registry) -> None:
    registry.add("known", seed=0)
    registry.add("known", seed=1)
    with pytest.raises(UserError, match=r"known: has no version '7'; versions: 1, 2; aliases: challenger"):
        versions.get(registry.client, "known", "7")
    with pytest.raises(UserError, match="no registered version yet; `dvc repro` registers one"):
        versions.get(registry.client, "nothing", "champion")
    assert versions.versions(registry.client, "nothing") == []


def test_versions_are_found_by_number_and_alias(registry: Registry) -> None:
    made, _ = registry.add("found", seed=0)
    for name in (1, "1", "challenger", "@challenger"):
        assert versions.get(registry.client, "found", name) == made


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_bundle_of_links_to_read_only_files_is_registered_as_files(
    link: Callable[[Path, Path], None], registry: Registry, tmp_path: Path
) -> None:
    bundle, cache, folder = small_bundle(0), tmp_path / "cache", tmp_path / "bundle"
    bundle.save(cache)
    folder.mkdir()
    for file in cache.iterdir():  # as DVC does with cache.type symlink or hardlink
        file.chmod(0o444)
        link(folder / file.name, file)
    before = {file.name: (file.read_bytes(), file.stat().st_mode) for file in cache.iterdir()}
    name = f"of {link.__name__}"
    with mlflow.start_run(experiment_id=experiment(registry.client, name)) as run:
        version, _ = registration.register(registry.client, name, bundle, folder, run.info.run_id, {})
    assert versions.fetch(version).fingerprint == bundle.fingerprint
    stored = versions.download(f"{version.uri}/artifacts/bundle", str(tmp_path))
    assert not [file for file in stored.iterdir() if file.is_symlink() or not file.stat().st_mode & 0o200]
    assert {file.name: (file.read_bytes(), file.stat().st_mode) for file in cache.iterdir()} == before
