"""How much a training reads at a time and in all, where params.yaml leaves it to the documents."""

import numpy as np

IN_ALL = 8_000_000  # tokens
FEW = 2_000_000  # tokens, of which a second training takes minutes


def batch_tokens(tokens: int) -> int:
    """Return how many tokens a batch may have: about a thousandth of an epoch's, 1,024 to 8,192.

    Few documents teach more in many small steps; where there are many, larger batches lose nothing and are
    computed faster.

    Args:
        tokens: of the training split.
    """
    return int(2 ** np.clip(np.round(np.log2(max(tokens, 1) / 1000)), 10, 13))


def epochs(tokens: int) -> int:
    """Return how many epochs read eight million tokens in all, 2 to 6.

    A few epochs over many documents teach as much as many over few, and the same number of each would take hours
    where one takes minutes.

    Args:
        tokens: of the training split.
    """
    return int(np.clip(np.round(IN_ALL / max(tokens, 1)), 2, 6))


def refit(tokens: int) -> bool:
    """Return whether to learn from validation's documents, too, in a second training.

    It doubles the time. Where documents are few, a tenth more of them is worth it.

    Args:
        tokens: of the training split.
    """
    return tokens <= FEW
