"""The sections of params.yaml, a field for each key; `data` and `sweep` have modules of their own."""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from carousel.params.names import check_inside, check_model_name, check_path

Fraction = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, lt=1)]
AutoOrProbability = Annotated[
    Annotated[Probability, Tag("[number]")] | Annotated[Literal["auto"], Tag("[word]")],
    Discriminator(lambda given: "[word]" if isinstance(given, str) else "[number]"),
]
Positive = Annotated[int, Field(ge=1)]
UnitInterval = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(gt=0)]
AnyPath = Annotated[str, AfterValidator(check_path)]
ModelName = Annotated[  # of a registered version; in YAML its number is no string
    str, BeforeValidator(lambda given: str(given) if type(given) is int else given), Field(min_length=1)
]
PathInside = Annotated[str, AfterValidator(check_inside)]
Cell = Literal[
    "lstm", "gru", "rnn", "min_gru", "min_lstm", "qrnn", "esn", "reference_lstm", "reference_gru"
]  # the keys of nn.cells.CELLS
Encoder = Literal["recurrent", "convolutional", "transformer", "bag"]  # the keys of nn.encoders.ENCODERS
Normalization = Literal[
    "nfc", "nfkc", "lowercase", "casefold", "strip_accents", "html_breaks", "remove_quotes", "split_identifiers",
    "collapse_spaces",
]  # the keys of text.normalization.STEPS  # fmt: skip


class Section(BaseModel):
    """A section of params.yaml. Unknown keys are mistakes, and no value is silently made to fit its type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


class Split(Section):
    """How documents without a given split are divided."""

    val_fraction: Fraction = 0.1
    test_fraction: Fraction = 0.2
    seed: int = 0

    @model_validator(mode="after")
    def _something_left_to_train_on(self) -> "Split":
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("split.val_fraction + split.test_fraction leave nothing to train on: lower one")
        return self


class Tokenizer(Section):
    """How text becomes tokens; `normalization: null` is the tokenizer's own, or that of the built-in data."""

    name: Literal["unigram", "bpe", "words", "basic_english", "split", "characters", "bytes"] = "unigram"
    normalization: list[Normalization] | None = None
    subwords: Annotated[int, Field(ge=300)] = 8000


class Vocab(Section):
    """Which tokens of the training split get an id of their own, and how many unknown tokens are accepted."""

    min_count: Positive = 2
    max_size: Annotated[int, Field(ge=3, le=1_000_000)] = 30_000
    max_unknown: UnitInterval = 0.5


class Vectors(Section):
    """Pretrained word vectors: a file in data/vectors, or none."""

    file: PathInside | None = None
    freeze_epochs: int = Field(default=0, ge=0)


class Encode(Section):
    """How documents become ids; `text.cut` says what a document longer than `max_length` keeps."""

    max_length: Positive = 512
    truncation: Literal["head", "head_tail", "none"] = "head"


class Model(Section):
    """The network: what those of all tasks have; each task adds its own keys."""

    encoder: Encoder = "recurrent"
    cell: Cell = "lstm"
    embedding_size: Positive = 128
    hidden_size: Positive = 128
    layers: Positive = 1
    bidirectional: bool = True


class Train(Section):
    """How it is trained."""

    epochs: int = Field(default=0, ge=0)
    patience: Positive = 5
    batch_tokens: int = Field(default=0, ge=0)
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.004
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.01
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    refit: Literal["auto", "always", "never"] = "auto"
    teacher: ModelName | None = None
    seed: Annotated[int, Field(ge=0)] = 0


class Baseline(Section):
    """The baseline on the same splits; each task has a section of its own."""


class Registry(Section):
    """The registered model's name, also the MLflow experiment's, and how many versions to keep."""

    name: Annotated[str, AfterValidator(check_model_name)] = "stdlib-docs"
    keep: Positive = 20


class Promotion(Section):
    """What a version has to show before it becomes champion: a key a gate, and null is no gate."""

    metric: str = ""
    floor: UnitInterval | None = None
    baseline: bool = False
    not_worse: UnitInterval | None = 0.0
    better: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    slices: UnitInterval | None = 0.1
    slice_documents: Positive = 50
    size: Factor | None = 2.0
    speed: Factor | None = 2.0
    cases: AnyPath | None = None
