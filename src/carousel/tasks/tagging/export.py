"""A tagger as an ONNX graph: ids, features and lengths in, emissions, the CRF's scores and intents out."""

import numpy as np
import polars as pl

from carousel.errors import UserError
from carousel.export import encoders, pooling
from carousel.export.graph import Graph
from carousel.export.weights import Weights, numpy
from carousel.nn.affixes import LOWERCASE
from carousel.nn.reading import Full
from carousel.tasks.tagging.prediction import Prediction
from carousel.tasks.tagging.predictor import SequenceTagger
from carousel.text.vocabulary import UNKNOWN_ID


def build(tagger: SequenceTagger, *, int8: bool, step: bool, strings: bool) -> Graph:
    """Return the graph of a tagger.

    Args:
        tagger: to export.
        int8: whether weights have eight bits.
        step: is not for taggers.
        strings: is not for taggers.

    Raises:
        UserError: when the model has something that cannot be exported, or with `step` or `strings`.
    """
    if step:
        raise UserError("--step: a tagger decodes whole sentences: it cannot be exported step by step")
    if strings:
        raise UserError("--strings: a tagger needs features of each word's spelling, which no graph computes")
    graph, model = Graph(), tagger.model
    weights, config = Weights(graph, int8), model.config
    ids = graph.input("ids", np.int64, ("sentences", "words"))
    features = graph.input("features", np.int64, ("sentences", "words", config.features))
    lengths = graph.input("lengths", np.int64, ("sentences",))
    words = weights.rows(numpy(model.embedding.weight), ids)
    # An unknown word has no lowercase feature
    unknown = ids.equal(UNKNOWN_ID).cast(np.float32).unsqueeze(2)  # (B, T, 1)
    counted = 1.0 - unknown * np.eye(config.features, dtype=np.float32)[LOWERCASE]  # (B, T, F)
    spelling = (weights.rows(numpy(model.feature_embedding.weight), features) * counted.unsqueeze(3)).sum(2)
    vectors = graph.join([words, spelling], 2)
    encoded = encoders.read(weights, Full(), model.encoder, vectors, lengths)
    emissions = weights.linear(encoded.outputs, model.head.weight, model.head.bias)
    graph.output("emissions", emissions, ("sentences", "words", config.tags))
    ends = [numpy(model.crf.start)[None], numpy(model.crf.end)[None]]
    chain = graph.constant(np.concatenate([numpy(model.crf.transitions), *ends]))
    graph.output("chain", chain, (config.tags + 2, config.tags))
    if model.intents is not None:
        pooled = pooling.pool(weights, model.intents.pooling, encoded.outputs, encoded.final, lengths)
        intents = weights.linear(pooled, model.intents.head.weight, model.intents.head.bias)
        graph.output("intents", intents, ("sentences", config.intents))
    return graph


def decisions(prediction: Prediction) -> tuple[list[str], list[float]]:
    """Return what a prediction decides, each token's tag and the intent, and their probabilities."""
    intent = [prediction.intent] if prediction.intent else []
    return [*prediction.tags, *intent], [*prediction.probabilities, prediction.intent_probability]


def targets(documents: pl.DataFrame) -> list[list[str]]:
    """Return what would be right to decide for prepared sentences."""
    pairs = zip(documents["tags"].to_list(), documents["intent"].to_list(), strict=True)
    return [[*tags, *([intent] if intent is not None else [])] for tags, intent in pairs]
