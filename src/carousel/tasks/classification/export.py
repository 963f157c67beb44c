"""A text classifier as an ONNX graph: token ids and lengths in, logits out."""

import numpy as np
import polars as pl

from carousel.errors import UserError
from carousel.export import carried, encoders, ngrams, pooling
from carousel.export.graph import Array, Graph, Value
from carousel.export.strings import encode as text_ids
from carousel.export.weights import Weights, numpy
from carousel.nn.characters import Characters
from carousel.nn.linear_ngrams import LinearNgrams
from carousel.nn.ngram_ensemble import NgramEnsemble
from carousel.nn.ngrams import Ngrams, NgramTable, log_ratios
from carousel.tasks.classification.prediction import Prediction
from carousel.tasks.classification.predictor import Classifier
from carousel.text.vocabulary import PADDING_ID, UNKNOWN_ID

COUNTERS = 2**17  # n-grams of a table; for more, a counter for each would take more time than sorting a document's


def build(classifier: Classifier, *, int8: bool, step: bool, strings: bool) -> Graph:
    """Return the graph of a classifier; n-grams' logits and the network's are weighed and added.

    Args:
        classifier: to export.
        int8: whether weights have eight bits.
        step: whether the graph reads on from a state, and returns the next one.
        strings: whether the graph takes texts instead of ids, of which it also returns the ids.

    Raises:
        UserError: when the model has something that cannot be exported.
    """
    graph, model, network = Graph(), classifier.model, classifier.network
    weights = Weights(graph, int8)
    if step and strings:
        raise UserError(
            "--step and --strings: a step takes token ids, since a part of a text may end within a word"
        )
    if strings:
        text = graph.input("text", object, ("documents",))
        chosen = (classifier.tokenizer, classifier.vocabulary, classifier.max_length, classifier.truncation)
        ids, lengths = text_ids(graph, text, *chosen)
    else:
        ids = graph.input("ids", np.int64, ("documents", "tokens"))
        lengths = ids if step else graph.input("lengths", np.int64, ("documents",))
    weight = model.ngram_config.weight if isinstance(model, NgramEnsemble) and model.linear is not None else 0.0
    if step:
        carried.check(network, classifier.truncation)
        pooled = carried.step(weights, network, ids)
    else:
        vectors = weights.rows(numpy(network.embedding.weight), ids)
        encoded = encoders.read(weights, network.reading, network.encoder, vectors, lengths)
        pooled = pooling.pool(weights, network.pooling, encoded.outputs, encoded.final, lengths)
    logits = pooled @ ((1 - weight) * numpy(network.head.weight).T) + (1 - weight) * numpy(network.head.bias)
    if isinstance(model, NgramEnsemble):
        whole = graph.input("whole", np.int64, ("documents", "all tokens")) if step else ids
        logits = _with_ngrams(weights, model, whole, logits, weight)
    graph.output("logits", logits, ("documents", network.config.classes))
    if strings:
        graph.output("ids", ids, ("documents", "tokens"))
        graph.output("lengths", lengths, ("documents",))
    return graph


def _with_ngrams(weights: Weights, model: NgramEnsemble, ids: Value, logits: Value, weight: float) -> Value:
    """Return logits (B, classes) with what n-grams of documents (B, T) add."""
    graph, linear = weights.graph, model.linear
    batch = ids.size(0)
    ids = ids.pad(0, 1, 1, 2)  # padding is in no n-gram
    width = ids.size(1)
    flat = ids.reshape(-1)
    if model.ngrams.none:
        found = ngrams.distinct(_table(model.ngrams), flat, graph.count(flat.size(0)) // width)
        logits = logits + _words(weights, model, found, batch, weight)
    if linear is None:
        return logits
    logits = logits + weight * numpy(linear.bias)
    if linear.characters is None or linear.table is None or linear.spelling is None or not linear.table.none:
        return logits
    spelled = _spelling(linear.spelling)
    letters = graph.constant(spelled).take(flat).reshape(-1)
    owners = graph.count(letters.size(0)) // (width * spelled.shape[1])
    real = letters.cast(bool)
    letters, owners = (graph.op("Compress", each, real) for each in (letters, owners))
    arguments = (_table(linear.table), letters.cast(np.int64), owners)
    few = linear.table.none <= COUNTERS
    found = ngrams.every(*arguments, batch) if few else ngrams.distinct(*arguments)
    return logits + _linear(weights, linear.characters, found, batch, weight)


def _table(table: NgramTable) -> ngrams.Table:
    return ngrams.Table(numpy(table.keys)[:-1], table.longest, table.vocabulary_size)


def _spelling(characters: Characters) -> Array:
    """Return the characters of each token; padding between documents is a character that is in no n-gram."""
    table = numpy(characters.spelling).copy()
    table[PADDING_ID, 0] = UNKNOWN_ID
    return table.astype(np.uint8 if table.max() < 2**8 else np.uint16)


def _words(weights: Weights, model: NgramEnsemble, found: ngrams.Counted, batch: Value, weight: float) -> Value:
    """Return what n-grams of words add: naive Bayes with its learned weights and scale, and the linear model."""
    table, classes, linear = model.ngrams, model.config.classes, model.linear
    tables, squares = [(1 - weight) * _naive_bayes(table)], None
    if linear is not None:
        tables.append(weight * numpy(linear.words.weights)[:-1])
        squares = numpy(linear.words.squares)[:-1, None]
    rows = ngrams.look_up(weights, tables, squares, found)
    rows.blocks.append((found.times * 0.0 + 1.0).unsqueeze(1))
    rows.factors.append(np.ones(1, np.float32))
    if linear is not None:
        rows.blocks[1:3] = _weighted(rows.blocks[1], rows.blocks[2], found)
    length = found.rows * 0
    for start in _table(table).starts[1:-1]:
        length = length + (found.rows >= start + 1).cast(np.int64)
    count = table.longest
    sums = ngrams.add_up(found.documents * count + length, batch * count, rows)
    sums = sums.reshape(batch, count, sum(map(len, rows.factors)))  # (B, lengths, …)
    roots = sums.part(-1, None, 2).maximum(1.0).unary("Sqrt")
    logits = (sums.part(None, classes, 2) / roots).sum(1)
    return logits if linear is None else logits + _normalized(sums.part(classes, -1, 2).sum(1), classes)


def _linear(weights: Weights, linear: LinearNgrams, found: ngrams.Counted, batch: Value, weight: float) -> Value:
    """Return the logits of a linear model of n-grams, times a weight."""
    rows = ngrams.look_up(weights, [weight * numpy(linear.weights)[:-1]], numpy(linear.squares)[:-1, None], found)
    rows.blocks[:] = _weighted(rows.blocks[0], rows.blocks[1], found)
    return _normalized(ngrams.add_up(found.documents, batch, rows), linear.weights.shape[1])


def _weighted(said: Value, squares: Value, found: ngrams.Counted) -> list[Value]:
    frequency = found.times.unary("Log") + 1.0
    each = frequency if found.share is None else frequency * found.share
    return [said * each.unsqueeze(1), squares * (each * frequency).unsqueeze(1)]


def _normalized(sums: Value, classes: int) -> Value:
    return sums.part(None, classes, 1) / sums.part(classes, None, 1).maximum(1e-12).unary("Sqrt")


def _naive_bayes(table: Ngrams) -> Array:
    """Return s (1 + w) r of every n-gram, (rows, classes)."""
    ratios = numpy(log_ratios(table.counts[:-1], table.documents))
    starts = _table(table).starts
    scale = np.repeat(numpy(table.scale), np.diff(starts))
    found: Array = ratios * (1 + numpy(table.embedding.weight)[:-1]) * scale[:, None]
    return found


def decisions(prediction: Prediction) -> tuple[list[str], list[float]]:
    """Return what a prediction decides, its label, and its probabilities."""
    return [prediction.label], list(prediction.probabilities.values())


def targets(documents: pl.DataFrame) -> list[list[str]]:
    """Return what would be right to decide for prepared documents."""
    return [[label] for label in documents["label"]]
