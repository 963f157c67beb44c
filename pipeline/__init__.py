"""One short module per DVC stage: read params, call carousel, write outs."""
