"""The one portable form of a trained model: save, verify, load, predict."""
