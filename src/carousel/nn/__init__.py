"""Recurrent encoders, pooling and heads, as the papers write them."""
