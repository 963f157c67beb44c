"""A registered version keeps its exported models, and gives them out verified."""

import mlflow
import pytest

from carousel.errors import UserError
from carousel.export.exporting import export
from carousel.registry import exports, versions
from carousel.runtime import load
from tests.support.registry import small_classifier


@pytest.fixture(scope="module")
def logged(registry, tmp_path_factory):
    version, _ = registry.add("kept", 1)
    folder = tmp_path_factory.mktemp("export")
    made = small_classifier(1)
    for int8 in (False, True):
        file = folder / "any.onnx"
        file.write_bytes(export(made.to_bundle(), made, file, int8=int8).content)
        exports.log(registry.client, version, file)
    return registry, versions.get(registry.client, "kept", version.number), made


def test_a_version_knows_which_exports_it_has(logged):
    registry, version, _ = logged
    assert exports.kinds(version) == ["fp32", "int8"]
    other, _ = registry.add("bare", 2)
    assert exports.kinds(other) == []


def test_an_export_comes_back_and_predicts(logged, tmp_path):
    _, version, made = logged
    file = exports.fetch(version, "fp32", tmp_path)
    assert load(file).predict(["the oak"])[0].label == made.predict(["the oak"])[0].label
    assert exports.fetch(version, "fp32-step", tmp_path) is None


def test_a_replaced_file_is_refused(logged, tmp_path):
    registry, version, _ = logged
    path = tmp_path / "int8.onnx"
    path.write_bytes(b"other")
    registry.client.log_artifact(version.run_id, path, exports.FOLDER)
    with pytest.raises(UserError, match="another file than was logged"):
        exports.fetch(version, "int8", tmp_path / "here")


def test_an_export_of_another_bundle_is_not_kept(logged, tmp_path):
    registry, version, _ = logged
    other = small_classifier(2)
    path = tmp_path / "m.onnx"
    path.write_bytes(export(other.to_bundle(), other, path, int8=False).content)
    with pytest.raises(UserError, match="another bundle"):
        exports.log(registry.client, version, path)
    assert isinstance(registry.client, mlflow.MlflowClient)
