"""Prediction from an exported model with onnxruntime and numpy alone."""

from pathlib import Path
from typing import TYPE_CHECKING

from carousel.runtime.model_file import ModelFile, ModelFileError
from carousel.task_modules import TASKS, module

if TYPE_CHECKING:
    from carousel.predictor import Predictor


def load(path: Path) -> "Predictor":
    """Read and verify an exported model, and make its predictor.

    Raises:
        ModelFileError: when the file is missing or damaged, or its parts do not belong to it.
    """
    file = ModelFile.load(path)
    if file.task not in TASKS:
        raise ModelFileError(f"{path}: is of task {file.task!r}; this version reads {', '.join(TASKS)}")
    made: Predictor = module(file.task, "runtime").from_model(file)
    return made
