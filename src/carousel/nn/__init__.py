"""Encoders, pooling and heads, as the papers write them."""
