"""torchtext's own tokenizers, which define what ours mean. Only this module and `text.vectors` import torchtext.

torchtext is archived; 0.6.0 is its one release in pure Python, and so the one that current PyTorch can load.
Published tutorials and models use its `basic_english`, so ours must agree with it: by property in the tests, and on
the user's own documents each time the tokenize stage runs.
"""

from collections.abc import Callable, Iterable

from carousel.errors import UserError
from carousel.text.normalization import normalize
from carousel.text.tokenizer import TOKENIZERS, Tokenizer

_TORCHTEXT_NAMES: dict[str, str | None] = {"basic_english": "basic_english", "split": None}


def reference(name: str) -> Callable[[str], list[str]]:
    """Return torchtext's tokenizer of that name."""
    import torchtext.data

    tokenizer: Callable[[str], list[str]] = torchtext.data.get_tokenizer(_TORCHTEXT_NAMES[name])
    return tokenizer


def check_agreement(tokenizer: Tokenizer, texts: Iterable[str], tokens: Iterable[Iterable[str]]) -> None:
    """Compare tokens with torchtext's for the same texts, if torchtext has such a tokenizer.

    Steps that come before torchtext's own normalization are applied to the texts first. Other normalization has
    nothing to be compared with.

    Raises:
        UserError: at the first text for which they differ.
    """
    if tokenizer.name not in _TORCHTEXT_NAMES:
        return
    own = TOKENIZERS[tokenizer.name].normalization
    before = tokenizer.normalization[: len(tokenizer.normalization) - len(own)]
    if (*before, *own) != tokenizer.normalization:
        return
    tokenize = reference(tokenizer.name)
    for text, ours in zip(texts, map(list, tokens), strict=True):
        theirs = tokenize(normalize(text, before))
        if ours != theirs:
            odd = next((pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]), (ours, theirs))
            raise UserError(
                f"tokenizer {tokenizer.name} differs from torchtext's at {odd[0]!r} / {odd[1]!r} in {text[:60]!r}: "
                "please report this text; tokenizer.name: words does not depend on torchtext"
            )
