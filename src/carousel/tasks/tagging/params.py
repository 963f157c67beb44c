"""What params.yaml has for tagging, where it differs from other tasks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from carousel import params
from carousel.params.sections import Positive, Probability
from carousel.tasks.tagging.data import Data

Objective = Literal["val_f1", "val_accuracy", "val_exact_match", "val_loss", "ms_per_document", "megabytes"]


class Encode(params.Encode):
    """Nothing is truncated: every token gets a tag."""

    truncation: Literal["none"] = "none"


class Model(params.Model):
    """The network: words and their spelling, a recurrent encoder, a CRF."""

    encoder: Literal["recurrent"] = "recurrent"
    embedding_size: Positive = 100
    hidden_size: Positive = 128
    feature_size: Positive = 100
    feature_rows: Positive = 16384
    pooling: Literal["max_mean", "max", "mean", "last", "last_max_mean", "attention"] = "max_mean"
    dropout: Probability = 0.5
    embedding_dropout: Probability = 0.5
    word_dropout: Annotated[float, Field(ge=0)] = 0.25
    feature_dropout: Probability = 0.2
    crf: bool = True
    scheme: Literal["bio", "iobes"] = "iobes"


class Train(params.Train):
    """How it is trained."""

    epochs: int = Field(default=8, ge=0)
    batch_tokens: int = Field(default=600, ge=0)

    @model_validator(mode="after")
    def _no_teacher(self) -> "Train":
        if self.teacher is not None:
            raise ValueError(
                "train.teacher: a model of task tagging cannot learn from a teacher, only one of task "
                "classification can: leave it empty"
            )
        return self


class Sweep(params.Sweep):
    """The search; a trial is judged by these objectives."""

    objectives: Annotated[list[Objective], Field(min_length=1)] = ["val_f1"]  # type: ignore[assignment]
    choose: dict[Objective, float] = {}  # type: ignore[assignment]


class Baseline(params.Baseline):
    """A CRF on hand-written features; `ap` is the averaged perceptron."""

    algorithm: Literal["ap", "lbfgs"] = "ap"
    iterations: Positive = 10


class Promotion(params.Promotion):
    """The gates; `metric` is what most of them measure."""

    metric: Literal["f1", "accuracy", "exact_match"] = "f1"


class Params(params.Params):
    """The whole of params.yaml."""

    task: Literal["tagging"] = "tagging"
    data: Data = Data()
    encode: Encode = Encode()
    model: Model = Model()
    train: Train = Train()
    sweep: Sweep = Sweep()
    baseline: Baseline = Baseline()
    promotion: Promotion = Promotion()


class Hparams(params.Hparams):
    """The hyperparameters that a tagger is trained with."""

    task: Literal["tagging"] = "tagging"
    model: Model
    train: Train
