"""Tagging: a tag for each token of a sentence, and possibly an intent for the sentence."""
