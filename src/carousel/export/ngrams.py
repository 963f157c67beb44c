"""N-grams in a graph: found by hashing, counted by sorting, and what each adds in one table.

The result is that of `nn.ngrams` and `nn.linear_ngrams`. All documents' tokens are one sequence with a separator
between them that no n-gram has, so there is no padding to compute. N-grams that few documents have often say the
same (those that a single document has differ in their count at most), so that a table has each distinct row once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carousel.errors import UserError
from carousel.export.graph import ML, Array, Value, packed
from carousel.export.weights import Weights, by_columns
from carousel.text.vocabulary import UNKNOWN_ID


@dataclass(frozen=True, eq=False)
class Table:
    """The n-grams that a model knows, as `nn.ngrams.NgramTable` has them.

    Attributes:
        keys: ascending, (rows,).
        longest: tokens of the longest n-grams.
        size: above every token.
    """

    keys: npt.NDArray[np.int64]
    longest: int
    size: int

    def __post_init__(self) -> None:
        if (self.keys % self.size <= UNKNOWN_ID).any():
            raise UserError("its n-grams have unknown tokens, which no counting gives: it cannot be exported")

    @property
    def none(self) -> int:
        """The row that is no n-gram's."""
        return len(self.keys)

    @property
    def starts(self) -> list[int]:
        """The first row of the n-grams of each length, and the last one's end."""
        lengths = np.zeros(self.none, np.int64)
        for row, key in enumerate(self.keys):
            lengths[row] = 1 if key < self.size else lengths[key // self.size - 1] + 1
        return [int(np.searchsorted(lengths, length)) for length in range(1, self.longest + 1)] + [self.none]


@dataclass(frozen=True)
class Counted:
    """The n-grams of documents.

    Attributes:
        documents: of each, its document, (G,).
        rows: of the table plus 1, (G,); 0 is no n-gram's.
        times: how often the document has it, (G,), float.
        share: by which it counts, (G,), where the document's n-gram is as many entries; None: it is one.
    """

    documents: Value
    rows: Value
    times: Value
    share: Value | None = None


def distinct(table: Table, tokens: Value, documents: Value) -> Counted:
    """Return the distinct n-grams of documents that the table has, by sorting them.

    Args:
        table: of n-grams.
        tokens: of all documents, one after the other, each followed by one that no n-gram has, (N,).
        documents: of each token, its document, (N,).
    """
    graph, base = tokens.graph, table.none + 1
    rows, owners = _found(table, tokens, documents)
    entries = graph.op("Compress", owners * base + rows, rows.cast(bool))
    ordered = graph.ops("TopK", entries, entries.size(0).reshape(1), outputs=2, axis=0, largest=0)[0]
    edges = graph.join([graph.integers([-1]), ordered, graph.integers([2**62])], 0)
    # An entry differs from the one before where its run begins; the last edge ends the last run
    firsts = graph.op("Not", edges.part(1, None, 0).equal(edges.part(None, -1, 0))).nonzero()
    begins = firsts.part(None, -1, 0)
    entries = ordered.take(begins)
    times = firsts.part(1, None, 0) - begins
    documents = entries // base
    return Counted(documents, entries - documents * base, times.cast(np.float32))


def every(table: Table, tokens: Value, documents: Value, count: Value) -> Counted:
    """Return all n-grams of documents, as `distinct` does, each as often as it occurs: with a counter for each.

    For many n-grams and a small table this is faster.

    Args:
        table: of n-grams.
        tokens: as for `distinct`.
        documents: of each token.
        count: of documents, a scalar.
    """
    graph, base = tokens.graph, table.none + 1
    rows, owners = _found(table, tokens, documents)
    entries = owners * base + rows
    counters = graph.zeros(count * base)
    ones = rows.cast(np.float32) * 0.0 + 1.0
    times = graph.op("ScatterND", counters, entries.unsqueeze(1), ones, reduction="add").take(entries)
    return Counted(owners, rows, times, 1.0 / times)


def _found(table: Table, tokens: Value, documents: Value) -> tuple[Value, Value]:
    """Return of the n-grams that begin at each token, their row plus 1 or 0, and their document."""
    graph, starts = tokens.graph, table.starts
    singles = np.zeros(table.size, np.int64)
    singles[table.keys[: starts[1]]] = np.arange(starts[1]) + 1
    rows, owners = [graph.constant(singles).take(tokens)], [documents]
    for length in range(2, table.longest + 1):
        span = slice(starts[length - 1], starts[length])
        key = rows[-1].part(None, -1, 0) * table.size + tokens.part(length - 1, None, 0)
        rows.append(_look_up(key, table.keys[span], np.arange(span.start, span.stop) + 1))
        owners.append(documents.part(None, 1 - length, 0))
    return graph.join(rows, 0), graph.join(owners, 0)


def _look_up(keys: Value, known: Array, rows: Array) -> Value:
    if not len(known):
        return keys * 0
    return keys.graph.op(
        "LabelEncoder",
        keys,
        domain=ML,
        keys_tensor=packed(known, "keys"),
        values_tensor=packed(rows, "values"),
        default_tensor=packed(np.array([0]), "default"),
    )


@dataclass(frozen=True)
class Rows:
    """What each n-gram of documents adds to sums, (G, width), before a factor for each column.

    Attributes:
        blocks: side by side, (G, columns) each.
        factors: of each block's columns.
    """

    blocks: list[Value]
    factors: list[Array]


def look_up(weights: Weights, tables: Sequence[Array], squares: Array | None, found: Counted) -> Rows:
    """Return the rows that n-grams have in tables; in eight bits those have a scale for each column.

    Rows that are equal in all tables are stored once.

    Args:
        weights: how they are stored.
        tables: (rows, columns) each.
        squares: a further table (rows, 1), which is not as small in eight bits.
        found: n-grams.
    """
    graph, factors = weights.graph, [np.ones(table.shape[1], np.float32) for table in tables]
    if weights.int8:
        stored, factors = (list(each) for each in zip(*map(by_columns, tables), strict=True))
    else:
        stored = [table.astype(np.float32) for table in tables]
    if squares is not None:
        stored.append(squares.astype(np.float16 if weights.int8 else np.float32))
        factors.append(np.ones(1, np.float32))
    stored, where = _distinct_rows([np.concatenate([np.zeros_like(table[:1]), table]) for table in stored])
    rows = found.rows
    if where is not None:
        rows = graph.constant(where).take(rows).cast(np.int32)
    return Rows([graph.constant(table).take(rows).cast(np.float32) for table in stored], factors)


def add_up(found: Value, count: Value, rows: Rows) -> Value:
    """Return the sums (count, width) of rows by group (G,)."""
    graph, factors = found.graph, np.concatenate(rows.factors)
    zeros = graph.zeros(count, len(factors))
    sums = graph.op("ScatterND", zeros, found.unsqueeze(1), graph.join(rows.blocks, 1), reduction="add")
    return sums if (factors == 1).all() else sums * factors


def _distinct_rows(tables: list[Array]) -> tuple[list[Array], Array | None]:
    """Return the distinct rows of tables side by side and where each row is among them; None: where it was."""
    whole = np.concatenate([np.ascontiguousarray(table).view(np.uint8) for table in tables], axis=1)
    rows = np.ascontiguousarray(whole).view(np.dtype((np.void, whole.shape[1]))).ravel()
    _, first, where = np.unique(rows, return_index=True, return_inverse=True)
    small = np.dtype(np.uint16 if len(first) <= 2**16 else np.int32)
    if len(first) * whole.shape[1] + len(rows) * small.itemsize >= whole.size:
        return tables, None
    return [table[first] for table in tables], where.astype(small)
