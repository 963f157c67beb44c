from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from carousel.serving.bodies import RefusedError
from carousel.serving.deployment import Deployed
from carousel.serving.models import Model
from carousel.serving.session_store import SessionStore
from carousel.serving.sessions import Sessions, stepper_of


@dataclass
class Reader:
    """Its state is the text so far, and it predicts it in capitals of its own."""

    mark: str

    def begin(self) -> bytes:
        return b""

    def feed(self, state: bytes, text: str) -> tuple[bytes, Any]:
        after = f"{state.decode()} {text}".strip().replace("\n", " ")
        return after.encode(), f"{self.mark}: {after}"


class Predictor:
    architecture = "bigru"


def model(number: int, *, step: bool = True) -> Model:
    deployed = Deployed(number, (), f"f{number}", Path("x"), f"digest {number}", "fp32", step)
    return Model("name", deployed, cast("Any", Predictor()))


@pytest.fixture
def sessions(tmp_path: Path):
    store = SessionStore(tmp_path / "sessions.db", 100.0, 10, 1 << 20)
    yield Sessions(store, lambda model: Reader(f"v{model.number}"), 20)
    store.close()


def test_a_session_goes_on_where_it_was(sessions: Sessions) -> None:
    session = sessions.begin("", model(1), replay=False)
    for piece, whole in (("a b", "a b"), ("c", "a b c"), ("", "a b c"), ("d", "a b c d")):
        appended = sessions.append(sessions.get(session.id), piece, model(1), model(2))
        assert appended.prediction == f"v1: {whole}"
        assert not appended.replayed
        assert sessions.get(session.id).texts == ""


def test_a_session_is_replayed_on_another_version(sessions: Sessions) -> None:
    session = sessions.begin("", model(1), replay=True)
    sessions.append(session, "a b", model(1), model(1))
    appended = sessions.append(sessions.get(session.id), "c", None, model(2))
    assert (appended.prediction, appended.replayed) == ("v2: a b c", True)
    again = sessions.append(sessions.get(session.id), "d", model(2), model(2))
    assert (again.prediction, again.replayed) == ("v2: a b c d", False)


def test_a_session_that_keeps_no_text_is_refused_by_another_version(sessions: Sessions) -> None:
    session = sessions.begin("", model(1), replay=False)
    with pytest.raises(RefusedError, match="version 1") as error:
        sessions.append(session, "a", None, model(2))
    assert error.value.status == 409
    assert sessions.get(session.id) == session


def test_a_session_keeps_so_much_text(sessions: Sessions) -> None:
    session = sessions.begin("", model(1), replay=True)
    with pytest.raises(RefusedError) as error:
        sessions.append(session, "é" * 11, model(1), model(1))
    assert error.value.status == 413
    assert sessions.append(session, "é" * 10, model(1), model(1)).session.calls == 1


def test_of_two_calls_at_a_time_one_is_refused(sessions: Sessions) -> None:
    session = sessions.begin("", model(1), replay=False)
    sessions.append(session, "a", model(1), model(1))
    with pytest.raises(RefusedError) as error:
        sessions.append(session, "b", model(1), model(1))
    assert error.value.status == 409


def test_a_model_without_a_state_has_no_sessions() -> None:
    with pytest.raises(RefusedError, match="bigru") as error:
        stepper_of(model(1, step=False))
    assert error.value.status == 422
