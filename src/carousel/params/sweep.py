"""The `sweep` section of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from carousel.errors import UserError
from carousel.params.sections import Positive, Section
from carousel.params.space import Scalar, Space
from carousel.url import Url

Objective = str  # a task names its own
STORAGE = "CAROUSEL_SWEEP_STORAGE"  # the environment variable that takes the place of sweep.storage
COSTS = ("ms_per_document", "megabytes")  # what a model costs, whatever it has learned


class Sweep(Section):
    """The search over `model` and `train` keys. `trials: 0` searches nothing."""

    trials: int = Field(default=0, ge=0)
    epochs: Positive = 6
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    sampler: Literal["tpe", "random", "grid", "qmc", "gp", "cmaes", "brute_force"] = "tpe"
    pruner: Literal["median", "percentile", "successive_halving", "hyperband", "patient", "none"] = "median"
    seed: Annotated[int, Field(ge=0)] = 0
    objectives: Annotated[list[Objective], Field(min_length=1)] = ["val_loss"]
    choose: dict[Objective, float] = {}
    workers: Positive = 1
    recycle: Positive = 20
    max_failures: Positive = 3
    storage: Url | None = None
    enqueue: list[dict[str, Scalar]] = []
    space: Space = {}

    @model_validator(mode="after")
    def _objectives_fit_together(self) -> "Sweep":
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError("sweep.objectives names one twice")
        if len(self.objectives) > 1 and self.pruner != "none" and self.trials:
            raise ValueError("sweep.pruner: a trial with several objectives cannot be pruned: set it to none")
        if self.objectives[0] in COSTS and len(self.objectives) == 1:
            raise ValueError(
                f"sweep.objectives: {self.objectives[0]} alone is best where nothing is learned: add another"
            )
        for objective in self.choose:
            if objective not in self.objectives:
                raise ValueError(f"sweep.choose.{objective}: is not one of sweep.objectives")
        if len(self.choose) == len(self.objectives):
            raise ValueError("sweep.choose limits every objective: leave one out, and its best is chosen")
        return self

    def check_storage(self) -> None:
        """Check `storage`: DVC writes this section into dvc.lock, and git has params.yaml.

        Raises:
            UserError: when it is malformed or holds a password.
        """
        if self.storage is None:
            return
        where = f"params.yaml: sweep.storage: {self.storage}"
        if fault := self.storage.fault():
            raise UserError(f"{where.removesuffix(': ')} {fault}; null is a file in .carousel")
        if self.storage.has_secret:
            raise UserError(
                f"{where} holds a password, which dvc.lock and git would keep: take it out, and set {STORAGE} to "
                "the whole URL, or use PGPASSWORD or ~/.pgpass"
            )
