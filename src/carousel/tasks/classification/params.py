"""What params.yaml has for text classification, where it differs from other tasks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from carousel import params
from carousel.params.sections import AutoOrProbability, Positive, Probability, UnitInterval
from carousel.tasks.classification.data import Data

Objective = Literal["val_accuracy", "val_macro_f1", "val_loss", "ms_per_document", "megabytes"]


class Model(params.Model):
    """The classifier; an encoder leaves alone what is no part of it, such as the cell of a bag of words."""

    pooling: Literal["max_mean", "max", "mean", "last", "last_max_mean", "attention"] = "max_mean"
    dropout: Probability = 0.5
    embedding_dropout: Probability = 0.4
    word_dropout: Probability = 0.3
    ngrams: int = Field(default=2, ge=0, le=5)
    ngram_min_df: Positive = 1
    ngram_weight: AutoOrProbability = "auto"
    characters: int = Field(default=5, ge=0, le=5)
    orthogonal: bool = True
    xavier: bool = True
    forget_bias: Annotated[float, Field(ge=0)] = 1.0
    spectral_radius: Annotated[float, Field(gt=0)] = 0.9
    heads: Positive = 4
    reading: Literal["full", "chunked", "stateful"] = "full"
    chunk: Positive = 256
    overlap: int = Field(default=32, ge=0)

    @model_validator(mode="after")
    def _its_parts_fit(self) -> "Model":
        if self.reading == "chunked" and self.overlap >= self.chunk:
            raise ValueError(
                f"model.overlap: chunks of {self.chunk} words cannot overlap by {self.overlap}: lower it, or raise "
                "model.chunk"
            )
        if self.reading == "stateful" and self.encoder != "recurrent":
            raise ValueError(
                f"model.reading: a {self.encoder} encoder has no state to carry over: choose full or chunked"
            )
        if self.encoder == "transformer" and self.hidden_size % self.heads:
            raise ValueError(
                f"model.heads: {self.heads} heads do not divide model.hidden_size {self.hidden_size}: change one"
            )
        return self


class Train(params.Train):
    """How it is trained."""

    class_weights: Literal["none", "balanced"] = "none"
    label_smoothing: Probability = 0.0
    distillation: UnitInterval = 0.5
    temperature: Annotated[float, Field(ge=1)] = 1.0
    spelling: bool = True


class Sweep(params.Sweep):
    """The search; a trial is judged by these objectives."""

    objectives: Annotated[list[Objective], Field(min_length=1)] = ["val_accuracy"]  # type: ignore[assignment]
    choose: dict[Objective, float] = {}  # type: ignore[assignment]


class Baseline(params.Baseline):
    """TF-IDF of words and characters with a linear support vector machine, on the same splits."""

    ngrams: Annotated[int, Field(ge=1, le=5)] = 2
    characters: Annotated[int, Field(ge=0, le=8)] = 5
    c: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = [0.1, 0.3, 1.0]


class Promotion(params.Promotion):
    """The gates; `metric` is what most of them measure."""

    metric: Literal["accuracy", "macro_f1"] = "accuracy"


class Params(params.Params):
    """The whole of params.yaml."""

    task: Literal["classification"] = "classification"
    data: Data = Data()
    model: Model = Model()
    train: Train = Train()
    sweep: Sweep = Sweep()
    baseline: Baseline = Baseline()
    promotion: Promotion = Promotion()

    @model_validator(mode="after")
    def _long_documents_can_be_read(self) -> "Params":
        if (
            self.encode.truncation == "none"
            and self.model.encoder == "transformer"
            and self.model.reading == "full"
        ):
            raise ValueError(
                "model.reading: a transformer's cost grows with the square of a document's length, and "
                "encode.truncation is none: set model.reading to chunked, or encode.truncation to head or head_tail"
            )
        return self


class Hparams(params.Hparams):
    """The hyperparameters that a classifier is trained with."""

    task: Literal["classification"] = "classification"
    model: Model
    train: Train
