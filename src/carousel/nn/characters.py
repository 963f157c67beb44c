"""The characters that token ids stand for, so that n-grams of characters need no other input than ids."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from carousel.text.vocabulary import PADDING_ID, SPECIALS, UNKNOWN_ID

BOUNDARY = "\u2581"  # ▁ begins a word, as in sentencepiece's subwords
BOUNDARY_ID = 2  # after padding and the character that stands for an unknown token


class Characters(nn.Module):
    """Token ids to character ids.

    Args:
        tokens: rows of the table.
        longest: characters of the longest token, its mark of a boundary included.
    """

    spelling: Tensor  # (tokens, longest), filled up with `PADDING_ID`

    def __init__(self, tokens: int, longest: int) -> None:
        super().__init__()
        self.register_buffer("spelling", torch.zeros(tokens, longest, dtype=torch.int32))

    def forward(self, ids: Tensor) -> Tensor:
        """Return each document's characters end to end, (B, C), filled up with `PADDING_ID`.

        Args:
            ids: token ids (B, T).
        """
        spelled = self.spelling[ids].flatten(1).long()  # (B, T * longest)
        real = (spelled != PADDING_ID).long()
        place = torch.where(real == 1, real.cumsum(1), real.sum(1, keepdim=True) + (1 - real).cumsum(1)) - 1
        return torch.zeros_like(spelled).scatter(1, place, spelled)

    def check(self, alphabet: int) -> None:
        """Check a table that was loaded.

        Args:
            alphabet: above every character id.

        Raises:
            ValueError: when it has another number than those of characters.
        """
        if self.spelling.numel() and not 0 <= int(self.spelling.min()) <= int(self.spelling.max()) < alphabet:
            raise ValueError("the spelling of a token has a character that is not in the alphabet")

    @torch.no_grad()
    def begin(self, spelling: npt.NDArray[np.int32]) -> None:
        """Copy a table that `spell` made."""
        self.spelling.copy_(torch.from_numpy(spelling))


def spell(tokens: Sequence[str]) -> tuple[npt.NDArray[np.int32], int]:
    """Return the characters of a vocabulary's tokens (tokens, longest), and how many characters there are.

    Where no token has a `BOUNDARY`, each token is a word of its own and gets one. An unknown token is one character
    that is in no n-gram.
    """
    words = list(tokens[len(SPECIALS) :])
    if not any(word.startswith(BOUNDARY) for word in words):
        words = [BOUNDARY + word for word in words]
    alphabet = sorted(set().union(*words) - {BOUNDARY})
    number = {BOUNDARY: BOUNDARY_ID, **{char: i for i, char in enumerate(alphabet, BOUNDARY_ID + 1)}}
    spelling = np.full((len(tokens), max(map(len, words), default=1)), PADDING_ID, dtype=np.int32)
    spelling[UNKNOWN_ID, 0] = UNKNOWN_ID
    for row, word in enumerate(words, len(SPECIALS)):
        spelling[row, : len(word)] = [number[char] for char in word]
    return spelling, BOUNDARY_ID + 1 + len(alphabet)
