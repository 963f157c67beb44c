import json
import os
import sys
from pathlib import Path

import pytest

from carousel.cli import main
from carousel.registry import model_files, versions
from carousel.registry.verification import verify
from tests.support.registry import Registry


def stored(registry: Registry, version: versions.Version) -> Path:
    """The folder of a version's files in the store."""
    folder = versions.local_files(version.uri)
    assert folder is not None
    return folder


@pytest.fixture(scope="module")
def whole(registry: Registry) -> versions.Version:
    return registry.add("verified", 0)[0]


def test_a_version_that_was_registered_is_what_its_tags_say(whole: versions.Version) -> None:
    found = verify(whole)
    assert (found.ok, found.reason) == (True, "")
    assert whole.tags[model_files.FINGERPRINT] == model_files.fingerprint(whole)


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


CODE = "code/carousel/predictor.py"
CHANGES = {
    "module": lambda folder: append(folder / CODE),
    "what MLflow runs": lambda folder: append(folder / "pyfunc.py"),
    "what MLflow reads": lambda folder: append(folder / "MLmodel"),
    "another file": lambda folder: (folder / "code/sitecustomize.py").write_text("print(1)"),
    "no module": lambda folder: (folder / CODE).unlink(),
    "pipe": lambda folder: os.mkfifo(folder / "code/pipe.py"),
    "link": lambda folder: (folder / "code/link.py").symlink_to("/dev/zero"),
    "vocabulary": lambda folder: append(folder / "artifacts/bundle/vocab.txt"),
    "pipe in the bundle": lambda folder: os.mkfifo(folder / "artifacts/bundle/pipe.txt"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_changed_file_is_found(registry: Registry, whole: versions.Version, change) -> None:
    folder = stored(registry, whole)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    change(folder)
    try:
        found = verify(whole)
    finally:
        for path in list(folder.rglob("*")):
            if path not in before and not path.is_dir():
                path.unlink()
        for path, content in before.items():
            path.write_bytes(content)
    if change is CHANGES["pipe in the bundle"]:  # the bundle names its files, and nothing reads another
        assert found.ok
    else:
        assert not found.ok
        assert found.reason.startswith("models:/verified/1: ")
    assert verify(whole).ok


def test_all_versions_are_checked_one_a_line(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("params.yaml").write_text("{}")
    Path("dvc.yaml").touch()

    def carousel(*arguments: str) -> tuple[int, list[str], str]:
        monkeypatch.setattr(sys, "argv", ["carousel", "verify", "--name", "many", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out.splitlines(), printed.err

    assert carousel("--all")[0] == 2
    for seed in range(3):
        registry.enter("many", seed=seed)
    code, lines, _ = carousel("--all")
    assert code == 0
    assert [line[: len("many version 3: ok")] for line in lines] == [f"many version {i}: ok" for i in (3, 2, 1)]
    registry.client.set_model_version_tag("many", "2", versions.FINGERPRINT, "0" * 64)
    registry.client.set_model_version_tag("many", "3", "vocabulary.fingerprint", "\x1b[2J\n")
    code, lines, _ = carousel("--all")
    assert code == 1
    assert len(lines) == 3
    assert lines[0].startswith("many version 3: differs: models:/many/3: vocabulary.fingerprint is ")
    assert lines[1].startswith("many version 2: differs: models:/many/2: its files hold another bundle")
    assert lines[2].startswith("many version 1: ok")
    assert "\x1b" not in "".join(lines)
    assert carousel("1")[0] == 0
    assert carousel("2")[0] == 1
    assert carousel()[0] == carousel("--all", "1")[0] == 2
    code, lines, _ = carousel("--all", "--json")
    assert code == 1
    assert [one["ok"] for one in json.loads("\n".join(lines))] == [False, False, True]
