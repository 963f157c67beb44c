"""CSV and TSV: delimiter, header and quotes; what `auto` takes from the file, and what it refuses to guess."""

import re
from collections import Counter

from carousel.corpus.formats.columns import named
from carousel.corpus.formats.lines import TextFile
from carousel.corpus.formats.records import in_quotes, records, sample
from carousel.errors import UserError
from carousel.tasks.classification.data import Column, Data
from carousel.tasks.classification.formats import json_rows
from carousel.tasks.classification.formats.rows import MISSING, Rows, missing_word, roles
from carousel.tasks.classification.formats.swallowed import swallowed_row

DELIMITERS = (",", "\t", ";", "|")
_NAMES = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "vertical bars"}
_EXCEL = re.compile(r"sep=(.)\s*")  # Excel's own first line
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def read(file: TextFile, data: Data, kind: str) -> Rows:
    """Read the columns that params.yaml names.

    Args:
        file: the file.
        data: the `data` section of params.yaml.
        kind: CSV or TSV, which decides what `auto` means.

    Raises:
        UserError: when a column is missing, or header, delimiter or quotes cannot be told.
    """
    table = _Table(file, data, kind)
    for record in records(file, kind, table.delimiter, data.quoting, table.first_line):
        table.add(*record)
    return table.finish()


class _Table:
    """The rows that are gathered from a file's records."""

    def __init__(self, file: TextFile, data: Data, kind: str) -> None:
        self.file, self.data, self.kind = file, data, kind
        self.columns = roles(data)
        self.rows = Rows()
        self.first_line = 1
        self.delimiter = self._delimiter()
        self.width = 0
        self.header: list[str] | None = None
        self.places: dict[str, int] = {}
        self.values: dict[str, list[str | None]] = {role: [] for role in self.columns}
        self.spanning: list[tuple[int, list[str], int]] = []
        self.first_label: tuple[str, list[str]] | None = None

    def add(self, line: int, fields: list[str] | str, raw: list[str]) -> None:
        """Take a record; the first one decides what the columns are."""
        if isinstance(fields, str):
            if not self.width and self.data.header != "none":
                raise UserError(f"{self.file.path}: line {line}: {fields}")
            self.rows.reject(line, fields)
            return
        if not self.width:
            self.width = len(fields)
            self._layout(fields)
            if self.header is not None:
                return
        if len(fields) != self.width:
            self.rows.reject(line, self._ragged(line, len(fields), len(raw)))
            return
        if fields == self.header:
            self.rows.reject(line, "the header again")
            return
        if len(raw) > 1:
            self.spanning.append((line, fields, len(raw)))
        if self.data.missing == "auto":
            for role in ("text", "label"):
                word = fields[self.places[role]].strip()
                if word in MISSING and not self._quoted(word, raw, self.places[role]):
                    self.rows.reject(line, missing_word(self.columns[role], word))
                    return
        self.rows.lines.append(line)
        for role, place in self.places.items():
            self.values[role].append(fields[place])

    def finish(self) -> Rows:
        """Return the rows.

        Raises:
            UserError: when a quoted field holds what looks like rows, or the first row like a header.
        """
        labels = Counter(self.values["label"])
        if self.data.quoting == "auto":
            known = {label.strip() for label in labels if label and "\n" not in label}
            for line, fields, lines in self.spanning:
                if swallowed_row(fields, self.places["label"], known, self.delimiter):
                    raise self._runs_on(line, lines, "over what looks like other rows")
        if self.data.header == "auto" and self.first_label is not None:
            label, fields = self.first_label
            if labels[label] == 1 and len(labels) > 2 and not _looks_like_data(fields, []):
                raise UserError(
                    f"{self.file.path}: its first row looks like a header ({named(fields)}): set data.header: "
                    "first, or none if it is a document"
                )
        self.rows.values = dict(self.values)
        return self.rows

    def _ragged(self, line: int, fields: int, lines: int) -> str:
        before = "the header" if self.header is not None else "the first row"
        reason = f"{fields} field{'' if fields == 1 else 's'} where {before} has {self.width}"
        if lines > 1 and self.data.quoting == "auto":
            raise self._runs_on(line, lines, f"and its row has {reason}")
        return reason if lines == 1 else f"{reason}, up to line {line + lines - 1}"

    def _runs_on(self, line: int, lines: int, why: str) -> UserError:
        return UserError(
            f"{self.file.path}: line {line}: a quoted field runs on to line {line + lines - 1} {why}: close its "
            "quote, or set data.quoting: none if quotes are ordinary characters, standard if they are meant so"
        )

    def _quoted(self, word: str, raw: list[str], place: int) -> bool:
        return self.data.quoting != "none" and in_quotes(word, raw, place, self.delimiter)

    def _delimiter(self) -> str:
        lines = self.file.first_lines(50)
        if lines and json_rows.is_object(lines[0]):
            raise UserError(f"{self.file.path}: its lines are JSON: set data.format: jsonl")
        declared = _EXCEL.fullmatch(lines[0]) if lines else None
        if declared:
            self.first_line = 2
            lines = lines[1:]
        if self.data.delimiter != "auto":
            return self.data.delimiter
        if declared:
            return declared[1]
        usual = "," if self.kind == "CSV" else "\t"
        samples = {one: sample(lines, one, self.data.quoting) for one in dict.fromkeys([usual, *DELIMITERS])}
        fits = {one: self._fits(rows) for one, rows in samples.items()}
        best = max(fits, key=lambda one: fits[one] + (0.1 if one == usual and fits[one] else 0))
        if best != usual and fits[best] > 0:
            self.rows.notes.append(f"{self.file.path.name}: its fields are separated by {_NAMES[best]}")
        return best if fits[best] else max(samples, key=lambda one: len(samples[one][0]) if samples[one] else 0)

    def _fits(self, rows: list[list[str]]) -> float:
        """Return the fraction of rows that are as wide as the first, or 0 when a column is missing.

        Columns without names fit better the fewer different labels they give.
        """
        if not rows or len(rows[0]) < 2:
            return 0.0
        header = [name.strip() for name in rows[0]]
        if any(not _has(header, column) for column in self.columns.values()):
            return 0.0
        whole = [row for row in rows if len(row) == len(header)]
        label = str(self.columns["label"]).strip()
        different = 0 if label in header else len({row[int(label) - 1] for row in whole})
        return (len(whole) - different / 2) / len(rows)

    def _layout(self, first: list[str]) -> None:
        """Decide from the first record whether it is the header, and where the columns are."""
        by_number = all(_is_number(column) for column in self.columns.values())
        if self.data.header == "none" or (self.data.header == "auto" and by_number and not self._names(first)):
            self._number_columns(first)
            self.first_label = (first[self.places["label"]], first)
            return
        self.header = first
        header = [name.strip() for name in first]
        for role, column in self.columns.items():
            if isinstance(column, int) and column <= len(header):
                self.places[role] = column - 1
            elif str(column).strip() in header:
                self.places[role] = header.index(str(column).strip())
            else:
                raise UserError(f"{self.file.path}: {self._no_column(column, header)}")
        twice = [name for name, count in Counter(header).items() if count > 1 and name]
        if twice and any(isinstance(column, str) for column in self.columns.values()):
            raise UserError(
                f"{self.file.path}: the column name {twice[0]!r} occurs twice: rename one, or set data.header: "
                "first and give data.text and data.label as numbers of columns, from 1"
            )

    def _names(self, first: list[str]) -> bool:
        """Whether every wanted column is a name in the first record, one like '2' included."""
        return all(isinstance(column, str) and column in first for column in self.columns.values())

    def _number_columns(self, first: list[str]) -> None:
        for role, column in self.columns.items():
            if not _is_number(column):
                raise UserError(
                    f"{self.file.path}: without a header, columns have numbers, not names ({column!r}): set "
                    f"{self._numbers(first)}"
                )
            if not 1 <= int(column) <= len(first):
                raise UserError(
                    f"{self.file.path}: has no column {column}; its first row has {len(first)}, counted from 1: "
                    f"set {self._numbers(first)}"
                )
            self.places[role] = int(column) - 1

    def _no_column(self, column: Column, header: list[str]) -> str:
        sample = self._rows_below()
        if _looks_like_data(header, sample) and self.data.header == "auto":
            return (
                "has no header line, its first line is a document: set data.header: none, and columns by number, "
                f"from 1: {self._numbers(header)}"
            )
        return f"has no column {column!r}; it has {named(header)}: set data.text and data.label"

    def _rows_below(self) -> list[list[str]]:
        return sample(self.file.first_lines(50)[self.first_line :], self.delimiter, self.data.quoting)

    def _numbers(self, first: list[str]) -> str:
        """Guess columns for a message: the longest is the text, the one with fewest values the label."""
        rows = [row for row in [first, *self._rows_below()] if len(row) == len(first)]
        columns = list(zip(*rows, strict=True))
        lengths = [sum(map(len, column)) for column in columns]
        text = lengths.index(max(lengths))
        others = [place for place in range(len(columns)) if place != text] or [text]
        label = min(others, key=lambda place: (len(set(columns[place])), lengths[place]))
        return f"data.text: {text + 1}, data.label: {label + 1}" + (
            "" if len(columns) > 1 else " (it has one column)"
        )


def _has(header: list[str], column: Column) -> bool:
    return str(column).strip() in header or (_is_number(column) and 1 <= int(column) <= len(header))


def _is_number(column: Column) -> bool:
    return isinstance(column, int) or (column.isascii() and column.isdigit())


def _looks_like_data(first: list[str], below: list[list[str]]) -> bool:
    """Whether a first row is no header: a name does not come again below itself, is short, and is no number."""
    for place, cell in enumerate(first):
        if cell.strip() and any(len(row) > place and row[place].strip() == cell.strip() for row in below):
            return True
        if len(cell) > 60 or len(cell.split()) > 6 or _NUMBER.fullmatch(cell.strip()):
            return True
    return False
