"""A finished graph as an exported model: one file with the bundle's parts and fingerprints."""

from carousel.bundle.bundle import Bundle
from carousel.export.graph import Graph
from carousel.predictor import Predictor
from carousel.runtime.model_file import Description, graph_digest, metadata


def content(graph: Graph, bundle: Bundle, predictor: Predictor, *, int8: bool, step: bool, strings: bool) -> bytes:
    """Return the content of the file.

    Args:
        graph: of the model.
        bundle: that it was made of.
        predictor: of the bundle.
        int8: whether weights have eight bits.
        step: whether the graph takes a state and gives one.
        strings: whether it takes texts.
    """
    model = graph.model(f"carousel-{bundle.task}")
    description = Description(
        task=bundle.task,
        config=bundle.config,
        precision="int8" if int8 else "fp32",
        step=step,
        strings=strings,
        architecture=predictor.architecture,
        size=predictor.size,
        parameters=predictor.parameters,
        bundle=bundle.fingerprint,
        files=bundle.fingerprints,
        graph=graph_digest(model.SerializeToString()),
        states=graph.states,
    )
    for key, value in metadata(description, bundle.parts).items():
        model.metadata_props.add(key=key, value=value)
    written: bytes = model.SerializeToString()
    return written
