"""The OpenAPI description of the service, and the page that shows it.

FastAPI makes both from the signatures below. The supervisor writes them once, so that workers need no FastAPI; what
the addresses answer is in `endpoints`.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field

from carousel import __version__
from carousel.serving.answers import JSON, Answer
from carousel.serving.bodies import AppendBody, PredictBody, SessionBody
from carousel.serving.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

OPENAPI, PAGE = "openapi.json", "docs.html"


class VersionNamed(BaseModel):
    """Which version answered."""

    model: str
    version: int
    fingerprint: Annotated[str, Field(description="Of the version's bundle.")]


class Predictions(VersionNamed):
    """Predictions in the order of the texts; a classifier's are shown, a tagger's have tokens, tags and spans."""

    predictions: Annotated[
        list[dict[str, Any]],
        Field(examples=[[{"label": "xml", "probability": 0.9, "probabilities": {"xml": 0.9, "files": 0.1}}]]),
    ]


class ServedVersion(BaseModel):
    """A version that answers."""

    version: int
    aliases: list[str]
    fingerprint: str
    precision: str
    architecture: str
    size: str
    parameters: int


class ServedVersions(BaseModel):
    """All versions that answer, and those that cannot."""

    model: str
    champion: int
    canary: int | None
    canary_fraction: float
    shadow: int | None
    versions: list[ServedVersion]
    not_served: Annotated[dict[str, str], Field(description="Reasons by version.")]


class SessionState(VersionNamed):
    """A session."""

    session: str
    calls: int
    on_version_change: Literal["refuse", "replay"]
    expires_in: Annotated[float, Field(description="Seconds after the last call.")]


class SessionAnswer(SessionState):
    """A session after a piece of text."""

    replayed: Annotated[bool, Field(description="Whether another version read all texts again.")]
    prediction: Annotated[dict[str, Any], Field(description="For all that was read.")]


class Error(BaseModel):
    """Why a request was refused."""

    error: str


def application() -> "FastAPI":
    """Return the application that describes the service."""
    from fastapi import FastAPI

    app = FastAPI(title="carousel serve", version=__version__, description="Predictions of registered versions.")
    refusals: dict[int | str, dict[str, Any]] = {
        401: {"model": Error, "description": "The bearer token is missing or wrong."},
        413: {"model": Error, "description": "The body or the list of texts is too long."},
        422: {"model": Error, "description": "The body is not what this address takes."},
        503: {"model": Error, "description": "Too many texts are waiting, or the service is starting."},
    }
    gone: dict[int | str, dict[str, Any]] = {
        404: {"model": Error, "description": "There is no such version or session."}
    }
    left: dict[int | str, dict[str, Any]] = {
        409: {"model": Error, "description": "The session's version has left, or another call came in between."},
        429: {"model": Error, "description": "There are as many sessions as the service keeps."},
    }

    def predict(body: PredictBody) -> None:
        """Predict with the champion, or, for the canary's fraction of X-Request-Id, with the canary."""

    def predict_by(which: str, body: PredictBody) -> None:
        """Predict with the version of that alias or number."""

    def models() -> None:
        """List the versions that answer."""

    def begin(body: SessionBody) -> None:
        """Begin a session."""

    def append(session: str, body: AppendBody) -> None:
        """Read a piece of text, and predict for all that was read."""

    def show(session: str) -> None:
        """Show a session."""

    def delete(session: str) -> None:
        """Delete a session."""

    for path, method, endpoint, answer, responses in (
        ("/v1/predict", "POST", predict, Predictions, refusals),
        ("/v1/models/{which}/predict", "POST", predict_by, Predictions, refusals | gone),
        ("/v1/models", "GET", models, ServedVersions, {}),
        ("/v1/sessions", "POST", begin, SessionState, refusals | left),
        ("/v1/sessions/{session}", "POST", append, SessionAnswer, refusals | gone | left),
        ("/v1/sessions/{session}", "GET", show, SessionState, gone),
        ("/v1/sessions/{session}", "DELETE", delete, None, gone),
    ):
        app.add_api_route(
            path,
            endpoint,
            methods=[method],
            response_model=answer,
            responses=responses,
            status_code=201 if endpoint is begin else 200,
        )
    return app


def write_pages(settings: Settings) -> None:
    """Write the description and its page into the state folder."""
    from fastapi.openapi.docs import get_swagger_ui_html

    app = application()
    (settings.state / OPENAPI).write_text(json.dumps(app.openapi(), indent=1), "utf-8")
    page = get_swagger_ui_html(openapi_url=f"/{OPENAPI}", title=app.title)
    (settings.state / PAGE).write_bytes(bytes(page.body))


def read_pages(settings: Settings) -> dict[str, Answer]:
    """Return what `write_pages` wrote, by address."""
    return {
        "/docs": Answer((settings.state / PAGE).read_bytes(), content_type=b"text/html; charset=utf-8"),
        f"/{OPENAPI}": Answer((settings.state / OPENAPI).read_bytes(), content_type=JSON),
    }
