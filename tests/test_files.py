import errno
import importlib
import json
import os
import py_compile
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel import files
from carousel.errors import UserError
from carousel.files import damaged_bytecode, no_room, read_json, replacing, write_json, write_text

OLD, NEW = "old content", "new content, which is longer"


def put(path, kind, content):
    """Make `path` a file, or a folder with two files, of this content."""
    if kind == "file":
        path.write_text(content)
    else:
        (path / "inner").mkdir(parents=True)
        (path / "a").write_text(content)
        (path / "inner" / "b").write_text(content)


def replace(target, kind, last=lambda temporary: None):
    """Write new content to `target`; `last` is called before the block ends."""
    with replacing(target) as temporary:
        put(temporary, kind, NEW)
        last(temporary)


def tree(folder):
    """Return every path below a folder, with the content of the files."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else None for path in folder.rglob("*")
    }


WHOLE = {
    "file": {"target": NEW},
    "folder": {"target": None, "target/a": NEW, "target/inner": None, "target/inner/b": NEW},
}


def raising(error):
    def raise_it(*_):
        raise error

    return raise_it


NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(params=["file", "folder"])
def kind(request):
    return request.param


@pytest.fixture(params=["absent", "there"])
def before(request, tmp_path, kind):
    """The target's folder as it is before a write, the target absent or there."""
    if request.param == "there":
        put(tmp_path / "target", kind, OLD)
    return tree(tmp_path)


# Whole


def test_a_finished_write_takes_the_place_of_what_was_there(tmp_path, kind, before):
    replace(tmp_path / "target", kind)
    assert tree(tmp_path) == WHOLE[kind]


def test_until_the_block_ends_a_reader_sees_what_was_there(tmp_path, kind, before):
    def look(temporary):
        found = tree(tmp_path)
        assert {name: found[name] for name in found if name.startswith("target")} == before

    replace(tmp_path / "target", kind, last=look)


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "stale").write_text(OLD)
    with replacing(target) as temporary:
        temporary.mkdir()
        (temporary / "fresh").write_text(NEW)
    assert tree(tmp_path) == {"target": None, "target/fresh": NEW}


def test_missing_parents_are_made(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", NEW)
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == NEW


def test_a_folder_may_have_any_name(tmp_path):
    for name in ("replaced", ".hidden", "a b"):
        for content in (OLD, NEW):
            with replacing(tmp_path / name) as temporary:
                put(temporary, "folder", content)
        assert tree(tmp_path / name) == {"a": NEW, "inner": None, "inner/b": NEW}


def test_the_temporary_path_is_beside_the_target_so_that_a_rename_suffices(tmp_path):
    with replacing(tmp_path / "target") as temporary:
        assert temporary.parent.parent == tmp_path
        assert not temporary.exists()
        temporary.write_text(NEW)


# Or absent


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1), FileNotFoundError(2, "no")]
)
def test_an_exception_inside_leaves_everything_as_it_was_and_passes_through(tmp_path, kind, before, error):
    with pytest.raises(type(error)) as raised:
        replace(tmp_path / "target", kind, last=raising(error))
    assert raised.value is error
    assert tree(tmp_path) == before


def test_a_block_that_makes_nothing_leaves_everything_as_it_was(tmp_path, before):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "target"):
        pass
    assert tree(tmp_path) == before


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_at_the_last_moment_leaves_everything_as_it_was(tmp_path, kind, before, call, monkeypatch):
    monkeypatch.setattr(os, call, raising(NO_SPACE))
    monkeypatch.setattr(files, "_exchange", lambda _one, _other: False)
    with pytest.raises(UserError) as error:
        replace(tmp_path / "target", kind)
    assert str(error.value) == (
        f"{tmp_path / 'target'}: could not be written, and was left as it was: No space left on device"
    )
    assert tree(tmp_path) == before


def test_an_interrupt_between_the_two_renames_of_a_folder_puts_the_old_one_back(tmp_path, monkeypatch):
    put(tmp_path / "target", "folder", OLD)
    before = tree(tmp_path)
    monkeypatch.setattr(os, "replace", raising(KeyboardInterrupt()))
    monkeypatch.setattr(files, "_exchange", lambda _one, _other: False)
    with pytest.raises(KeyboardInterrupt):
        replace(tmp_path / "target", "folder")
    assert tree(tmp_path) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_while_writing_leaves_everything_as_it_was(tmp_path, kind, before):
    def fill(temporary):
        file = temporary.parent / "file"
        file.symlink_to("/dev/full")
        file.write_text(NEW)

    with pytest.raises(UserError, match="left as it was: No space left on device"):
        replace(tmp_path / "target", kind, last=fill)
    assert tree(tmp_path) == before


def test_a_parent_that_is_a_file_is_told_in_one_line(tmp_path):
    (tmp_path / "parent").write_text(OLD)
    with pytest.raises(UserError, match=r"target: could not be written, and was left as it was: File exists"):
        write_text(tmp_path / "parent" / "target", NEW)
    assert tree(tmp_path) == {"parent": OLD}


# Text and JSON


@given(content=st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=50, deadline=None)
def test_text_is_written_as_it_is_in_utf8(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text"
        write_text(path, content)
        assert path.read_bytes().decode("utf-8") == content


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=10,
)


@given(value=values)
@settings(max_examples=50, deadline=None)
def test_json_is_read_as_it_was_written(value):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "value.json"
        write_json(path, value)
        assert read_json(path) == value == json.loads(path.read_text("utf-8"))


def test_json_is_for_people_too(tmp_path):
    write_json(tmp_path / "value.json", {"name": "Café"})
    assert (tmp_path / "value.json").read_text("utf-8") == '{\n  "name": "Café"\n}\n'


def test_a_value_that_json_has_no_form_for_writes_nothing(tmp_path):
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        write_json(tmp_path / "value.json", {1, 2})
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n"a": 1,\n', r"value.json: not valid JSON \(line 3\); `dvc repro --force` remakes it"),
        (b"", r"value.json: not valid JSON \(line 1\)"),
        (b'{"a": "\xff"}', r"value.json: not UTF-8 \(byte 7\); `dvc repro --force` remakes it"),
        (None, r"value.json: no such file; `dvc repro` makes it"),
    ],
)
def test_damaged_or_missing_json_says_what_mends_it(tmp_path, content, message):
    if content is not None:
        (tmp_path / "value.json").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_json(tmp_path / "value.json")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_temporary_folder_is_one_line(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    explained, reason = no_room(OSError(number, os.strerror(number), "/tmp/file")), os.strerror(number)
    assert (
        str(explained)
        == f"/tmp/file: {reason}; make room there or in {tmp_path}, or let TMPDIR name another folder"
    )


def test_no_temporary_folder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: [str(tmp_path / "gone")])
    with pytest.raises(FileNotFoundError) as raised:
        tempfile.gettempdir()
    assert str(no_room(raised.value)).startswith("TMPDIR: No usable temporary directory found in")


def test_other_errors_are_not_about_room() -> None:
    assert no_room(FileNotFoundError(errno.ENOENT, "No such file or directory", "x")) is None


def test_a_full_temporary_folder_is_found_among_the_causes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_paths: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("content")
    with pytest.raises(shutil.Error) as raised:
        shutil.copytree(tmp_path / "folder", tmp_path / "copy", copy_function=full)
    wrapped = RuntimeError("a library's own words")
    wrapped.__cause__ = raised.value
    assert "No space left on device; make room" in str(no_room(wrapped))
    assert no_room(RuntimeError("a library's own words")) is None


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError("parquet: underlying IO error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:815] . PytorchStreamWriter failed writing file data/0"),
        RuntimeError("basic_ios::clear: iostream error"),
        ValueError("I/O error: Disk quota exceeded (os error 122)"),
    ],
    ids=lambda error: str(error)[:30],
)
def test_a_full_disk_is_one_line_where_a_library_keeps_its_text_alone(error: Exception) -> None:
    wrapped = RuntimeError("a library's own words")
    wrapped.__context__ = error
    for found in (error, wrapped):
        assert "; make room there" in str(no_room(found))
        assert "\n" not in str(no_room(found))


def test_a_compiled_module_that_was_cut_short_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "module_that_was_cut_short.py"
    source.write_text("value = [1, 2, 3]\n")
    compiled = Path(py_compile.compile(str(source), doraise=True))
    for size in range(16, compiled.stat().st_size):  # the head is whole, or Python compiles it again
        content = compiled.read_bytes()
        compiled.write_bytes(content[:size])
        try:
            with pytest.raises((EOFError, ValueError, ImportError, TypeError)) as raised:
                importlib.import_module(source.stem)
        finally:
            compiled.write_bytes(content)
        assert str(damaged_bytecode(raised.value)).startswith(f"{compiled}: a compiled module that was cut short")
    assert damaged_bytecode(ValueError("another")) is None
