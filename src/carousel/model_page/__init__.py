"""The page about a trained model: how good it is, where it is wrong, and what it was trained on."""
