"""MLflow's environment variables: those that would send a run elsewhere, and those that have no valid value."""

import os
import sys

from carousel.errors import UserError

# `mlflow run` sets the first three, notebooks the others. A run belongs to the experiment of registry.name, and
# later stages find it by models/run.json
IGNORED = (
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_ACTIVE_MODEL_ID",
    "_MLFLOW_ACTIVE_MODEL_ID",
)


def ignore() -> None:
    """Take the variables out of this process's environment that would choose another run, and name them."""
    found = [name for name in IGNORED if os.environ.pop(name, None)]
    if found:
        print(
            f"warning: {', '.join(found)} of the environment ignored: registry.name in params.yaml decides where "
            "runs go",
            file=sys.stderr,
        )


def check() -> None:
    """Check that each variable of MLflow has a value that MLflow can read.

    Raises:
        UserError: naming the first one that has not.
    """
    try:
        from mlflow import environment_variables
    except ValueError as error:  # MLflow reads some when it is imported
        raise UserError(f"MLflow cannot be imported: {error}; correct or unset its environment variable") from error
    for variable in vars(environment_variables).values():
        if isinstance(variable, environment_variables._EnvironmentVariable) and variable.name in os.environ:
            try:
                variable.get()  # type: ignore[no-untyped-call]
            except ValueError as error:
                raise UserError(f"environment variable {variable.name}: {error}; correct or unset it") from error
