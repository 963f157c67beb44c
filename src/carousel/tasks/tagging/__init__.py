"""Sequence labelling: sentences of tokens, a tag for each token, and perhaps an intent for the sentence."""
