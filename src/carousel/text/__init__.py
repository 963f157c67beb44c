"""Text to tokens, tokens to ids."""
