"""Sessions: a model reads a text piece by piece, and its state is kept between the calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from carousel.runtime.model_file import Description
from carousel.runtime.state import State
from carousel.serving.bodies import RefusedError
from carousel.serving.models import Model
from carousel.serving.session_store import ConcurrentCallError, Session, SessionLimitError, SessionStore

LOADING_SECONDS = 5.0  # that a call waits for a version that another process serves already


class Stepper(Protocol):
    """A model that reads a text piece by piece."""

    def begin(self) -> bytes:
        """Return the state before any text."""

    def feed(self, state: bytes, text: str) -> tuple[bytes, Any]:
        """Read a piece of text, and return the state after it and the prediction for all that was read.

        Pieces together give the prediction of the whole text, with white space between them, to 1e-5.
        """


class StepPredictor(Protocol):
    """The predictor of a model that was exported with a state."""

    @property
    def description(self) -> Description:
        """Of the model."""

    @property
    def initial(self) -> State:
        """The state before the first token."""

    def feed(self, states: Sequence[State], parts: Sequence[str]) -> list[tuple[Any, State]]:
        """Read the next part of several texts, and return the predictions for each so far, and the states."""


class ModelStepper:
    """Reads with the predictor of a model that was exported with a state."""

    def __init__(self, predictor: StepPredictor) -> None:
        self._predictor = predictor

    def begin(self) -> bytes:
        """Return the state before any text."""
        return self._predictor.initial.save(self._predictor.description)

    def feed(self, state: bytes, text: str) -> tuple[bytes, Any]:
        """Read a piece of text."""
        description = self._predictor.description
        ((prediction, after),) = self._predictor.feed([State.load(state, description)], [text])
        return after.save(description), prediction


@dataclass(frozen=True)
class Appended:
    """What a call of a session returns.

    Attributes:
        session: after the call.
        prediction: for all that was read.
        replayed: whether the version changed, and all texts were read again.
    """

    session: Session
    prediction: Any
    replayed: bool


class Sessions:
    """Begins, continues and ends sessions. Its methods wait for the disk.

    Args:
        store: of the sessions.
        stepper: returns what reads piece by piece with a model; raises a `RefusedError` for models that cannot.
        replay_bytes: of text that one session may keep.
    """

    def __init__(self, store: SessionStore, stepper: Callable[[Model], Stepper], replay_bytes: int) -> None:
        self._store, self._stepper, self._replay_bytes = store, stepper, replay_bytes

    def begin(self, identifier: str, model: Model, *, replay: bool) -> Session:
        """Begin a session on a version.

        Raises:
            RefusedError: 422 when the version's model cannot read piece by piece, 429 when there are too many.
        """
        state = self._stepper(model).begin()
        try:
            return self._store.begin(
                model.number, model.deployed.digest, replay=replay, state=state, identifier=identifier
            )
        except SessionLimitError:
            raise _too_many() from None

    def get(self, identifier: str) -> Session:
        """Return a session.

        Raises:
            RefusedError: 404 when there is none.
        """
        session = self._store.get(identifier)
        if session is None:
            raise RefusedError(404, "there is no such session: it was deleted, expired, or never began")
        return session

    def append(self, session: Session, text: str, model: Model | None, successor: Model) -> Appended:
        """Read a piece of text.

        Args:
            session: as it is now.
            text: the piece.
            model: that the session's state is of; None if that version has left.
            successor: what reads its texts again if it has left.

        Raises:
            RefusedError: 409 when the version has left and the session is not to be replayed, or another call of
                the session came in between; 413 when it keeps too much text; 429 when there is no room.
        """
        texts = f"{session.texts}\n{text}" if session.replay and session.calls else text
        if session.replay and len(texts.encode("utf-8")) > self._replay_bytes:
            raise RefusedError(
                413,
                f"the session would keep more than {self._replay_bytes:,} bytes of text for replay: begin another",
            )
        is_same = model is not None and model.deployed.digest == session.digest
        if is_same:
            assert model is not None
            state, prediction = self._stepper(model).feed(session.state, text)
            after = replace(session, state=state)
        elif session.replay:
            stepper = self._stepper(successor)
            state, prediction = stepper.feed(stepper.begin(), texts)
            after = replace(session, state=state, version=successor.number, digest=successor.deployed.digest)
        else:
            raise RefusedError(
                409,
                f"the session began on version {session.version}, which is not served any more: begin another one, "
                "with on_version_change: replay if it should outlive its version",
            )
        after = replace(after, calls=session.calls + 1, texts=texts if session.replay else "")
        try:
            self._store.put(session, after)
        except ConcurrentCallError:
            raise RefusedError(
                409, "another call changed the session at the same time: send one call after the other"
            ) from None
        except SessionLimitError:
            raise _too_many() from None
        return Appended(after, prediction, not is_same)

    def delete(self, identifier: str) -> None:
        """Delete a session.

        Raises:
            RefusedError: 404 when there is none.
        """
        if not self._store.delete(identifier):
            raise RefusedError(404, "there is no such session: it was deleted, expired, or never began")


def stepper_of(model: Model) -> Stepper:
    """Return what reads piece by piece with a model.

    Raises:
        RefusedError: when it cannot.
    """
    if not model.deployed.step:
        raise RefusedError(
            422,
            f"version {model.number} is a {model.predictor.architecture} that reads a text as a whole: "
            "sessions need a recurrent model of one direction, exported with --step",
        )
    return ModelStepper(cast("StepPredictor", model.predictor))


def _too_many() -> RefusedError:
    return RefusedError(
        429, "there are as many sessions as this service keeps: delete some, or try again later", retry_after=10
    )
