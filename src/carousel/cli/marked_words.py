"""The words that a prediction is based on, marked: in colour on a terminal, in brackets elsewhere."""

from typing import TYPE_CHECKING

from carousel.text.printable import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from carousel.explanation import Explanation, Word

MOST = 10  # words that are marked where there is no colour
LEAST = 0.005  # a weaker score is 0.00 when it is written
LEGENDS = {
    "attention": "attention: the weight of each word in what was read; weights sum to 1",
    "occlusion": "occlusion: by how much log p({label}) falls when the word is read as unknown",
}


def show(console: "Console", found: "Explanation") -> None:
    """Print a text with its words marked, and what the marks mean."""
    if console.is_terminal:
        console.print(coloured(found))
    else:
        console.print(bracketed(found), soft_wrap=True, markup=False, emoji=False, highlight=False)
    console.print(
        legend(found, coloured=console.is_terminal), soft_wrap=True, markup=False, emoji=False, highlight=False
    )


def bracketed(found: "Explanation") -> str:
    """Return the words as plain text: the strongest with their figure in brackets, unknown ones in braces."""
    strong = [i for i, word in enumerate(found.words) if abs(word.score) >= LEAST]
    strongest = sorted(strong, key=lambda i: -abs(found.words[i].score))[:MOST]
    scores = {i: _figure(found, found.words[i]) for i in strongest}
    parts = []
    for i, word in enumerate(found.words):
        token = one_line(word.token)
        token = token if word.known else f"{{{token}}}"
        parts.append(f"[{token} {scores[i]}]" if i in scores else token)
    return " ".join(parts)


def coloured(found: "Explanation") -> "Text":
    """Return the words for a terminal: green for the prediction, red against it, the stronger the brighter."""
    from rich.text import Text

    strongest = max((abs(word.score) for word in found.words), default=LEAST)
    text = Text()
    for word in found.words:
        strength = abs(word.score) / max(strongest, LEAST)
        shade = round(60 + 130 * strength)
        colour = f"rgb(0,{shade},0)" if word.score > 0 else f"rgb({shade},0,0)"
        style = f"bold white on {colour}" if strength >= 0.1 and abs(word.score) >= LEAST else ""
        text.append(one_line(word.token), f"{style} underline" if not word.known else style)
        text.append(" ")
    return text


def legend(found: "Explanation", *, coloured: bool) -> str:
    """Return what the marks mean."""
    parts = [LEGENDS[found.method].format(label=one_line(found.label))]
    if found.span > 1:
        parts.append(f"{found.span} neighbouring words are left out together")
    if all(abs(word.score) < LEAST for word in found.words):
        parts.append("no word alone matters")
    elif not coloured:
        parts.append(f"in brackets: the strongest words, {MOST} at most")
    if not all(word.known for word in found.words):
        parts.append("underlined: not in the vocabulary" if coloured else "in braces: not in the vocabulary")
    if found.unread:
        parts.append(f"{found.unread} further words were not read")
    return "; ".join(parts)


def _figure(found: "Explanation", word: "Word") -> str:
    return f"{word.score:.2f}" if found.method == "attention" else f"{word.score:+.2f}"
