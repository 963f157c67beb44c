"""What an experiment file says: a data set, and what differs from the committed params.yaml. No code."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from bench.results.sets import SETS
from carousel.errors import UserError
from carousel.params import PARAMS_FILE, Params, Section, read_yaml, validated

FOLDER = Path("experiments")
LEVERS = FOLDER / "levers.yaml"

SetName = Literal["stdlib_docs", "trec", "sst2", "mr", "imdb"]  # the keys of SETS


class Experiment(Section):
    """experiments/<set>.yaml.

    Attributes:
        set: the data set.
        phrases: whether to learn from labelled phrases too, which sst2 has.
        params: overrides of params.yaml, nested or dotted; none of `data`, which belongs to the set.
    """

    set: SetName
    phrases: bool = False
    params: dict[str, Any] = Field(default={})


class Lever(Section):
    """One entry of experiments/levers.yaml.

    Attributes:
        params: overrides of params.yaml.
        sets: where to try it; empty is wherever the table's `sets` say.
        phrases: as for `Experiment`.
        note: what a reader of the table should know.
    """

    params: dict[str, Any]
    sets: list[SetName] = Field(default=[])
    phrases: bool = False
    note: str = ""


class Told(Section):
    """A lever that the table's command cannot measure: its effect was measured otherwise, and is told here.

    Attributes:
        effect: in points of accuracy on documents that were not learned from, by set.
        seeds: of the measurement.
        note: what it was, and how it was measured.
    """

    effect: dict[SetName, float]
    seeds: int
    note: str


class Levers(Section):
    """experiments/levers.yaml.

    Attributes:
        sets: the data sets of the table.
        levers: by name.
        told: by name.
        dropped: by name; as `told`, and their code was removed again.
    """

    sets: list[SetName]
    levers: dict[str, Lever]
    told: dict[str, Told] = Field(default={})
    dropped: dict[str, Told] = Field(default={})


def experiment(name: str) -> Experiment:
    """Return a set's tuned experiment; a set without a file has the defaults.

    Raises:
        UserError: for a file that says something else.
    """
    path = FOLDER / f"{name}.yaml"
    if not path.exists():
        return validated(Experiment, {"set": name}, str(path))
    found = validated(Experiment, read_yaml(path, ""), str(path))
    if found.set != name:
        raise UserError(f"{path}: set: says {found.set}; a set's experiment is in experiments/<set>.yaml")
    return found


def levers() -> Levers:
    """Return the table of levers."""
    return validated(Levers, read_yaml(LEVERS, "it names the levers to measure"), str(LEVERS))


def overridden(params: dict[str, Any], where: str) -> Params:
    """Return the committed params.yaml with `params` put over it, but for `sweep`, which is not part of a result.

    Raises:
        UserError: naming `where` and the wrong key.
    """
    content = read_yaml(PARAMS_FILE, "run from the project's root")
    for key, value in params.items():
        section, _, name = key.partition(".")
        if section in ("data", "sweep"):
            raise UserError(f"{where}: params.{key}: an experiment changes the model, not {section}: take it out")
        values = {name: value} if name else value
        if not isinstance(values, dict):
            raise UserError(f"{where}: params.{key}: should be a mapping of keys to values, not {value!r}")
        content[section] = {**content.get(section, {}), **values}
    content["sweep"] = {"trials": 0}
    return validated(Params, content, where)


assert set(SetName.__args__) == set(SETS)  # type: ignore[attr-defined]
