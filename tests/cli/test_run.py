from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from carousel.cli.run import _flat, _options
from carousel.errors import UserError

VALUES = {
    "data.path": "data/it's \\ odd, [here]: {a=b}.csv",
    "data.text": 3,
    "vectors.file": None,
    "data.label": "ends in \\",
    "data.split_column": "back\\'slash",
    "baseline.c": [0.1, 1.0],
    "train.learning_rate": 0.001,
    "promotion.baseline": True,
    "registry.name": "true",
    "sweep.space": {
        "model.cell": ["lstm", "gru"],
        "train.learning_rate": {"low": 0.001, "high": 0.01, "log": True},
    },
    "sweep.enqueue": [{"model.dropout": 0.4}],
}


def test_dvc_sets_exactly_the_values(tmp_path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(Path("params.yaml").read_text("utf-8"), "utf-8")
    options = [option for key, value in VALUES.items() for option in _options(key, value)]
    apply_overrides(path, options[1::2])
    written = YAML(typ="safe").load(path.read_text("utf-8"))
    for key, value in VALUES.items():
        section, name = key.split(".")
        assert written[section][name] == value, key


@pytest.mark.parametrize("content", [{"data": {"path": "a", "text": 1}}, {"data.path": "a", "data.text": 1}])
def test_keys_are_nested_or_dotted(content: dict) -> None:
    assert _flat(content) == {"data.path": "a", "data.text": 1}


def test_a_file_without_keys_is_refused() -> None:
    with pytest.raises(UserError, match="keys and values"):
        _flat(["a"])
