"""torchtext's own tokenizers, which define what ours mean. The only module that imports torchtext.

torchtext is archived; 0.6.0 is its one release in pure Python, and so the one that current PyTorch can load.
Its meaning of `basic_english` is what published tutorials and models use, so ours is held to it: by property
in the tests, and on the user's own documents each time the tokenize stage runs.
"""

import re
from collections.abc import Callable, Sequence

from carousel.errors import UserError

_TORCHTEXT_NAMES: dict[str, str | None] = {
    "basic_english": "basic_english",
    "english_identifiers": "basic_english",
    "split": None,
}
# torchtext knows no identifiers: where their words part, said in another way than the tokenizer says it
_PARTS = re.compile("(?<=[a-z]{2})(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])(?![A-Z]s(?![a-z]))|_")


def reference(name: str) -> Callable[[str], list[str]]:
    """Return torchtext's tokenizer of that name; for `english_identifiers`, of the parted text."""
    import torchtext.data

    tokenizer: Callable[[str], list[str]] = torchtext.data.get_tokenizer(_TORCHTEXT_NAMES[name])
    if name == "english_identifiers":
        return lambda text: tokenizer(_PARTS.sub(" ", text))
    return tokenizer


def check_agreement(name: str, texts: Sequence[str], tokens: Sequence[Sequence[str]]) -> None:
    """Compare tokens with torchtext's for the same texts.

    Raises:
        UserError: at the first text for which they differ.
    """
    tokenize = reference(name)
    for text, ours in zip(texts, tokens, strict=True):
        theirs = tokenize(text)
        if list(ours) != theirs:
            odd = next((pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]), (ours, theirs))
            raise UserError(
                f"tokenizer {name} differs from torchtext's at {odd[0]!r} / {odd[1]!r} in {text[:60]!r}: "
                "please report this text; tokenizer.name: split has no such rules"
            )
