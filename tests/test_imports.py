"""Modules that many processes import load heavy libraries only where they use them."""

import subprocess
import sys

import pytest

HEAVY = {"sklearn", "mlflow", "optuna", "pandas", "plotly", "dvc", "torchtext", "sentencepiece"}
LIGHT = {
    "carousel.cli": {"torch", "numpy", "polars", "scipy", "pytorch_lightning", *HEAVY},
    "carousel.bundle.bundle": {"scipy", "pytorch_lightning", "polars", *HEAVY},
    "carousel.tasks.classification.predictor": {"scipy", "pytorch_lightning", "polars", *HEAVY},
    "carousel.tasks.classification.report": {"scipy", "pytorch_lightning", "matplotlib", *HEAVY},
    "carousel.tasks.classification.task": {"torch", "scipy", "pytorch_lightning", "matplotlib", *HEAVY},
    "carousel.tasks.tagging.task": {"torch", "scipy", "pytorch_lightning", "matplotlib", *HEAVY},
    "carousel.training.fit": HEAVY,
    "carousel.registry.promotion": {"pytorch_lightning", "matplotlib", *HEAVY},
}


@pytest.mark.parametrize("module", LIGHT)
def test_a_module_does_not_import_what_it_may_not_use(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not LIGHT[module] & set(printed.stdout.split())


def test_a_bundle_is_loaded_without_the_compiler_of_torch() -> None:
    code = (
        "import sys; from carousel.nn.initialisation import without_values\n"
        "from carousel.nn.classifier import TextClassifier; from carousel.nn.config import ClassifierConfig\n"
        "with without_values(): model = TextClassifier(ClassifierConfig(9, 2))\n"
        "print({weight.device.type for weight in model.state_dict().values()}, 'torch._dynamo' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["{'meta'}", "False"]
