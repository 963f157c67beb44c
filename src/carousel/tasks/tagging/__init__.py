"""Sequence labelling: one tag for each token, and optionally one intent for each sentence."""
