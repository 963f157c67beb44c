"""`carousel export`: a file that predicts as the bundle does, or none."""

import shutil

import polars as pl
import pytest

from carousel import layout
from carousel.cli import registry as registry_commands
from carousel.cli.export import export
from carousel.errors import Refused, UserError
from carousel.registry import exports, versions
from carousel.runtime import load
from tests.conftest import ROOT
from tests.support.registry import LABELS, registry, small_classifier

OPTIONS = {"int8": False, "step": False, "strings": False, "min_agreement": 0.995, "no_log": False}

__all__ = ["registry"]  # a fixture


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_classifier(1).to_bundle().save(tmp_path / "bundle")
    return str(tmp_path / "bundle")


def test_a_bundle_becomes_a_file_that_predicts_the_same(bundle, tmp_path, capsys):
    export(bundle, tmp_path / "m.onnx", **OPTIONS)
    printed = capsys.readouterr().out
    assert "generated texts, since data/prepared/test.parquet is not here" in printed
    assert "100.00 %" in printed
    assert load(tmp_path / "m.onnx").predict(["the dog"])[0].label in LABELS


def test_the_test_split_is_what_it_is_checked_on(bundle, tmp_path, capsys):
    layout.TEST.parent.mkdir(parents=True)
    documents = pl.DataFrame({"id": ["a", "b"], "text": ["the dog", "an oak"], "label": list(LABELS)})
    documents.write_parquet(layout.TEST)
    export(bundle, tmp_path / "m.onnx", **{**OPTIONS, "int8": True})
    printed = capsys.readouterr().out
    assert "on 2 inputs of the test split" in printed
    assert "accuracy" in printed


def test_predictions_that_differ_too_much_write_nothing(bundle, tmp_path, monkeypatch):
    from carousel.export import exporting

    other = small_classifier(2)
    monkeypatch.setattr(exporting, "content", lambda *_, **__: b"other")
    monkeypatch.setattr(exporting.ModelFile, "read", lambda *_: None)
    monkeypatch.setattr(exporting, "of", lambda _: other)
    with pytest.raises(Refused, match="nothing was written"):
        export(bundle, tmp_path / "m.onnx", **{**OPTIONS, "min_agreement": 1.0})
    assert not (tmp_path / "m.onnx").exists()


def test_what_has_no_step_says_so_in_a_line(bundle, tmp_path):
    with pytest.raises(UserError, match="both directions"):
        export(bundle, tmp_path / "m.onnx", **{**OPTIONS, "step": True})
    with pytest.raises(UserError, match="is a folder"):
        export(bundle, tmp_path, **OPTIONS)


def test_a_version_keeps_its_export(registry, tmp_path, capsys):
    shutil.copy(ROOT / "params.yaml", ".")
    version, _ = registry.add("typed", 1)
    export(f"models:/typed/{version.number}", tmp_path / "a.onnx", **{**OPTIONS, "no_log": True})
    assert exports.kinds(versions.get(registry.client, "typed", version.number)) == []
    export(f"models:/typed/{version.number}", tmp_path / "b.onnx", **OPTIONS)
    assert "kept with typed version 1 as its export fp32" in capsys.readouterr().out
    kept = exports.fetch(versions.get(registry.client, "typed", version.number), "fp32", tmp_path / "kept")
    registry_commands.versions(name="typed", history=False, as_json=False)
    assert "exports" in capsys.readouterr().out
    assert kept.read_bytes() == (tmp_path / "b.onnx").read_bytes()
