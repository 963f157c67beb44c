"""The bag of words: a word's vector is all that is made of it."""

from torch import Tensor

from carousel.nn.encoder import Encoder, Outputs, at, padding


class Bag(Encoder):
    """Word vectors as they are, without order or neighbours.

    With mean pooling it is the averaged embedding of Iyyer et al. (2015, "Deep unordered composition", section 2.1)
    and of Joulin et al. (2017, "Bag of tricks"). What a model with order gains over it is what order is worth;
    `model.ngrams` knows of order, too.

    Args:
        input_size: F, which is C, too.
    """

    reach = 0

    def __init__(self, input_size: int) -> None:
        super().__init__()
        self.output_size = input_size

    def forward(self, inputs: Tensor, lengths: Tensor) -> Outputs:
        """Encode a batch, as `Encoder` says; final is the last word's vector."""
        outputs = inputs.masked_fill(padding(inputs, lengths), 0)  # (B, T, C)
        return Outputs(outputs, at(outputs, lengths - 1))
