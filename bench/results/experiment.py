"""What an experiment file says: a data set, and what differs from the committed params.yaml. No code."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from bench.results.sets import SETS
from carousel import layout
from carousel.errors import UserError
from carousel.params import Section, read_yaml, validated
from carousel.params.edit import put
from carousel.tasks.classification.params import Params
from carousel.tasks.classification.source import file_params

FOLDER = Path("experiments")
ABLATIONS = FOLDER / "ablations.yaml"


def _known(name: str) -> str:
    if name not in SETS:
        raise ValueError(f"should be a data set: {', '.join(SETS)}")
    return name


SetName = Annotated[str, AfterValidator(_known)]


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


class Ablation(Section):
    """One entry of experiments/ablations.yaml.

    Attributes:
        params: overrides of params.yaml.
        sets: where to measure it; empty is the table's `sets`.
        phrases: as for `Experiment`.
        note: what a reader of the table should know.
    """

    params: dict[str, Any]
    sets: list[SetName] = Field(default=[])
    phrases: bool = False
    note: str = ""


class Reported(Section):
    """An ablation that the table's command cannot measure: its effect was measured in another way.

    Attributes:
        effect: in points of accuracy on documents that were not learned from, by set.
        seeds: of the measurement.
        note: what was changed, and how it was measured.
    """

    effect: dict[SetName, float]
    seeds: int
    note: str


class Ablations(Section):
    """experiments/ablations.yaml.

    Attributes:
        sets: the data sets of the table.
        ablations: by name.
        reported: by name.
        dropped: by name; as `reported`, and their code was removed again.
    """

    sets: list[SetName]
    ablations: dict[str, Ablation]
    reported: dict[str, Reported] = Field(default={})
    dropped: dict[str, Reported] = Field(default={})


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


def ablations() -> Ablations:
    """Return the table of ablations."""
    return validated(Ablations, read_yaml(ABLATIONS, "it names the ablations to measure"), str(ABLATIONS))


def overridden(params: dict[str, Any], where: str) -> Params:
    """Return what `carousel new` writes for a user's files with `params` put over it, without a sweep.

    Raises:
        UserError: naming `where` and the wrong key.
    """
    content = read_yaml(layout.PARAMS, "run from the project's root")
    put(content, file_params())
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
