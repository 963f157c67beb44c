"""The model that a student learns from: found, verified, and checked against the student's data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carousel import layout
from carousel.errors import UserError
from carousel.files import write_json
from carousel.predictor import Predictor
from carousel.registry import model_ref
from carousel.task import Task
from carousel.tracking.lineage import data_digests


@dataclass(frozen=True)
class Teacher:
    """A teacher, and by which facts it is found again.

    Attributes:
        model: `models:/NAME/NUMBER`, whatever alias named it, or a bundle's folder.
        fingerprint: of its bundle.
        predictor: the model.
    """

    model: str
    fingerprint: str
    predictor: Predictor

    def save(self, path: Path = layout.TEACHER) -> None:
        """Write down which model it is, for later stages."""
        write_json(path, {"model": self.model, "fingerprint": self.fingerprint})


def find(named: str, task: Task[Any], registered: str) -> Teacher:
    """Find a teacher and load it.

    Args:
        named: as `model_ref.find` takes it: a number, an alias, `models:/NAME@ALIAS`, a bundle's folder.
        task: of the student.
        registered: the registered model that numbers and aliases are of.

    Raises:
        UserError: when there is no such model, it is of another task, or it was tested on other data: then it may
            have learned from what the student will be tested on.
    """
    try:
        ref = model_ref.find(named, registered)
        bundle = ref.load()
    except UserError as error:
        raise UserError(f"train.teacher: {error}") from error
    if bundle.task != task.name:
        raise UserError(
            f"train.teacher: {ref.title} is a model of task {bundle.task}, and params.yaml is of task {task.name}: "
            f"name a {task.noun}"
        )
    tested = ref.tested_on()
    if tested is not None and tested != data_digests()["test"]:
        raise UserError(
            f"train.teacher: {ref.title} was tested on another test split, so it may have learned from examples "
            "of this one: train the teacher on the data as they are now"
        )
    model = ref.version.uri if ref.version else str(ref.folder)
    _, predictor = model_ref.describe(ref)
    return Teacher(model, bundle.fingerprint, predictor)
