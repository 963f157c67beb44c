"""Subword tokenizers learned from the training split: BPE and unigram language models, by sentencepiece.

Sennrich et al. 2016, "Neural machine translation of rare words with subword units", section 3.2; Kudo 2018,
"Subword regularization", section 3.2. A character that the training split does not have is cut into the bytes of
its UTF-8, so that no text is out of vocabulary before the vocabulary's own `min_count`.
"""

import base64
import binascii
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from carousel.errors import UserError
from carousel.text.normalization import normalize
from carousel.text.tokenizer import TOKENIZERS, Tokenizer
from carousel.text.word_boundaries import syllabic

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

KINDS = ("bpe", "unigram")
NORMALIZATION = ("nfc", "casefold", "html_breaks", "collapse_spaces")
SPACE = "\u2581"  # sentencepiece writes a space as ▁; one that a text has becomes _
THREADS = 4  # part of the result: the expected counts of a unigram model are summed thread by thread
DELIMITER = "\x1f"  # between subwords of the texts to learn from; no part of any
RESERVED = 300  # 256 bytes and sentencepiece's own symbols, rounded up
LEAST = 2  # times that the training split has a subword of several characters
MAX_CHARACTERS = 20_000_000  # of the training split, of which longer ones are sampled evenly


@dataclass(frozen=True)
class Subwords(Tokenizer):
    """Subwords of a trained model.

    Attributes:
        model: sentencepiece's serialized model.
    """

    model: bytes

    @cached_property
    def _processor(self) -> "SentencePieceProcessor":
        from sentencepiece import SentencePieceProcessor

        return SentencePieceProcessor(model_proto=self.model)

    def normalize(self, text: str) -> str:
        """Return the text as the model reads it."""
        return _readable(super().normalize(text))

    def cut(self, text: str) -> list[str]:
        """Return the subwords; ▁ begins one that follows a space."""
        tokens: list[str] = self._processor.encode(text, out_type=str)
        return tokens

    def words(self, text: str) -> list[list[str]]:
        """Return the subwords of one text, those of the same word together."""
        words: list[list[str]] = []
        for token in self.tokenize(text):
            if token.startswith(SPACE) or not words:
                words.append([])
            words[-1].append(token)
        return words

    def cut_all(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the subwords of many texts, on several threads."""
        tokens: list[list[str]] = self._processor.encode(list(texts), out_type=str, num_threads=THREADS)
        return tokens

    def decode(self, tokens: Sequence[str]) -> str:
        """Return the normalized text."""
        text: str = self._processor.decode_pieces(list(tokens))
        return text

    def fields(self) -> dict[str, Any]:
        """Return what is saved, the model in base64."""
        return {**super().fields(), "model": base64.b64encode(self.model).decode("ascii")}


def from_fields(name: str, normalization: tuple[str, ...], fields: dict[str, Any]) -> Subwords:
    """Return the tokenizer that `Subwords.fields` describes.

    Raises:
        KeyError, ValueError: when it is not a model.
    """
    try:
        tokenizer = Subwords(name, normalization, base64.b64decode(fields.pop("model"), validate=True))
        tokenizer.cut("a")
    except (binascii.Error, RuntimeError, TypeError) as error:
        raise ValueError(f"model is damaged: {error}") from error
    if fields:
        raise ValueError(f"unknown field {next(iter(fields))!r}")
    return tokenizer


def default_normalization(name: str) -> tuple[str, ...]:
    """Return the steps that a tokenizer has unless params.yaml names others."""
    return NORMALIZATION if name in KINDS else TOKENIZERS[name].normalization


def build(name: str, normalization: Iterable[str], texts: Iterable[str], subwords: int) -> Tokenizer:
    """Return a tokenizer by name; subwords are learned from the texts of the training split.

    Raises:
        UserError: when they cannot be.
    """
    if name in KINDS:
        return train(name, normalization, list(texts), subwords)
    return replace(TOKENIZERS[name], normalization=tuple(normalization))


def train(name: str, normalization: Iterable[str], texts: Sequence[str], size: int) -> Subwords:
    """Learn subwords from texts; the same texts in the same order give the same model.

    Args:
        name: a key of `KINDS`.
        normalization: of the tokenizer.
        texts: of the training split.
        size: the most subwords, if that is enough for every single character; few texts give fewer.

    Raises:
        UserError: when the texts have no characters.
    """
    from sentencepiece import SentencePieceTrainer

    steps = tuple(normalization)
    sentences = list(_sentences(texts, steps))
    characters = len(set().union(*sentences))
    model = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            model_type=name,
            vocab_size=max(size, characters + RESERVED),
            hard_vocab_limit=False,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            character_coverage=1.0,
            byte_fallback=True,
            # An ideograph or Hiragana is a subword by itself: pairs are found by the model's n-grams, and few texts
            # have a longer one twice
            pretokenization_delimiter=DELIMITER,
            max_sentence_length=2**30,
            num_threads=THREADS,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise UserError(
            f"tokenizer.name: {name}: no subwords can be learned from the training split ({_reason(error)}); "
            "choose characters or bytes"
        ) from error
    return _without_rare(Subwords(name, steps, model.getvalue()), texts)


def _without_rare(tokenizer: Subwords, texts: Sequence[str]) -> Subwords:
    """Return the tokenizer without the subwords that the texts have once: smaller ones replace them.

    A vocabulary would make such a subword unknown, and all of its characters with it. Sennrich et al. 2017, "The
    University of Edinburgh's neural MT systems for WMT17", section 3.1, restrict subwords likewise.
    """
    from sentencepiece import sentencepiece_model_pb2 as proto

    counts = Counter(chain.from_iterable(tokenizer.cut_all([tokenizer.normalize(text) for text in texts])))
    model = proto.ModelProto.FromString(tokenizer.model)  # type: ignore[attr-defined]
    kinds = type(model).SentencePiece
    for piece in model.pieces:
        if piece.type == kinds.NORMAL and len(piece.piece) > 1 and counts[piece.piece] < LEAST:
            piece.type = kinds.UNUSED
    return replace(tokenizer, model=model.SerializeToString(deterministic=True))


def _readable(text: str) -> str:
    return text.replace(SPACE, "_").replace("\0", " ")


def _sentences(texts: Sequence[str], steps: tuple[str, ...]) -> Iterator[str]:
    every = max(1, -(-sum(map(len, texts)) // MAX_CHARACTERS))
    for text in texts[::every]:
        readable = _readable(normalize(text, steps)).replace(DELIMITER, " ")
        if readable.strip():
            yield syllabic().sub(rf"{DELIMITER}\g<0>{DELIMITER}", readable)


def _reason(error: RuntimeError) -> str:
    return str(error).strip().splitlines()[-1] if str(error).strip() else "sentencepiece failed"
