"""An exported model is read whole and verified, or refused in a line."""

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from carousel.errors import UserError
from carousel.export.exporting import export
from carousel.runtime import load
from carousel.runtime.model_file import ModelFile, ModelFileError
from tests.support.classifiers import make


@pytest.fixture(scope="module")
def made():
    return make()


@pytest.fixture(scope="module")
def content(made):
    return export(made.to_bundle(), made, Path("m.onnx"), int8=False).content


def altered(content, change):
    model = onnx.load_from_string(content)
    change(model, {each.key: each for each in model.metadata_props})
    return model.SerializeToString()


def test_a_file_has_the_bundles_parts_and_fingerprints(made, content):
    bundle, file = made.to_bundle(), ModelFile.read(content, Path("m.onnx"))
    assert file.parts == bundle.parts
    assert file.description.files == bundle.fingerprints
    assert file.description.bundle == bundle.fingerprint
    assert file.description.config == json.loads(json.dumps(bundle.config))


def test_a_file_predicts_and_describes_itself_as_its_bundle(tmp_path, made, content):
    (tmp_path / "m.onnx").write_bytes(content)
    loaded = load(tmp_path / "m.onnx")
    texts = ["the cat sat", "", "ça 日本 the mat . .", "nothing known"]
    for expected, found in zip(made.predict(texts), loaded.predict(texts), strict=True):
        assert found.label == expected.label
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    for name in ("architecture", "size", "parameters", "columns", "labels"):
        assert getattr(loaded, name) == getattr(made, name)
    assert loaded.has_known_word("cat")
    assert not loaded.has_known_word("dog")
    assert loaded.check(3) == made.check(3)


def test_torch_is_never_imported(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    code = (
        "import sys; from pathlib import Path; from carousel.runtime import load; "
        f"print(load(Path({str(tmp_path / 'm.onnx')!r})).predict(['the cat'])[0].label); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'mlflow', 'polars', 'onnx')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_foreign_parts_a_foreign_configuration_and_another_graph_are_refused(content):
    def part(_model, metadata):
        other = make(words=("the", "dog"))
        foreign = export(other.to_bundle(), other, Path("m.onnx"), int8=False).content
        model = onnx.load_from_string(foreign)
        metadata["carousel.part.vocab.txt"].value = next(
            each.value for each in model.metadata_props if each.key == "carousel.part.vocab.txt"
        )

    def configuration(_model, metadata):
        described = metadata["carousel.description"]
        described.value = described.value.replace('"max_length": 12', '"max_length": 13')

    def graph(model, _metadata):
        model.graph.initializer[0].raw_data = bytes(len(model.graph.initializer[0].raw_data))

    for change, name in ((part, "vocab.txt"), (configuration, "bundle.json"), (graph, "graph")):
        with pytest.raises(ModelFileError, match=rf"{name} does not belong to this model"):
            ModelFile.read(altered(content, change), Path("m.onnx"))


def test_anything_else_is_refused_in_a_line(tmp_path, content):
    plain = altered(content, lambda model, _metadata: model.ClearField("metadata_props"))
    for damaged in (b"", b"no onnx", content[:-7], content[: len(content) // 2], plain, b"\xff" * 64):
        with pytest.raises(ModelFileError, match="not an exported model, or damaged"):
            ModelFile.read(damaged, Path("m.onnx"))
    with pytest.raises(UserError, match="carousel export"):
        load(tmp_path / "none.onnx")
