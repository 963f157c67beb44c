"""Lines that begin with their label: `label text`, `label<TAB>text`, and fastText's `__label__name text`."""

import re

from carousel.corpus.formats.columns import named
from carousel.corpus.formats.lines import TextFile
from carousel.errors import UserError
from carousel.tasks.classification.data import Data
from carousel.tasks.classification.formats import delimited, json_rows
from carousel.tasks.classification.formats.rows import MISSING, Rows, missing_word

PREFIX = "__label__"
LABELS = re.compile(rf"(?:^|(?<=\s)){PREFIX}(\S+)")
_BLANKS = re.compile(r"[ \t]+")
_MANY = 20  # lines from which their first words tell whether they are labels


def read(file: TextFile, data: Data) -> Rows:
    """Read lines, each a label and a text.

    A file whose first line has fastText's prefix is read as fastText does: the label may stand anywhere. A file
    with a tab in (nearly) every line has its labels before the first tab. Any other line's label is its first word.

    Raises:
        UserError: when a column is asked for, or the lines look like another format.
    """
    if data.split_column is not None:
        raise UserError(
            f"{file.path}: `label text` lines have no column {data.split_column!r}; take data.split_column out"
        )
    sample = [line.strip("\r\n") for line in file.first_lines()]
    rows = Rows()
    if not sample:
        return rows
    _check_lines(file, sample, data)
    if LABELS.search(sample[0]):
        split = _fasttext
        rows.notes.append(f"{file.path.name}: {PREFIX} is taken off its labels")
    elif _has_tabs(file, sample):
        split = _at_tab
        rows.notes.append(f"{file.path.name}: a tab stands between label and text")
    else:
        split = _at_blank
    labels: list[str | None] = []
    texts: list[str | None] = []
    for line, content in enumerate(file.lines(), start=1):
        if not content.strip():
            continue
        parts = split(content.strip("\r\n"))
        if isinstance(parts, str):
            rows.reject(line, parts)
            continue
        label, text = (part.strip() for part in parts)
        if data.missing == "auto" and (label in MISSING or text in MISSING):
            column, word = ("label", label) if label in MISSING else ("text", text)
            rows.reject(line, missing_word(column, word))
            continue
        rows.lines.append(line)
        labels.append(label)
        texts.append(text)
    if len(labels) >= _MANY and len(set(labels)) > len(labels) / 2:
        raise UserError(
            f"{file.path}: {len(labels)} lines begin with {len(set(labels))} different words, which cannot be "
            f"labels ({_shown(labels)}): set data.format, or begin each line with its label"
        )
    rows.values = {"text": texts, "label": labels}
    return rows


def _fasttext(line: str) -> tuple[str, str] | str:
    found = LABELS.findall(line)
    if len(found) == 1:
        return found[0], " ".join(part.strip() for part in LABELS.split(line)[::2])
    if not found:
        return f"no {PREFIX} where the first line has one"
    return f"{len(found)} labels ({' '.join(found[:3])}{' …' if len(found) > 3 else ''}); a text can have one"


def _at_tab(line: str) -> tuple[str, str] | str:
    label, tab, text = line.partition("\t")
    return (label, text) if tab else "no tab between label and text"


def _at_blank(line: str) -> tuple[str, str]:
    label, *text = _BLANKS.split(line.strip(), maxsplit=1)
    return label, text[0] if text else ""


def _has_tabs(file: TextFile, sample: list[str]) -> bool:
    """Whether tabs separate labels from texts; lines with more fields, or with the label last, are refused."""
    widths = [line.count("\t") + 1 for line in sample]
    tabs = sum(width > 1 for width in widths) / len(widths)
    if tabs < 0.1:
        return False
    if tabs < 0.9:
        raise UserError(
            f"{file.path}: some lines have a tab and some have none ({widths.count(1)} of the first {len(widths)}"
            "): where does the label end? Put one tab after each label"
        )
    usual = max(set(widths), key=widths.count)
    columns = [
        list(column)
        for column in zip(
            *(line.split("\t", usual - 1) for line in sample if line.count("\t") >= usual - 1), strict=True
        )
    ]
    if usual > 2 and widths.count(usual) > len(widths) / 2:
        text = max(range(usual), key=lambda place: sum(map(len, columns[place])))
        label = min((place for place in range(usual) if place != text), key=lambda place: len(set(columns[place])))
        raise UserError(
            f"{file.path}: its lines have {usual} fields with tabs between: set {_as_table(text, label)}"
        )
    first, second = columns[0], columns[1]
    if sum(map(len, first)) > 2 * sum(map(len, second)) and len(set(first)) > 2 * len(set(second)):
        raise UserError(f"{file.path}: its labels stand last, after a tab: set {_as_table(0, 1)}")
    return True


def _as_table(text: int, label: int) -> str:
    return (
        f"data.format: tsv, data.header: none, data.quoting: none, data.text: {text + 1}, data.label: {label + 1}"
    )


def _check_lines(file: TextFile, sample: list[str], data: Data) -> None:
    """Refuse what other formats' lines begin with."""
    if json_rows.is_object(sample[0]):
        raise UserError(f"{file.path}: its lines are JSON: set data.format: jsonl")
    for delimiter in (*delimited.DELIMITERS, None):
        names = [name.strip().strip('"') for name in sample[0].split(delimiter)]
        if data.text in names and data.label in names and (delimiter or len(names) == 2):
            format_ = "tsv" if delimiter == "\t" else "csv"
            fix = f"set data.format: {format_}" if delimiter else "take it out"
            raise UserError(f"{file.path}: its first line names columns ({named(names)}): {fix}")
    if all(line.startswith("(") and line.rstrip().endswith(")") for line in sample) and len(sample) > 1:
        raise UserError(f"{file.path}: its lines are trees in parentheses, not `label text`: take their words out")


def _shown(labels: list[str | None]) -> str:
    return ", ".join(repr(label[:20]) for label in list(dict.fromkeys(filter(None, labels)))[:3]) + ", …"
