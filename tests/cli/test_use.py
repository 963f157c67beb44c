import subprocess
from pathlib import Path

import pytest

from carousel.cli.use import use
from carousel.errors import UserError
from carousel.params import load
from carousel.task_modules import TASKS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "presets").mkdir()
    for task in TASKS:
        (tmp_path / f"presets/{task}.yaml").write_text((ROOT / f"presets/{task}.yaml").read_text("utf-8"), "utf-8")
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text("utf-8"), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("task", sorted(TASKS))
def test_a_preset_is_complete_and_becomes_params_yaml(project, capsys, task):
    use(task)
    assert Path("params.yaml").read_text("utf-8") == Path(f"presets/{task}.yaml").read_text("utf-8")
    params = load()
    assert params.task == task
    content = params.model_dump()
    from ruamel.yaml import YAML

    written = YAML(typ="safe").load(Path("params.yaml").read_text("utf-8"))
    assert written.keys() == content.keys()  # nothing is left to a default that the file does not show
    assert {name: set(section) for name, section in written.items() if isinstance(section, dict)} == {
        name: set(section) for name, section in content.items() if isinstance(section, dict)
    }
    use(task)
    assert f"params.yaml is presets/{task}.yaml already" in capsys.readouterr().out


def test_the_project_begins_with_the_preset_of_classification():
    assert (ROOT / "params.yaml").read_text("utf-8") == (ROOT / "presets/classification.yaml").read_text("utf-8")


def test_the_difference_is_shown_before_anything_is_written(project, capsys):
    before = Path("params.yaml").read_text("utf-8")
    use("tagging", dry_run=True)
    shown = capsys.readouterr().out
    assert "-task: classification" in shown
    assert "+task: tagging" in shown
    assert Path("params.yaml").read_text("utf-8") == before


def test_edited_parameters_are_kept_unless_git_has_them(project):
    edited = Path("params.yaml").read_text("utf-8").replace("hidden_size: 128", "hidden_size: 64")
    Path("params.yaml").write_text(edited, "utf-8")
    with pytest.raises(UserError, match="git does not have its content, which would be lost"):
        use("tagging")
    assert Path("params.yaml").read_text("utf-8") == edited
    for command in (["init", "-q"], ["add", "params.yaml"]):
        subprocess.run(["git", *command], check=True)
    use("tagging")  # git's index has them
    assert load().task == "tagging"


def test_force_replaces_them(project):
    Path("params.yaml").write_text("task: classification\n", "utf-8")
    use("tagging", force=True)
    assert load().task == "tagging"


def test_an_unknown_task_is_named(project):
    with pytest.raises(UserError, match="poetry: no such task; there are classification, tagging"):
        use("poetry")


@pytest.mark.parametrize(("task", "other"), [("tagging", "classification"), ("classification", "tagging")])
def test_the_task_alone_does_not_switch(project, task, other):
    content = Path(f"presets/{other}.yaml").read_text("utf-8").replace(f"\ntask: {other}", f"\ntask: {task}")
    Path("params.yaml").write_text(content, "utf-8")
    with pytest.raises(UserError) as caught:
        load()
    assert str(caught.value) == (
        f"params.yaml: task is {task}, but the other keys are those of {other}: `carousel use {task}` writes all "
        f"of presets/{task}.yaml"
    )


def test_a_task_that_there_is_not_is_named(project):
    Path("params.yaml").write_text("task: 3\n", "utf-8")
    with pytest.raises(UserError, match=r"params.yaml: task: should be one of classification, tagging, not 3"):
        load()
