"""What a text classifier is built from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassifierConfig:
    """What a `TextClassifier` is made of; saved with its weights. Recommended values are in params.yaml.

    Attributes:
        vocabulary_size: rows of the embedding, specials included.
        classes: width of the logits.
        cell: a key of `nn.cells.CELLS`.
        embedding_size: width of a word vector.
        hidden_size: width of one direction's state; of a convolutional encoder, filters of each width.
        layers: recurrent or transformer layers.
        bidirectional: whether a second direction reads from the end.
        pooling: a key of `nn.pooling.POOLINGS`.
        dropout: probability, between layers and before the head.
        embedding_dropout: probability, on the features of word vectors.
        word_dropout: probability that a word is read as unknown.
        ngrams: words of the longest n-grams that are counted beside the network (see `nn.ngrams`); 0 has none.
        ngram_min_df: documents that an n-gram must occur in to be counted.
        ngram_rows: n-grams that were counted; not a hyperparameter, but as many as the training documents have.
        ngram_weight: weight of a linear classifier of these n-grams (see `nn.linear_ngrams`) in the averaged
            logits; 0 disables it.
        characters: longest n-grams of characters that the linear classifier has beside those of words; 0: none.
        character_rows: as `ngram_rows`, of characters; so are the next two.
        token_characters: of the longest token.
        alphabet: how many characters there are.
        orthogonal: begin with orthogonal recurrent weights (see `nn.initialisation`).
        xavier: begin with Xavier input weights.
        forget_bias: begin with this bias of forget gates; 0 keeps torch's own.
        spectral_radius: of an echo state network's reservoir.
        encoder: a key of `nn.encoders.ENCODERS`.
        heads: of a transformer's attention.
        reading: a key of `nn.reading.READINGS`.
        chunk: words that are read together, where a reading has chunks.
        overlap: words that two neighbouring chunks share.
    """

    vocabulary_size: int
    classes: int
    cell: str = "lstm"
    embedding_size: int = 128
    hidden_size: int = 128
    layers: int = 1
    bidirectional: bool = True
    pooling: str = "max_mean"
    dropout: float = 0.5
    embedding_dropout: float = 0.2
    word_dropout: float = 0.1
    ngrams: int = 0
    ngram_min_df: int = 1
    ngram_rows: int = 0
    ngram_weight: float = 0.0
    characters: int = 0
    character_rows: int = 0
    token_characters: int = 0
    alphabet: int = 0
    orthogonal: bool = True
    xavier: bool = True
    forget_bias: float = 1.0
    spectral_radius: float = 0.9
    encoder: str = "recurrent"
    heads: int = 4
    reading: str = "full"
    chunk: int = 256
    overlap: int = 32
