"""What commands show of names, labels, reasons and people that look like markup or control a terminal."""

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console, Group

from carousel.cli import lineage, main, output, registry, summary
from carousel.cli.output import cell, say, table
from carousel.lineage.audit import Audit, Fact
from carousel.registry import promotion
from carousel.registry.versions import Version

NASTY = "[/i] [red]\x1b[31m\u2028 :smile:"
SHOWN = r"[/i] [red]\x1b[31m\u2028 :smile:"
VERSION = Version(NASTY, 1, (NASTY,), 0, "run", {})


@pytest.mark.parametrize("terminal", [False, True])
def test_a_table_shows_strings_as_they_are(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    screen = Console(file=io.StringIO(), force_terminal=terminal, color_system=None, width=200)
    made = table(NASTY, title=NASTY)
    made.add_row(cell(NASTY + "\nsecond line"))
    screen.print(made)
    printed = screen.file.getvalue()  # type: ignore[attr-defined]
    assert printed.count(SHOWN) == 3
    assert rf"{SHOWN}\nsecond line" in printed
    assert "\x1b[31m" not in printed


@pytest.mark.parametrize("terminal", [False, True])
def test_a_console_obeys_no_string_wherever_it_stands(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    screen = output.console()
    screen.file, screen._force_terminal, screen._color_system = io.StringIO(), terminal, None
    screen.width = 200
    made, facts = table("a column"), output.fields()
    made.add_row(NASTY)  # not a cell
    facts.add_row("name", NASTY)
    for printed in (NASTY, made, facts, Group(NASTY, NASTY)):
        screen.print(printed)
    shown = screen.file.getvalue()
    assert shown.count(SHOWN) == 5
    assert "\x1b[31m" not in shown


def test_without_a_terminal_lines_are_folded_at_100_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    made = table("reason")
    made.add_row(cell("word " * 100))
    output.console().print(made)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_a_line_is_printed_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{NASTY}\nnext")
    say(NASTY, to_stderr=True)
    assert capsys.readouterr() == (f"{SHOWN}\nnext\n", f"{SHOWN}\n")


def test_json_is_ascii_where_output_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, expected in (
        ("utf-8", '{"a": "ça\\u001b\\u2028"}\n'),
        ("ascii", '{"a": "\\u00e7a\\u001b\\u2028"}\n'),
    ):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        output.print_json({"a": "ça\x1b\u2028"})
        stream.flush()
        assert stream.buffer.getvalue() == expected.encode(encoding)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print as without a terminal, whatever width the environment of the tests names."""
    monkeypatch.delenv("COLUMNS", raising=False)


def test_gates_and_history_show_reasons_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = SimpleNamespace(gate="cases", state="failed", measured=NASTY, required=f"all of {NASTY}")
    registry._show_gates(SimpleNamespace(candidate=VERSION, champion=None, results=[result]))  # type: ignore[arg-type]
    assert capsys.readouterr().out.count(SHOWN) == 3
    event = SimpleNamespace(
        when="2026-01-02T03:04:05+00:00", who=NASTY, action="promote", source=None, target=1, gates=[],
        in_force=True, is_measured=True, reason=NASTY,
    )  # fmt: skip
    monkeypatch.setattr(promotion, "history", lambda client, name: [event])
    registry._tell(None, NASTY, as_json=False, known=[VERSION])  # type: ignore[arg-type]
    assert capsys.readouterr().out.count(SHOWN) == 3


def test_lineage_and_summary_show_facts_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    lineage._show(Audit(VERSION, (Fact(NASTY, "digest", NASTY, "differs", NASTY),)))
    assert capsys.readouterr().out.count(SHOWN) == 5
    figures = {"accuracy": 0.5, "macro_f1": 0.5}
    named = {"name": NASTY, "version": 1, "aliases": [NASTY]}
    summary._show({"test": figures, "baseline": figures, "registered": named, "seconds": {"train": 1}}, [])
    assert capsys.readouterr().out.count(SHOWN) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--bogus"], 2, "error: No such option: --bogus; carousel --help shows how"),
        (["nosuch"], 2, "error: No such command 'nosuch'; carousel --help shows how"),
        (["[/i]\x1b"], 2, r"error: No such command '[/i]\x1b'"),
        (["compare", "1"], 2, "error: Missing argument 'B'; carousel compare --help shows how"),
        (["sweep", "show", "x"], 2, "error: Invalid value for 'TRIAL'"),
        (["compare", "1", "2", "--html", NASTY], 2, f"error: --html {SHOWN}: should end in .html"),
    ],
    ids=str,
)
def test_every_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["carousel", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    printed = capsys.readouterr()
    assert end.value.code == code
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert len(printed.err.splitlines()) == 1


def test_an_interrupted_command_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("carousel.params.load", interrupted)
    monkeypatch.setattr(sys, "argv", ["carousel", "versions"])
    with pytest.raises(SystemExit) as end:
        main()
    assert (end.value.code, capsys.readouterr().err) == (130, "interrupted\n")
