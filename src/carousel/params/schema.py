"""All of params.yaml, and the hyperparameters among it. A task subclasses both with its own sections."""

import io
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, model_validator

from carousel.params.sections import (
    Baseline,
    Encode,
    Model,
    Promotion,
    Registry,
    Section,
    Split,
    Tokenizer,
    Train,
    Vectors,
    Vocab,
)  # fmt: skip
from carousel.params.source import Source
from carousel.params.space import Range, check_conditions, choices, is_whole
from carousel.params.suggestions import nearest
from carousel.params.sweep import Sweep
from carousel.task_modules import module


class Params(Section):
    """The whole of params.yaml."""

    task: str
    data: Source
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

    @property
    def hparams(self) -> "Hparams":
        """The hyperparameters among them."""
        hparams: type[Hparams] = module(self.task, "params").Hparams
        return hparams(task=self.task, model=self.model, train=self.train)

    @model_validator(mode="after")
    def _space_fits_the_params(self) -> "Params":
        for key, searched in self.sweep.space.items():
            check_searchable(key, type(self))
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
        check_conditions(self.sweep.space)
        return self


class Hparams(Section):
    """The hyperparameters that a model is trained with: params.yaml's, or a sweep's winner."""

    task: str
    model: Model
    train: Train

    def to_yaml(self) -> str:
        """Return the text of artifacts/hparams.yaml."""
        from ruamel.yaml import YAML

        yaml, content = YAML(), io.StringIO()
        yaml.dump(self.model_dump(), content)
        return f"# What the sweep stage chose; `carousel pin` writes it into params.yaml\n{content.getvalue()}"


P = TypeVar("P", bound=Section)

UNSCORED = "train.refit"  # the refit learns from validation's documents, so they cannot score it
TEACHER = "train.teacher"  # its predictions are part of the encoded data, which all trials share


def searchable(schema: type[BaseModel]) -> list[str]:
    """Return the keys of a schema that a sweep may search."""
    sections = {name: _section(schema, name).model_fields for name in ("model", "train")}
    keys = [f"{name}.{key}" for name, fields in sections.items() for key in fields]
    return [key for key in keys if key not in (UNSCORED, TEACHER)]


def check_searchable(key: str, schema: type[BaseModel]) -> None:
    """Raise a ValueError when `key` is not one that a sweep may search."""
    known = searchable(schema)
    if key in known:
        return
    if key == UNSCORED:
        raise ValueError(
            f"sweep.space.{key}: a trial is scored by validation's documents, and never learns from them: "
            "take the key out of the space"
        )
    if key == TEACHER:
        raise ValueError(
            f"sweep.space.{key}: its predictions are part of the data, which all trials share; "
            f"search it with `dvc exp run --queue -S '{key}=A,B'`"
        )
    section = key.split(".", maxsplit=1)[0]
    if section in Params.model_fields and section not in ("model", "train"):
        raise ValueError(
            f"sweep.space.{key}: a sweep searches model.* and train.* only, since other keys change the data; "
            f"search it with `dvc exp run --queue -S '{key}=A,B'`"
        )
    raise ValueError(f"sweep.space.{key}: unknown key{nearest(key, known)}")


def _section(schema: type[BaseModel], name: str) -> type[BaseModel]:
    section = schema.model_fields[name].annotation
    assert isinstance(section, type)
    assert issubclass(section, BaseModel)
    return section


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
        flat |= {f"{section}.{k}": v for k, v in values.items()} if isinstance(values, dict) else {section: values}
    return flat
