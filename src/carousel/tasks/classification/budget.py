"""What of a classifier depends on the number of documents, where params.yaml leaves it open."""

MAX_CHARACTERS = 10_000_000  # of more, n-grams take minutes
FEW_DOCUMENTS = 2_000  # on fewer, a network is less accurate than a linear classifier


def ngram_weight(documents: int) -> float:
    """Return the linear classifier's weight in the averaged logits: a network needs more documents than it does.

    Args:
        documents: of the training split.
    """
    return 0.85 if documents < FEW_DOCUMENTS else 0.6


def has_characters(characters: int) -> bool:
    """Return whether n-grams of characters pay: where documents are many, their words are known.

    Args:
        characters: of the training split.
    """
    return characters <= MAX_CHARACTERS
