"""Which tokens of a long document are read: one rule, for a text and for a whole column alike."""


def kept(max_length: int, long: str) -> tuple[int, int] | None:
    """Return how many of a longer document's first and last tokens are kept; None keeps them all.

    Args:
        max_length: tokens that a document may keep.
        long: head keeps its first `max_length`; head_tail keeps a quarter from the beginning and the rest
            from the end, as Sun et al. did (2019, "How to fine-tune BERT for text classification", section 5.3.1:
            128 and 382), who found it better than either end alone; whole keeps every token.

    Raises:
        ValueError: when `long` is none of these.
    """
    if long not in LONG:
        raise ValueError(f"long is {long!r}, where only {', '.join(LONG)} are known")
    if long == "whole":
        return None
    head = -(-max_length // 4) if long == "head_tail" else max_length  # one at least
    return head, max_length - head


LONG = ("head", "head_tail", "whole")


def cut(tokens: list[str], max_length: int, long: str) -> list[str]:
    """Return the tokens that are kept, in order."""
    ends = kept(max_length, long)
    if ends is None or len(tokens) <= sum(ends):
        return tokens
    head, tail = ends
    return tokens[:head] + tokens[len(tokens) - tail :]
