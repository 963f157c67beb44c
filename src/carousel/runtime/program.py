"""A graph in an ONNX Runtime session of one thread, which waits for work without spinning."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from carousel.runtime.model_file import ModelFileError

Array = npt.NDArray[Any]


class Program:
    """A graph that is ready to run.

    Args:
        content: of an ONNX file.
        path: of the file, for messages.
        strings: whether it has operators on strings, those of onnxruntime-extensions.

    Raises:
        ModelFileError: when ONNX Runtime cannot load it.
    """

    def __init__(self, content: bytes, path: Path, *, strings: bool = False) -> None:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; it warns of constants that its own optimizations left unused
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if strings:
            options.register_custom_ops_library(_extensions(path))
        try:
            self._session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelFileError(f"{path}: ONNX Runtime cannot load it: {' '.join(str(error).split())}") from error
        self._session._model_bytes = None  # kept for other providers to fall back on; megabytes
        self._inputs = {given.name for given in self._session.get_inputs()}

    def takes(self, name: str) -> bool:
        """Return whether the graph has an input of that name."""
        return name in self._inputs

    def run(self, **inputs: Array) -> list[Array]:
        """Return the graph's outputs."""
        found: list[Array] = self._session.run(None, inputs)
        return found


def _extensions(path: Path) -> str:
    try:
        from onnxruntime_extensions import get_library_path
    except ImportError as error:
        raise ModelFileError(
            f"{path}: takes texts, by operators of onnxruntime-extensions, which is not installed: "
            "pip install onnxruntime-extensions"
        ) from error
    library: str = get_library_path()
    return library


def softmax(logits: Array) -> npt.NDArray[np.float64]:
    """Return probabilities (*, classes) of logits."""
    exact = logits.astype(np.float64)
    powers = np.exp(exact - exact.max(-1, keepdims=True))
    probabilities: npt.NDArray[np.float64] = powers / powers.sum(-1, keepdims=True)
    return probabilities
