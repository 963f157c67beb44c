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
    return of(ModelFile.load(path))


def of(file: ModelFile) -> "Predictor":
    """Make the predictor of an exported model that was read.

    Raises:
        ModelFileError: when it is of a task that this version does not know, or its parts do not fit.
    """
    if file.task not in TASKS:
        raise ModelFileError(f"{file.path}: is of task {file.task!r}; this version reads {', '.join(TASKS)}")
    made: Predictor = module(file.task, "runtime").from_model(file)
    return made
