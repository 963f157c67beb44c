"""The bundle as an MLflow model, "from code": MLflow runs this file, no pickle is involved.

The only file of the inference path that knows MLflow.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

ARTIFACT = "bundle"
FINGERPRINT = "bundle.fingerprint"  # in the model's configuration: of the bundle that was registered


class BundleModel(PythonModel):
    """Answers label, probability and all probabilities for plain strings."""

    def load_context(self, context: Any) -> None:
        """Load the bundle that is the model's artifact, and verify that it is the one that was registered."""
        from carousel.bundle.bundle import Bundle, BundleError

        self.bundle = Bundle.load(Path(context.artifacts[ARTIFACT]))
        recorded = (context.model_config or {}).get(FINGERPRINT)
        if self.bundle.fingerprint != recorded:
            raise BundleError(
                f"{context.artifacts[ARTIFACT]}: holds another bundle than was registered: its fingerprint is "
                f"{self.bundle.fingerprint}, the model's configuration says {recorded}"
            )

    # MLflow takes the input's schema from the annotation, and the output's from the example: an annotation
    # of the output could not say which probabilities there are
    def predict(self, context, model_input: list[str], params=None):  # type: ignore[no-untyped-def]
        """Return label, probability and probabilities (by label) of each text."""
        return [asdict(prediction) for prediction in self.bundle.predict(model_input)]


set_model(BundleModel())
