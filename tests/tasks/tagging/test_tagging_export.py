"""Exported taggers predict what their bundles do."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.errors import UserError
from carousel.export.exporting import export
from carousel.nn.crf import CRF, Allowed
from carousel.tasks.tagging.decoding import Chain
from carousel.tasks.tagging.schemes import all_tags, allowed
from tests.tasks.tagging.test_sequence_tagger import PLAIN, SPANS, WORDS, tagger

WHITE = [*WORDS, "?", "Zürich", "😀", "MYTH"]
sentences = st.lists(st.lists(st.sampled_from(WHITE), max_size=9), min_size=1, max_size=4)


def exported(made, **options):
    return export(made.to_bundle(), made, Path("m.onnx"), **{"int8": False, "step": False, **options}).predictor


@pytest.fixture(scope="module", params=[SPANS, PLAIN], ids=["spans", "plain"])
def both(request):
    made = tagger(request.param)
    torch.nn.init.normal_(made.model.crf.transitions)
    torch.nn.init.normal_(made.model.crf.start)
    torch.nn.init.normal_(made.model.crf.end)
    return made, exported(made)


@given(tokens=sentences)
@settings(max_examples=40, deadline=None)
def test_an_exported_tagger_predicts_what_its_bundle_does(both, tokens):
    made, after = both
    given_inputs = [*tokens, " ".join(tokens[0])]
    for expected, found in zip(made.predict(given_inputs), after.predict(given_inputs), strict=True):
        assert (found.tags, found.intent) == (expected.tags, expected.intent)
        assert [span.text for span in found.spans] == [span.text for span in expected.spans]
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
        assert found.intent_probability == pytest.approx(expected.intent_probability, abs=1e-5)


@given(length=st.integers(1, 9), seed=st.integers(0, 99), constrained=st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_chain_decodes_and_sums_as_the_crf_does(length, seed, constrained):
    torch.manual_seed(seed)
    tags = all_tags(["X", "Y"], "iobes")
    crf = CRF(len(tags))
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter, std=3)
    emissions, lengths = torch.randn(1, length, len(tags)) * 3, torch.tensor([length])
    masks = allowed(tags, "iobes") if constrained else None
    chain = Chain(*(getattr(crf, name).detach().numpy() for name in ("transitions", "start", "end")))
    expected, _ = crf.decode(emissions, lengths, Allowed.of(masks) if masks is not None else None)
    assert chain.best(emissions[0].numpy(), masks).tolist() == expected[0].tolist()
    np.testing.assert_allclose(
        chain.marginals(emissions[0].numpy()), crf.marginals(emissions, lengths)[0], rtol=0, atol=1e-5
    )


def test_a_tagger_has_no_step():
    with pytest.raises(UserError, match="whole sentences"):
        exported(tagger(), step=True)
