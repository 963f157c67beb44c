"""The tags that a tagger knows, with their scheme and the intents: a part of the bundle."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from carousel.tasks.tagging import schemes
from carousel.tasks.tagging.schemes import Masks, Scheme
from carousel.text import strict_json

PART = "tags.json"


@dataclass(frozen=True)
class Tags:
    """What the network's scores stand for.

    Attributes:
        tags: K, in the order of the scores.
        scheme: that the tags write spans in; None if they write no spans.
        intents: I, in the order of the logits; none without intents.
    """

    tags: tuple[str, ...]
    scheme: Scheme | None = None
    intents: tuple[str, ...] = ()

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]], intents: Iterable[str | None], scheme: Scheme) -> "Tags":
        """Return the tags of training sentences; where they write spans, every tag of the scheme.

        Args:
            sentences: the tags of each.
            intents: of the same sentences.
            scheme: to write spans in.
        """
        distinct = set(chain.from_iterable(sentences))
        known = tuple(sorted({intent for intent in intents if intent is not None}))
        if not schemes.is_spans(distinct):
            return cls(tuple(sorted(distinct)), None, known)
        types = sorted({tag.partition("-")[2] for tag in distinct} - {""})
        return cls(tuple(schemes.all_tags(types, scheme)), scheme, known)

    @property
    def written(self) -> tuple[str, ...]:
        """The tags as predictions have them: those of BIO, where they write spans."""
        if self.scheme is None:
            return self.tags
        types = dict.fromkeys(tag.partition("-")[2] for tag in self.tags if tag != schemes.OUTSIDE)
        return tuple(schemes.all_tags(types, "bio"))

    def encode(self, sentence: Sequence[str]) -> list[int]:
        """Return the numbers of a sentence's tags; a tag that training lacks counts as the first one."""
        index = {tag: i for i, tag in enumerate(self.tags)}
        tags = sentence if self.scheme is None else schemes.convert(sentence, self.scheme)
        return [index.get(tag, 0) for tag in tags]

    def decode(self, numbers: Sequence[int]) -> list[str]:
        """Return a sentence's tags, spans in BIO."""
        tags = [self.tags[number] for number in numbers]
        return tags if self.scheme is None else schemes.convert(tags, "bio")

    def allowed(self) -> Masks | None:
        """Return what the scheme permits, for decoding; None where tags write no spans."""
        return None if self.scheme is None else schemes.allowed(self.tags, self.scheme)

    def to_part(self) -> bytes:
        """Return the content of the part."""
        return (json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n").encode("utf-8")

    @classmethod
    def from_text(cls, content: str) -> "Tags":
        """Read what `to_part` wrote.

        Raises:
            ValueError: when the content is not such a part.
        """
        fields: Any = strict_json.loads(content)
        if not isinstance(fields, dict) or fields.keys() != {"tags", "scheme", "intents"}:
            raise ValueError("is not a list of tags with their scheme")
        names = [fields["tags"], fields["intents"]]
        if not all(isinstance(listed, list) and all(isinstance(name, str) for name in listed) for listed in names):
            raise ValueError("has a tag or an intent that is no text")
        if fields["scheme"] not in (None, *schemes.PREFIXES) or any(len(set(one)) != len(one) for one in names):
            raise ValueError("has an unknown scheme, or a tag or an intent twice")
        return cls(tuple(fields["tags"]), fields["scheme"], tuple(fields["intents"]))
