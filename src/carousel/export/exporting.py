"""A bundle's exported model: built, loaded as it will be, and compared with the bundle."""

from dataclasses import dataclass
from pathlib import Path

from carousel.bundle.bundle import Bundle
from carousel.export.write import content
from carousel.predictor import Predictor
from carousel.runtime import of
from carousel.runtime.model_file import ModelFile
from carousel.task_modules import module


@dataclass(frozen=True)
class Exported:
    """An exported model that is not written yet.

    Attributes:
        content: of the file.
        predictor: of the model.
    """

    content: bytes
    predictor: Predictor


def export(
    bundle: Bundle, predictor: Predictor, path: Path, *, int8: bool, step: bool = False, strings: bool = False
) -> Exported:
    """Return a bundle as an exported model.

    Args:
        bundle: to export.
        predictor: of the bundle.
        path: that the file will have, for messages.
        int8: whether weights have eight bits.
        step: whether the model reads on from a state, and returns the next one.
        strings: whether the graph takes texts.

    Raises:
        UserError: when the model has something that cannot be exported.
    """
    graph = module(bundle.task, "export").build(predictor, int8=int8, step=step, strings=strings)
    written = content(graph, bundle, predictor, int8=int8, step=step, strings=strings)
    return Exported(written, of(ModelFile.read(written, path)))
