"""LitServe with dynamic batching, run by its own environment's interpreter.

    PYTHONPATH=src .carousel/peers/litserve/bin/python bench/peers/litserve_peer.py BUNDLE PORT

It predicts with the bundle, one thread, as its documentation batches.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import litserve
import torch

from carousel.predictor import load

BATCH, TIMEOUT = 32, 0.005


class Api(litserve.LitAPI):
    """Texts in, labels and probabilities out."""

    def setup(self, device: str) -> None:
        """Load the bundle."""
        torch.set_num_threads(1)
        self.predictor = load(Path(sys.argv[1]))

    def decode_request(self, request: dict[str, str]) -> str:
        """Return the text."""
        return request["text"]

    def batch(self, inputs: list[str]) -> list[str]:
        """Return them as they are."""
        return inputs

    def predict(self, x: list[str]) -> list[Any]:
        """Predict for a batch."""
        return list(self.predictor.predict(x))

    def unbatch(self, output: list[Any]) -> list[Any]:
        """Return them as they are."""
        return output

    def encode_response(self, output: Any) -> dict[str, Any]:
        """Return plain values."""
        return asdict(output)


if __name__ == "__main__":
    api = Api(max_batch_size=BATCH, batch_timeout=TIMEOUT)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, generate_client_file=False, log_level="warning"
    )
