import io
import json
import re

import pytest
from rich.console import Console
from typer.testing import CliRunner

from carousel.cli.marked_words import MOST, bracketed, legend, show
from carousel.explanation import Explanation, Word
from tests.support.classifiers import make_bundle

WORDS = (Word("never", True, 1.5), Word("xyzzy", False, 0.0), Word("[red]", True, -0.25))
FOUND = Explanation("bad", "occlusion", WORDS, unread=3)


def printed(found, *, terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, color_system="truecolor", width=200)
    show(console, found)
    return console.file.getvalue()


def test_without_a_terminal_the_strongest_words_have_figures_and_unknown_ones_braces():
    first, second = printed(FOUND, terminal=False).splitlines()
    assert first == "[never +1.50] {xyzzy} [[red] -0.25]"
    assert second == (
        "occlusion: by how much log p(bad) falls when the word is read as unknown; in brackets: the "
        "strongest words, 10 at most; in braces: not in the vocabulary; 3 further words were not read"
    )


def test_where_no_word_matters_none_is_marked_and_the_legend_says_so():
    found = Explanation("x", "occlusion", (Word("a", True, -0.001), Word("b", True, 0.0)))
    assert printed(found, terminal=False).splitlines()[0] == "a b"
    assert printed(found, terminal=True).splitlines()[0] == "a b "
    assert legend(found, coloured=False).endswith("; no word alone matters")


def test_only_the_strongest_words_have_figures():
    words = tuple(Word(str(i), True, i / 100) for i in range(30))
    text = bracketed(Explanation("x", "attention", words))
    assert re.findall(r"\[(\d+) 0\.\d\d\]", text) == [str(i) for i in range(30 - MOST, 30)]


def test_on_a_terminal_words_are_coloured_by_what_they_speak_for():
    shown = printed(FOUND, terminal=True)
    assert re.search(r"\x1b\[1;37;48;2;0;190;0mnever\x1b", shown)
    assert re.search(r"\x1b\[4mxyzzy\x1b", shown)
    assert re.search(r"\x1b\[1;37;48;2;\d+;0;0m\[red\]\x1b", shown)


def test_the_legend_says_what_was_measured_and_in_which_spans():
    assert legend(Explanation("x", "attention", ()), coloured=True).startswith("attention: the weight of each word")
    assert "8 neighbouring words" in legend(Explanation("x", "occlusion", (), span=8), coloured=True)


@pytest.mark.parametrize("pooling", ["max", "attention"])
def test_the_command_explains_in_words_and_in_json(tmp_path, pooling):
    import typer

    from carousel.cli.predict import predict

    make_bundle(pooling=pooling).save(tmp_path / "bundle")
    app = typer.Typer()
    app.command()(predict)
    arguments = ["--bundle", str(tmp_path / "bundle"), "--explain", "the cat and the wombat"]
    plain = CliRunner().invoke(app, arguments)
    assert plain.exit_code == 0, plain.output
    method = "attention" if pooling == "attention" else "occlusion"
    assert f"\n{method}: " in plain.output
    assert "wombat}" in plain.output
    prediction = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert prediction["explanation"]["method"] == method
    assert prediction["explanation"]["label"] == prediction["label"]
    words = prediction["explanation"]["words"]
    assert [word["token"] for word in words] == ["the", "cat", "and", "the", "wombat"]
    assert [word["known"] for word in words] == [True, True, False, True, False]
