"""The bundle as an MLflow model, "from code": MLflow runs this file, no pickle is involved.

The only file of the inference path that knows MLflow.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel

ARTIFACT = "bundle"
COLUMN = "text"  # of a table that has others, too
FINGERPRINT = "bundle.fingerprint"  # in the model's configuration: of the bundle that was registered


class BundleModel(PythonModel):
    """Returns the predictions for texts, or for whatever else the task predicts from."""

    def load_context(self, context: Any) -> None:
        """Load the bundle that is the model's artifact, and verify that it is the one that was registered."""
        from carousel.bundle.bundle import BundleError
        from carousel.predictor import predictor, read

        bundle = read(Path(context.artifacts[ARTIFACT]))
        recorded = (context.model_config or {}).get(FINGERPRINT)
        if bundle.fingerprint != recorded:
            raise BundleError(
                f"{context.artifacts[ARTIFACT]}: holds another bundle than was registered: its fingerprint is "
                f"{bundle.fingerprint}, the model's configuration says {recorded}"
            )
        self.predictor = predictor(bundle)

    # The annotation is one that MLflow derives no schema from. With a schema of one string, MLflow would take the
    # first column of any table, and make the text "None" of a missing value, before this method sees the input
    def predict(self, context, model_input: pd.DataFrame, params=None):  # type: ignore[no-untyped-def]
        """Return the prediction for each input, in order: for a text its label, probability, all probabilities.

        Args:
            context: unused.
            model_input: as `inputs` takes it.
            params: unused.
        """
        predictions: list[Any] = list(self.predictor.predict(inputs(model_input, self.predictor.check)))
        return [asdict(one) for one in predictions]


def inputs(given: Any, check: Callable[[Any], str | None]) -> list[Any]:
    """Return the inputs in what MLflow or its server was given.

    Args:
        given: a text; inputs in a list, Series or array; or a table (DataFrame, dictionary of columns, list of
            records), of which the column `text` is taken, or its only one.
        check: returns why a value cannot be an input of the model; None if it can.

    Raises:
        MlflowException: for a table without such a column, or for a value that cannot be an input.
    """
    if isinstance(given, str):
        values: Iterable[Any] = [given]
    elif isinstance(given, np.ndarray):
        values = _elements(given)
    elif isinstance(given, dict) or hasattr(given, "columns"):
        values = _column(given)
    elif isinstance(given, list) and given and all(isinstance(value, dict) for value in given):
        values = _column(pd.DataFrame(given))
    elif isinstance(given, Iterable) and not isinstance(given, bytes | set | frozenset):  # sets have no order
        values = given
    else:
        raise _refused(f"texts are wanted, not {type(given).__name__}")
    return [_input(value, number, check) for number, value in enumerate(values, 1)]


def _column(table: Any) -> Iterable[Any]:
    names = list(table if isinstance(table, dict) else table.columns)
    if names.count(COLUMN) != 1 and len(names) != 1:
        raise _refused(
            f"which column holds the texts? One of several should be named {COLUMN!r}, and only one; there are "
            f"{', '.join(map(repr, names)) or 'none'}"
        )
    column = table[COLUMN if COLUMN in names else names[0]]
    if isinstance(column, np.ndarray):
        return _elements(column)
    if isinstance(column, str) or not isinstance(column, Iterable):
        return [column]
    return column


def _elements(array: "np.ndarray[Any, Any]") -> list[Any]:
    """Return the elements of an array of one column.

    MLflow's server makes an array of the list in `inputs` or `instances`, and beside texts NumPy turns numbers and
    NaN into texts: an array in which that may have happened is refused.
    """
    if array.ndim > 1 and array.size != len(array):
        raise _refused(f"an array of shape {array.shape}: one column of texts is wanted")
    values: list[Any] = array.reshape(-1).tolist()
    if array.dtype.kind == "U":
        width = array.dtype.itemsize // 4
        for number, value in enumerate(values, 1):
            if _may_be_a_number(value, width):
                raise _refused(
                    f"text {number}: {value!r} may have been a number or a missing value, which an array of "
                    "strings cannot tell from text: give Python a list, or the server `dataframe_split`"
                )
    return values


def _may_be_a_number(text: str, width: int) -> bool:
    """Return whether NumPy may have made a text of an array of this width from another value."""
    if text in ("True", "False"):
        return width >= 5
    if width < 20:  # NumPy makes room for any integer of 64 bits
        return False
    try:
        return str(float(text)) == text or str(int(text)) == text
    except ValueError:
        return False


def _input(value: Any, number: int, check: Callable[[Any], str | None]) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):  # noqa: PLR0124
        raise _refused(f"text {number}: is missing")
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if reason := check(value):
        raise _refused(f"text {number}: {reason}")
    return str(value) if isinstance(value, str) else value  # not a subclass, such as NumPy's


def _refused(reason: str) -> MlflowException:
    return MlflowException(reason, error_code=INVALID_PARAMETER_VALUE)


set_model(BundleModel())
