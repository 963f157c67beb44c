"""A first service, as introductions to FastAPI write it: `python -m bench.serving_naive BUNDLE PORT`."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from carousel.predictor import load


class Body(BaseModel):
    """A text."""

    text: str


def main() -> None:
    """Serve a bundle."""
    torch.set_num_threads(1)
    predictor = load(Path(sys.argv[1]))
    app = FastAPI()

    @app.post("/predict")
    def predict(body: Body) -> dict[str, Any]:
        return asdict(predictor.predict([body.text])[0])  # type: ignore[call-overload, no-any-return]

    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")


if __name__ == "__main__":
    main()
