"""Rows that a stray quote swallowed: a quoted field with line breaks, whose lines look like rows of the table."""

from collections.abc import Container


def swallowed_row(fields: list[str], label: int, known: Container[str], delimiter: str) -> bool:
    """Whether a line within a field that spans lines is a row by itself, with a label that other rows have.

    A line that the field shares with its neighbours (the first and the last) counts only if the label would
    stand within the field, for there the neighbours give it one anyway.

    Args:
        fields: a record in which some field has line breaks.
        label: the label's place in a record.
        known: the labels of the other rows.
        delimiter: between fields.
    """
    for place, field in enumerate(fields):
        lines = field.split("\n")
        if len(lines) == 1:
            continue
        for number, line in enumerate(lines):
            cells = [cell.strip() for cell in line.split(delimiter)]
            before = place if number == 0 else 0
            after = len(fields) - place - 1 if number == len(lines) - 1 else 0
            inside = label - before
            own = range(1 if number == 0 else 0, len(cells) - (1 if number == len(lines) - 1 else 0))
            if before + len(cells) + after == len(fields) and inside in own and cells[inside].strip('"') in known:
                return True
    return False
