"""Which tokens of a long document are read: one rule, for a text and for a whole column alike."""


def kept(max_length: int, truncation: str) -> tuple[int, int] | None:
    """Return how many of a longer document's first and last tokens are kept; None keeps them all.

    Args:
        max_length: tokens that a document may keep.
        truncation: head keeps its first `max_length`; head_tail keeps a quarter from the beginning and the rest
            from the end, as Sun et al. did (2019, "How to fine-tune BERT for text classification", section 5.3.1:
            128 and 382), who found it better than either end alone; none keeps every token.

    Raises:
        ValueError: when `truncation` is none of these.
    """
    if truncation not in TRUNCATIONS:
        raise ValueError(f"truncation is {truncation!r}, where only {', '.join(TRUNCATIONS)} are known")
    if truncation == "none":
        return None
    head = -(-max_length // 4) if truncation == "head_tail" else max_length  # one at least
    return head, max_length - head


TRUNCATIONS = ("head", "head_tail", "none")


def cut(tokens: list[str], max_length: int, truncation: str) -> list[str]:
    """Return the tokens that are kept, in order."""
    ends = kept(max_length, truncation)
    if ends is None or len(tokens) <= sum(ends):
        return tokens
    head, tail = ends
    return tokens[:head] + tokens[len(tokens) - tail :]
