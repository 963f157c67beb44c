"""Other libraries that train the same classifier, for the speed benchmark.

Each lives in an environment of its own, because their requirements clash with each other's and with Carousel's.
`python -m bench.peers.environment` makes the environments. A peer's script then runs in its peer's environment:

    .carousel/peers/flair/bin/python bench/peers/flair_peer.py DOCUMENTS.npz EPOCHS THREADS

`exchange.py` says what goes in and what comes out.
"""
