from pathlib import Path

from ruamel.yaml import YAML

from carousel import layout

PIPELINE = YAML(typ="safe").load(Path("dvc.yaml").read_text("utf-8"))
PATHS = {value for value in vars(layout).values() if isinstance(value, Path)}
SECONDS = {layout.SECONDS / f"{stage}.json" for stage in layout.STAGES}


def written(stage: dict) -> set[Path]:
    entries = [*stage.get("outs", []), *stage.get("metrics", [])]
    return {Path(entry if isinstance(entry, str) else next(iter(entry))) for entry in entries}


def test_the_stages_are_those_of_dvc_yaml_in_order() -> None:
    assert tuple(PIPELINE["stages"]) == layout.STAGES
    assert all((Path("pipeline") / f"{stage}.py").exists() for stage in layout.STAGES)


def test_whatever_a_stage_writes_is_named_once() -> None:
    outs = set().union(*map(written, PIPELINE["stages"].values()))
    assert outs <= PATHS | SECONDS
    assert outs >= SECONDS


def test_whatever_a_stage_reads_is_code_or_named() -> None:
    for stage in PIPELINE["stages"].values():
        data = [Path(dep) for dep in stage["deps"] if not dep.startswith(("src/", "pipeline/", "${"))]
        assert set(data) <= PATHS | SECONDS
