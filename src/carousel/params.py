"""The typed form of params.yaml: the only place where a person writes hyperparameters."""

import difflib
import io
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from carousel.errors import UserError

PARAMS_FILE = Path("params.yaml")
HPARAMS_FILE = Path("artifacts/hparams.yaml")

Fraction = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(gt=0)]
Cell = Literal[
    "lstm", "gru", "rnn", "min_gru", "min_lstm", "qrnn", "esn", "reference_lstm", "reference_gru"
]  # the keys of nn.cells.CELLS
Encoder = Literal["recurrent", "convolutional", "transformer", "bag"]  # the keys of nn.encoders.ENCODERS
SplitName = Literal["train", "val", "test"]


class Section(BaseModel):
    """A section of params.yaml. Unknown keys are mistakes, and no value is silently made to fit its type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


S = TypeVar("S", bound=Section)


class Data(Section):
    """Where the documents come from."""

    source: Literal["stdlib_docs", "file"] = "stdlib_docs"
    path: str = "data/stdlib_docs.yaml"
    format: Literal["auto", "csv", "tsv", "jsonl", "parquet", "lines"] = "auto"
    text: str = "text"
    label: str = "label"
    splits: dict[SplitName, str | None] = {}
    split_column: str | None = None
    max_rejected: int = Field(default=100, ge=0)

    @property
    def given(self) -> dict[SplitName, str]:
        """The splits that have a file; null is none."""
        return {split: name for split, name in self.splits.items() if name is not None}

    @model_validator(mode="after")
    def _splits_name_train(self) -> "Data":
        if self.given and "train" not in self.given:
            raise ValueError("data.splits names files but none for train")
        if self.given and self.split_column:
            raise ValueError("data.splits and data.split_column both say how to split: keep one")
        return self


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
    """How text becomes tokens."""

    name: Literal["basic_english", "english_identifiers", "split"] = "basic_english"


class Vocab(Section):
    """Which tokens of the training split get an id of their own."""

    min_count: Positive = 2
    max_size: Annotated[int, Field(ge=3)] = 30_000


class Vectors(Section):
    """Pretrained word vectors: a file in data/vectors, or none."""

    file: str | None = None
    freeze_epochs: int = Field(default=0, ge=0)


class Encode(Section):
    """How documents become ids; `text.cut` says what a document longer than `max_length` keeps."""

    max_length: Positive = 256
    long: Literal["head", "head_tail", "whole"] = "head"


class Model(Section):
    """The classifier; an encoder leaves alone what is no part of it, such as the cell of a bag of words."""

    encoder: Encoder = "recurrent"
    cell: Cell = "lstm"
    embedding_size: Positive = 128
    hidden_size: Positive = 128
    layers: Positive = 1
    bidirectional: bool = True
    pooling: Literal["max_mean", "max", "mean", "last", "last_max_mean", "attention"] = "max_mean"
    dropout: Probability = 0.5
    embedding_dropout: Probability = 0.4
    word_dropout: Probability = 0.3
    bigram_buckets: int = Field(default=16_384, ge=0)
    orthogonal: bool = True
    xavier: bool = True
    forget_bias: Annotated[float, Field(ge=0)] = 1.0
    spectral_radius: Annotated[float, Field(gt=0)] = 0.9
    heads: Positive = 4
    reading: Literal["whole", "chunks", "carried"] = "whole"
    chunk: Positive = 256
    overlap: int = Field(default=32, ge=0)

    @model_validator(mode="after")
    def _its_parts_fit(self) -> "Model":
        if self.reading == "chunks" and self.overlap >= self.chunk:
            raise ValueError(
                f"model.overlap: chunks of {self.chunk} words cannot overlap by {self.overlap}: lower it, or raise "
                "model.chunk"
            )
        if self.reading == "carried" and self.encoder != "recurrent":
            raise ValueError(
                f"model.reading: a {self.encoder} encoder has no state to be carried on: take chunks or whole"
            )
        if self.encoder == "transformer" and self.hidden_size % self.heads:
            raise ValueError(
                f"model.heads: {self.heads} heads do not divide model.hidden_size {self.hidden_size}: change one"
            )
        return self


class Train(Section):
    """How it is trained."""

    epochs: Positive = 12
    patience: Positive = 5
    batch_tokens: Positive = 1024
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.004
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.01
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    class_weights: Literal["none", "balanced"] = "none"
    label_smoothing: Probability = 0.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 0


class Between(Section):
    """The values of another key, both ends included, with which a key of `sweep.space` is searched."""

    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> "Between":
        if self.low is None and self.high is None:
            raise ValueError("says neither low nor high")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        return self


Scalar = bool | int | float | str
Scalars = Annotated[list[Scalar], Tag("[list]")]  # tags in brackets: `_explain` leaves them out of a key's name
Wanted = Annotated[
    Scalars | Annotated[Between, Tag("[between]")], Discriminator(lambda given: _kind(given, "between"))
]


class Choices(Section):
    """Choices of `sweep.space` that are searched only with some values of other keys.

    Attributes:
        choices: one of these.
        when: for each other key of the space, the values with which this one is searched.
    """

    choices: list[Scalar]
    when: dict[str, Wanted] = {}


class Range(Section):
    """A numeric range of `sweep.space`: uniform, or logarithmic, or in steps.

    Attributes:
        low: the lowest value.
        high: the highest value.
        log: whether every order of magnitude is as likely.
        step: between two values.
        when: as for `Choices`.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: dict[str, Wanted] = {}

    @model_validator(mode="after")
    def _is_a_range(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("a log range starts above 0 and has no step")
        if self.step is not None and self.step <= 0:
            raise ValueError("step must be above 0")
        return self


def _kind(given: Any, mapping: str) -> str:
    """Return the tag of the form that a person chose: a list, or a mapping."""
    if isinstance(given, list) or not isinstance(given, dict | Section):
        return "[list]"
    has_choices = "choices" in given if isinstance(given, dict) else isinstance(given, Choices)
    return "[choices]" if has_choices and mapping == "range" else f"[{mapping}]"


Searched = Annotated[
    Scalars | Annotated[Choices, Tag("[choices]")] | Annotated[Range, Tag("[range]")],
    Discriminator(lambda given: _kind(given, "range")),
]
FORMS: dict[Any, type[Section]] = {"[between]": Between, "[choices]": Choices, "[range]": Range}  # by tag
Space = dict[str, Searched]
Objective = Literal["val_accuracy", "val_macro_f1", "val_loss", "ms_per_document", "megabytes"]


class Sweep(Section):
    """The search over `model` and `train` keys. `trials: 0` searches nothing."""

    trials: int = Field(default=0, ge=0)
    epochs: Positive = 3
    sampler: Literal["tpe", "random", "grid", "qmc", "gp", "cmaes", "brute_force"] = "tpe"
    pruner: Literal["median", "percentile", "successive_halving", "hyperband", "patient", "none"] = "median"
    seed: Annotated[int, Field(ge=0)] = 0
    objectives: Annotated[list[Objective], Field(min_length=1)] = ["val_accuracy"]
    choose: dict[Objective, float] = {}
    workers: Positive = 1
    recycle: Positive = 20
    max_failures: Positive = 3
    storage: str | None = None
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


COSTS = ("ms_per_document", "megabytes")  # what a model costs, whatever it has learned


class Baseline(Section):
    """TF-IDF with logistic regression, on the same splits."""

    ngrams: Annotated[int, Field(ge=1, le=5)] = 2
    c: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = [1.0, 10.0, 100.0]


class Registry(Section):
    """The registered model's name, also the MLflow experiment's, and how many versions to keep."""

    name: Annotated[str, Field(min_length=1, pattern=r"^[^/:]+$")] = "stdlib-docs"
    keep: Positive = 20


class Promotion(Section):
    """What a version has to show before it becomes champion: a key a gate, and null is no gate."""

    metric: Literal["accuracy", "macro_f1"] = "accuracy"
    floor: Share | None = None
    baseline: bool = False
    not_worse: Share | None = 0.0
    better: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    slices: Share | None = 0.1
    slice_documents: Positive = 50
    size: Factor | None = 2.0
    speed: Factor | None = 2.0
    cases: str | None = None


class Params(Section):
    """The whole of params.yaml."""

    data: Data = Data()
    split: Split = Split()
    tokenizer: Tokenizer = Tokenizer()
    vocab: Vocab = Vocab()
    vectors: Vectors = Vectors()
    encode: Encode = Encode()
    model: Model = Model()
    train: Train = Train()
    sweep: Sweep = Sweep()
    baseline: Baseline = Baseline()
    registry: Registry = Registry()
    promotion: Promotion = Promotion()

    @model_validator(mode="after")
    def _long_documents_can_be_read(self) -> "Params":
        if self.encode.long == "whole" and self.model.encoder == "transformer" and self.model.reading == "whole":
            raise ValueError(
                "model.reading: a transformer's cost grows with the square of a document's length, and encode.long "
                "is whole: set model.reading to chunks, or encode.long to head or head_tail"
            )
        return self

    @model_validator(mode="after")
    def _space_fits_the_params(self) -> "Params":
        for key, searched in self.sweep.space.items():
            check_searchable(key)
            edges = [searched.low, searched.high] if isinstance(searched, Range) else choices(searched)
            if not edges:
                raise ValueError(f"sweep.space.{key} has no choices")
            whole = isinstance(searched, Range) and is_whole(key)
            numbers = [*edges, searched.step or 1] if isinstance(searched, Range) else []
            if whole and not all(float(number).is_integer() for number in numbers):
                raise ValueError(f"sweep.space.{key}: {key} is a whole number, so its range is, too")
            for edge in edges:
                try:
                    replace(self, {key: int(edge) if whole else edge})
                except ValidationError as error:
                    raise ValueError(f"sweep.space.{key}: {edge!r}: {error.errors()[0]['msg']}") from error
        _check_conditions(self.sweep.space)
        return self


class Hparams(Section):
    """The hyperparameters that a model is trained with: params.yaml's, or a sweep's winner."""

    model: Model
    train: Train

    def to_yaml(self) -> str:
        """Return the text of artifacts/hparams.yaml."""
        from ruamel.yaml import YAML

        yaml, content = YAML(), io.StringIO()
        yaml.dump(self.model_dump(), content)
        return f"# What the sweep stage chose; `carousel pin` writes it into params.yaml\n{content.getvalue()}"


P = TypeVar("P", Params, Hparams)

SEARCHABLE = [f"model.{key}" for key in Model.model_fields] + [f"train.{key}" for key in Train.model_fields]


def check_searchable(key: str) -> None:
    """Raise a ValueError when `key` is not one that a sweep may search."""
    if key in SEARCHABLE:
        return
    section = key.split(".", maxsplit=1)[0]
    if section in Params.model_fields and section not in ("model", "train"):
        raise ValueError(
            f"sweep.space.{key}: a sweep searches model.* and train.* only, since other keys change the data; "
            f"search it with `dvc exp run --queue -S '{key}=A,B'`"
        )
    raise ValueError(f"sweep.space.{key}: unknown key{_nearest(key, SEARCHABLE)}")


def choices(searched: Searched) -> list[Scalar]:
    """Return the choices of a list, with or without a condition; a range has none."""
    if isinstance(searched, Range):
        return []
    return searched.choices if isinstance(searched, Choices) else searched


def conditions(searched: Searched) -> dict[str, Wanted]:
    """Return the other keys' values with which a key is searched; none is always."""
    return {} if isinstance(searched, list) else searched.when


def meets(value: Scalar, wanted: Wanted) -> bool:
    """Whether another key's value is one of those that a condition wants."""
    if isinstance(wanted, list):
        return value in wanted
    above = wanted.low is None or (not isinstance(value, str) and value >= wanted.low)
    below = wanted.high is None or (not isinstance(value, str) and value <= wanted.high)
    return above and below


def parents_first(space: Space) -> list[str]:
    """Return the space's keys so that each comes after those that its condition names.

    Raises:
        ValueError: when conditions go round in a circle.
    """
    try:
        order = TopologicalSorter({key: conditions(searched) for key, searched in space.items()}).static_order()
        ranks = {key: rank for rank, key in enumerate(order)}
    except CycleError as error:
        raise ValueError(f"sweep.space: conditions go round in a circle: {' -> '.join(error.args[1])}") from error
    conditional = any(conditions(searched) for searched in space.values())
    return sorted(space, key=lambda key: ranks[key]) if conditional else list(space)


def _check_conditions(space: Space) -> None:
    for key, searched in space.items():
        for other, wanted in conditions(searched).items():
            if other not in space:
                raise ValueError(f"sweep.space.{key}.when.{other}: {other} is not in sweep.space: add it there")
            parent = space[other]
            possible = choices(parent)
            if isinstance(parent, Range):
                edges = wanted if isinstance(wanted, list) else [max(wanted.low or parent.low, parent.low)]
                possible = [
                    edge for edge in edges if not isinstance(edge, str) and parent.low <= edge <= parent.high
                ]
            if not any(meets(value, wanted) for value in possible):
                raise ValueError(
                    f"sweep.space.{key}.when.{other}: no value that sweep.space.{other} can have is there"
                )
    parents_first(space)


def is_whole(key: str) -> bool:
    """Whether a key of `model` or `train` is a whole number."""
    return _field(key).annotation is int


def replace(params: P, values: dict[str, Any]) -> P:
    """Return `params` with the dotted keys in `values` replaced, checked again like params.yaml itself."""
    content = params.model_dump()
    if isinstance(params, Params):
        content["sweep"]["space"] = {}  # it is being checked, or was
    for key, value in values.items():
        section, name = key.split(".")
        content[section][name] = value
    return type(params).model_validate(content)


def flatten(params: BaseModel) -> dict[str, Any]:
    """Return the values under their dotted names, as `dvc exp run -S` and MLflow know them.

    `sweep.space` keeps its keys whole: `sweep.space` is one parameter, not as many as it has choices.
    """
    flat: dict[str, Any] = {}
    for section, values in params.model_dump(mode="json").items():
        flat |= {f"{section}.{key}": value for key, value in values.items()}
    return flat


def load(path: Path = PARAMS_FILE) -> Params:
    """Read and check params.yaml.

    Raises:
        UserError: naming the first wrong key or value, what it should be, and the nearest real key.
    """
    return _validated(Params, path, "write one, or run from the project's root")


def load_hparams(path: Path = HPARAMS_FILE) -> Hparams:
    """Read the hyperparameters that the sweep stage wrote.

    Raises:
        UserError: when they are missing or were edited into something wrong.
    """
    return _validated(Hparams, path, "`dvc repro sweep` writes it")


def _validated(schema: type[S], path: Path, when_missing: str) -> S:
    return validated(schema, read_yaml(path, when_missing), str(path))


def validated(schema: type[S], content: Any, where: str) -> S:
    """Check content that was read from a file.

    Raises:
        UserError: naming the file `where` and its first wrong key or value.
    """
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{where}: {_explain(schema, error)}") from error


def read_yaml(path: Path, when_missing: str) -> Any:
    """Read YAML 1.2, the dialect that DVC reads (`1e-3` is a number, `no` a string)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; {when_missing}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark is not None else ""
        raise UserError(f"{path}: {line}not valid YAML: {getattr(error, 'problem', error)}") from error


def _explain(schema: type[Section], error: ValidationError) -> str:
    """Turn pydantic's first complaint into one line for the person who wrote the file."""
    errors = error.errors()
    first = errors[0]
    # pydantic adds union members' names ("list[union[...]]", "Range") to the location: keep the keys
    parts = [str(part) for part in first["loc"] if not (isinstance(part, str) and "[" in part)]
    where = ".".join(parts)
    if first["type"] == "extra_forbidden":
        form = next((FORMS[part] for part in reversed(first["loc"]) if part in FORMS), None)
        if form is not None:
            return f"{where}: unknown key; known here: {', '.join(form.model_fields)}"
        return f"{where}: unknown key{_nearest(where, _keys(schema))}"
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"{where}: {message}" if str(first["loc"][-1:]).startswith("('[") else message
    if first["type"] == "model_type":
        return f"{where or 'the file'}: should be a mapping of keys to values, not {first['input']!r}"
    return f"{where}: {message[0].lower()}{message[1:]}, not {first['input']!r}"


def _keys(schema: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in schema.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation, f"{prefix}{name}.")
    return keys


def _nearest(wrong: str, real: list[str]) -> str:
    others = [key for key in real if not wrong.startswith(f"{key}.")]  # a key's own section is no answer
    near = difflib.get_close_matches(wrong, others, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(_siblings(wrong, real))}"


def _siblings(wrong: str, real: list[str]) -> list[str]:
    prefix = wrong.rpartition(".")[0]
    same = [key for key in real if key.rpartition(".")[0] == prefix]
    return same or [key for key in real if "." not in key] or real


def _field(key: str) -> Any:
    section, name = key.split(".")
    return (Model if section == "model" else Train).model_fields[name]
