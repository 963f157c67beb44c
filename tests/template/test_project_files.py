from pathlib import Path

from ruamel.yaml import YAML

from carousel import layout
from carousel.template import files
from tests.conftest import ROOT, project_files

# What belongs to Carousel itself, and not to a project
OWN = {
    "bench", "docker", "docs", "experiments", "src", "tests", ".ci", ".github", ".dockerignore", "CHANGELOG.md",
    "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "Makefile", "README.md", "pyproject.toml", "requirements-dev.lock",
    "requirements.lock", "setup.py", ".pre-commit-config.yaml",
}  # fmt: skip


def test_the_template_is_the_root_of_this_repository() -> None:
    tracked = {path for path in project_files() if path.parts[0] not in OWN and path != Path("data/README.md")}
    template = files.project_files()
    assert {Path(path) for path in template} == tracked
    for path, content in template.items():
        if path != str(layout.PIPELINE):
            assert content == (ROOT / path).read_bytes()


def test_stages_differ_in_their_dependency_on_code_alone() -> None:
    load = YAML(typ="safe").load
    own = load((ROOT / layout.PIPELINE).read_text("utf-8"))
    project = load(files.project_files()[str(layout.PIPELINE)].decode("utf-8"))
    assert own["plots"] == project["plots"]
    for name, stage in own["stages"].items():
        made = project["stages"][name]
        assert {"carousel.yaml": [f"code.{name}"]} == made["params"].pop(0)
        assert made["deps"] == [dep for dep in stage["deps"] if not dep.startswith("src/")]
        assert made.pop("deps") != stage.pop("deps")
        assert made == stage


def test_every_stage_has_a_digest_of_its_code() -> None:
    assert tuple(files.code_digests()) == layout.STAGES


def test_a_digest_changes_with_the_code_of_its_stage_alone(tmp_path: Path, monkeypatch) -> None:
    for name in ("corpus/a.py", "tasks/one/task.py", "tasks/two/task.py", "nn/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before", "utf-8")
    monkeypatch.setattr(files, "PACKAGE", tmp_path)
    patterns = ["corpus", "tasks/*/task.py"]
    before = files._digest(patterns)
    (tmp_path / "nn/b.py").write_text("after", "utf-8")
    assert files._digest(patterns) == before
    (tmp_path / "tasks/two/task.py").write_text("after", "utf-8")
    changed = files._digest(patterns)
    assert changed != before
    (tmp_path / "corpus/new.py").write_text("", "utf-8")
    assert files._digest(patterns) != changed
