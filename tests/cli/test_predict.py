"""`carousel predict` on texts and labels of any kind, for people and for scripts."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from carousel.cli import main
from carousel.cli import predict as module
from tests.support.classifiers import make, make_bundle

# What markup, emoji codes, the terminal or a table could swallow, and how it is shown
SHOWN = {
    "see [/i] the cat": "see [/i] the cat",
    "a [bold]good[/bold] cat": "a [bold]good[/bold] cat",
    "[red] alert [link=http://x]y[/link]": "[red] alert [link=http://x]y[/link]",
    "\\[red] [[ ]] \\": "\\[red] [[ ]] \\",
    ":smile: :cat:": ":smile: :cat:",
    "日本語 ça 😀": "日本語 ça 😀",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07": r"\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "\x9b31mred\x85\x7f": r"\x9b31mred\x85\x7f",
    "one\u2028two\u2029\u202ethree": r"one\u2028two\u2029\u202ethree",
    "one\ntwo\r\nthree": r"one\ntwo\r\nthree",
    "long " * 100 + "end": "long " * 100 + "end",
    "": "",
}
LABELS = ("[b]pos", "\x1b[31mneg", "[/i]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("predict") / "bundle"
    make_bundle(labels=LABELS).save(path)
    return path


def command(folder: Path, *arguments: str) -> list[str]:
    code = "from carousel.cli import main; main()"
    return [sys.executable, "-c", code, "predict", "--bundle", str(folder), *arguments]


def run(
    folder: Path, *arguments: str, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own."""
    return subprocess.run(
        command(folder, *arguments),
        env=os.environ | {"COLUMNS": "80"} | environment,
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )


def predicted(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Run the command in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["carousel", "predict", "--bundle", str(folder), *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code == code
    printed = capsys.readouterr()
    return printed.err if code else printed.out


def test_texts_and_labels_are_printed_as_they_are_in_one_line_each(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, *rows, source = predicted(folder, capsys, "--", *SHOWN).removesuffix("\n").split("\n")
    assert header.split() == ["label", "p", "then", "text"]
    assert source.split() == ["by", str(folder)]
    for row, shown in zip(rows, SHOWN.values(), strict=True):
        assert row.endswith(f"  {shown}")
        assert row.startswith(("[b]pos", r"\x1b[31mneg", "[/i]"))


@pytest.mark.parametrize("text", [text for text in SHOWN if text])
def test_explanations_are_printed_as_they_are(folder: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    printed = predicted(folder, capsys, "--explain", "--", text)
    assert "\x1b" not in printed
    assert printed.startswith(("[b]pos", r"\x1b[31mneg", "[/i]"))
    explained = json.loads(predicted(folder, capsys, "--explain", "--json", "--", text))["explanation"]["words"]
    assert len(explained) > 0
    assert all(word["token"] in printed for word in explained if word["token"].isprintable())


@pytest.mark.parametrize("explain", [False, True])
def test_a_terminal_is_controlled_by_no_text_and_no_label(folder: Path, explain: bool) -> None:
    screen = Console(
        file=io.StringIO(), force_terminal=True, color_system=None, width=60, markup=False, emoji=False
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "console", lambda: screen)
        module.predict(list(SHOWN), bundle=folder, explain=explain)
    printed = screen.file.getvalue()
    assert r"\x1b[31m" in printed
    assert "[/i]" in printed
    assert not set("\x1b\x07\x9b\x85\x7f\u2028\u202e\r") & set(printed)


def test_json_is_one_line_a_text_that_controls_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = predicted(folder, capsys, "--json", "--", *SHOWN).splitlines()
    assert [json.loads(line)["text"] for line in lines] == list(SHOWN)
    assert all(set(json.loads(line)["probabilities"]) == set(LABELS) for line in lines)
    assert all(line.isprintable() for line in lines)
    assert "日本語" in "".join(lines)


def test_there_are_as_many_answers_as_lines_in_order(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "texts.txt"
    file.write_bytes(b"\xef\xbb\xbfthe cat\r\n\r\nsat\x00on\x0c[/i]\xe2\x80\xa8\xc2\x85x\n\nthe cat")
    predictions = [json.loads(line) for line in predicted(folder, capsys, "--json", "-f", str(file)).splitlines()]
    assert [prediction.pop("text") for prediction in predictions] == [
        "the cat",
        "",
        "sat\0on\f[/i]\u2028\x85x",
        "",
        "the cat",
    ]
    assert predictions[0] == predictions[4]
    assert predictions[1] == predictions[3]
    rows = predicted(folder, capsys, "-f", str(file)).removesuffix("\n").split("\n")
    assert len(rows) == 1 + 5 + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to predict: give texts, or a file of them with --file"),
        (["--file", "nowhere[/i]\x1b"], r"nowhere[/i]\x1b: cannot be read: No such file or directory"),
        (["--file", "."], ".: cannot be read: Is a directory"),
        (["--file", "empty"], "empty: is empty: nothing to predict"),
        (["--file", "latin1"], "latin1: line 2: not UTF-8 (byte 0xe9)"),
        (["--file", "mac"], "mac: its lines end with a carriage return alone"),
        (["--file"], "Option '--file' requires an argument"),
        (["--fiel", "x"], "No such option: --fiel (Possible options: --file"),
        (["-5 degrees"], "No such option: -5; put -- before texts that begin with a dash"),
        (["--model", "1", "x"], "--model and --bundle both name a model: give one"),
        (["the cat", "b\udcff"], "text 2: not UTF-8"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (("empty", b""), ("latin1", b"a\ncaf\xe9\n"), ("mac", b"a\rb\r")):
        Path(name).write_bytes(content)
    printed = predicted(folder, capsys, *arguments, code=2)
    assert printed.startswith(f"error: {message}")
    assert len(printed.splitlines()) == 1


def test_standard_input_is_bytes_whatever_the_locale(folder: Path) -> None:
    content = "ça\r\n[/i]\u2028\n".encode()
    for settings in (
        {},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ):
        done = run(folder, "--json", "--file", "-", "日本", stdin=content, **settings)
        assert done.returncode == 0, done.stderr
        texts = [json.loads(line)["text"] for line in done.stdout.splitlines()]
        assert texts == ["日本", "ça", "[/i]\u2028"]
    assert run(folder, "--file", "-").stderr == b"error: standard input: is empty: nothing to predict\n"


def test_output_that_cannot_hold_a_character_has_an_escape(folder: Path) -> None:
    done = run(folder, "ça ☃", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\xe7a \u2603" in done.stdout


def test_ctrl_c_on_a_terminal_is_one_line_and_exit_code_130(folder: Path) -> None:
    terminal, stdin = os.openpty()
    with subprocess.Popen(
        command(folder, "--file", "-"),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert b"Ctrl-D" in process.stderr.readline()  # it waits for texts, and says so
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b"interrupted\n"
    os.close(terminal)
    os.close(stdin)
    assert process.returncode == 130


@pytest.mark.parametrize("texts", [1, 5000])
def test_a_reader_that_stops_early_is_no_error(folder: Path, tmp_path: Path, texts: int) -> None:
    (tmp_path / "texts").write_text("the cat\n" * texts)
    code = "from carousel.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "predict",
        "--bundle",
        str(folder),
        "--json",
        "-f",
        str(tmp_path / "texts"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_a_full_disk_is_one_line(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(folder, "the cat"),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: No space left on device")
    assert done.stderr.count(b"\n") == 1


def test_a_file_of_predictions_has_those_that_are_printed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, scored = tmp_path / "texts.txt", tmp_path / "scored.jsonl"
    texts.write_text("the cat\nsat on\n\n", "utf-8")
    printed = predicted(folder, capsys, "--file", str(texts), "--json")
    said = predicted(folder, capsys, "--file", str(texts), "--out", str(scored))
    assert said == f"{scored}: 3 rows, predicted by {folder}\n"
    for line, row in zip(printed.splitlines(), scored.read_text("utf-8").splitlines(), strict=True):
        expected, found = json.loads(line), json.loads(row)
        assert found.pop("reason") is None
        assert {name.removeprefix("predicted_"): value for name, value in found.items()} == expected
    assert "exists already" in predicted(folder, capsys, "--file", str(texts), "--out", str(scored), code=2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--out", "scored.csv"], "needs the texts in a file"),
        (["--out", "scored.csv", "--file", "-"], "needs the texts in a file"),
        (["--out", "scored.csv", "--file", "texts", "more"], "needs the texts in a file"),
        (["--out", "scored.csv", "--file", "texts", "--json"], "leave --json and --explain out"),
        (["--out", "scored.html", "--file", "texts"], "should end in .parquet, .csv, .jsonl"),
        (["--out", "scored.csv", "--file", "nothing"], "no such file"),
        (["--column", "body", "the cat"], "are for --out"),
    ],
)
def test_what_cannot_be_written_to_a_file_is_a_user_error(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert reason in predicted(folder, capsys, *arguments, code=2)


@pytest.mark.parametrize("texts", [["the cat \x1b[2J" * 5_000], ["the cat \x1b[2J"] * 5_000], ids=["long", "many"])
def test_large_inputs_are_lines_on_a_terminal_too(texts, monkeypatch, capsys):
    screen = Console(force_terminal=True, color_system=None)
    monkeypatch.setattr(module, "console", lambda: screen)
    monkeypatch.setattr(module, "table", lambda *_: pytest.fail("folding costs more than predicting"))
    made = make()
    module._show(made, texts, made.predict(texts), "a model")
    printed = capsys.readouterr().out
    assert printed.count("\n") == len(texts) + 2
    assert "\x1b" not in printed
    assert printed.count(r"the cat \x1b[2J") == 5_000
