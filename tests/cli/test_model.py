"""The model that a command predicts with: a version's export where it is asked for, else its bundle."""

import pytest

from carousel.cli.model import load_version
from carousel.errors import UserError
from carousel.export.exporting import export
from carousel.files import write_bytes
from carousel.predictor import predictor
from carousel.registry import exports, versions
from tests.support.registry import Registry, registry, small_bundle

__all__ = ["registry"]

TEXTS = ["the dog", "an oak", ""]


def exported(tmp_path, seed):
    bundle, path = small_bundle(seed), tmp_path / f"{seed}.onnx"
    write_bytes(path, export(bundle, predictor(bundle), path, int8=False).content)
    return path


def test_an_export_predicts_what_the_bundle_does(registry: Registry, tmp_path) -> None:
    version, _ = registry.add("exported", 1)
    assert load_version(version, exported=True).runtime == "torch"  # it has none yet
    exports.log(registry.client, version, exported(tmp_path, 1))
    version = versions.get(registry.client, "exported", "1")
    fast, slow = load_version(version, exported=True), load_version(version)
    assert (fast.runtime, slow.runtime) == ("onnxruntime", "torch")
    assert fast.fingerprint == slow.fingerprint
    assert fast.identity != slow.identity
    for one, other in zip(fast.predictor.predict(TEXTS), slow.predictor.predict(TEXTS), strict=True):
        assert one.classes == other.classes
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)
    assert [fast.predictor.count_tokens(text) for text in TEXTS] == [
        slow.predictor.count_tokens(text) for text in TEXTS
    ]


def test_an_export_of_another_bundle_is_refused(registry: Registry, tmp_path) -> None:
    version, _ = registry.add("mixed", 1)
    exports.log(registry.client, version, exported(tmp_path, 1))
    registry.client.set_model_version_tag("mixed", "1", versions.FINGERPRINT, "0" * 64)
    with pytest.raises(UserError, match="its export fp32 is of another bundle"):
        load_version(versions.get(registry.client, "mixed", "1"), exported=True)
