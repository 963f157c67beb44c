"""Every version of a model against its tags: what `lineage` checks of one, as far as the store itself can tell."""

from collections.abc import Iterator
from dataclasses import dataclass

from carousel.corpus.training_data import TOKENIZER, VOCABULARY
from carousel.errors import UserError
from carousel.registry import model_files, versions
from carousel.registry.versions import Version


@dataclass(frozen=True)
class Verified:
    """What was found of a version.

    Attributes:
        version: its number.
        ok: whether its files are those that its tags describe.
        reason: the first difference; empty without one.
        fingerprint: of the bundle, as its tag has it.
    """

    version: int
    ok: bool
    reason: str
    fingerprint: str


def verify(version: Version) -> Verified:
    """Load a version's files, and compare them with its tags."""
    recorded = version.tags.get(versions.FINGERPRINT, "")
    try:
        reason = next(_differences(version), "")
    except UserError as error:
        reason = str(error)
    return Verified(version.number, not reason, reason, recorded)


def _differences(version: Version) -> Iterator[str]:
    bundle = versions.fetch(version)
    versions.predictor_of(version, bundle)
    prints = bundle.fingerprints
    found = {
        versions.TASK: bundle.task,
        "vocabulary.fingerprint": prints.get(VOCABULARY, ""),
        "tokenizer.fingerprint": prints.get(TOKENIZER, ""),
    }
    for tag, value in found.items():
        if version.tags.get(tag, value) != value:
            yield f"{version.uri}: {tag} is {value[:12]}, its tag says {version.tags[tag][:12]}"
    code = version.tags.get(model_files.FINGERPRINT)
    if code is not None and (now := model_files.fingerprint(version)) != code:
        yield (
            f"{version.uri}: files that mlflow.pyfunc runs were changed: their fingerprint is {now[:12]}, the "
            f"version's tag says {code[:12]}"
        )
