"""Who is champion: a gate on the way up, a way back, and a trail of both."""

import getpass
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from carousel.errors import Refused, UserError
from carousel.registry.versions import ACCURACY, CHALLENGER, CHAMPION, TEST_DIGEST, Version, get, versions
from carousel.tracking.store import exclusive

if TYPE_CHECKING:
    from mlflow import MlflowClient

_EVENT = "promotion."  # tags of the registered model: promotion.0001, promotion.0002, …


@dataclass(frozen=True)
class Event:
    """A step of the trail: who moved the champion alias, when, from which version to which, and why."""

    action: str
    when: str
    who: str
    source: int | None
    target: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a candidate.

    Attributes:
        candidate: the version that would be champion.
        champion: the one that is, if any.
        accuracies: of the candidate and the champion, on the candidate's test data.
        passed: whether the candidate is at least as accurate.
        reason: a sentence with both numbers.
    """

    candidate: Version
    champion: Version | None
    accuracies: tuple[float, float | None]
    passed: bool
    reason: str


def judge(
    client: "MlflowClient", name: str, which: str, evaluate: Callable[[Version, str], float | None]
) -> Verdict:
    """Compare a candidate with the champion on the same test data.

    Args:
        client: of the store.
        name: of the registered model.
        which: the candidate's number or alias.
        evaluate: accuracy of a version on the test data with that digest, or None where the data is not at
            hand; asked only when the two versions were tested on different data.

    Raises:
        UserError: when there is no such version, or no test data that both can be measured on.
        Refused: when the candidate is the champion.
    """
    candidate = get(client, name, which)
    champion = next((version for version in versions(client, name) if CHAMPION in version.aliases), None)
    accuracy = _accuracy(candidate)
    if champion is None:
        return Verdict(candidate, None, (accuracy, None), True, f"first champion; test accuracy {accuracy:.4f}")
    if champion.number == candidate.number:
        raise Refused(f"version {candidate.number} of {name} is the champion already")
    digest = candidate.tags[TEST_DIGEST]
    if champion.tags[TEST_DIGEST] == digest:
        reigning: float | None = _accuracy(champion)
        where = "on the same test data"
    else:
        reigning = evaluate(champion, digest)
        where = "measured now on the candidate's test data"
    if reigning is None:
        raise UserError(
            f"versions {candidate.number} and {champion.number} were tested on different data, and version "
            f"{candidate.number}'s is not in data/prepared/test.parquet here: promote where it was trained"
        )
    passed = accuracy >= reigning
    reason = (
        f"test accuracy {accuracy:.4f} is {'not worse' if passed else 'worse'} than champion version "
        f"{champion.number}'s {reigning:.4f}, {where}"
    )
    return Verdict(candidate, champion, (accuracy, reigning), passed, reason)


def promote(client: "MlflowClient", verdict: Verdict) -> None:
    """Make the candidate champion; the alias moves last, after its trail.

    Raises:
        Refused: when the gate did not pass, or the champion changed since.
    """
    if not verdict.passed:
        raise Refused(f"version {verdict.candidate.number} is not promoted: {verdict.reason}")
    _move(client, verdict.candidate, verdict.champion, "promote", verdict.reason)


def rollback(client: "MlflowClient", name: str, reason: str) -> tuple[Version, Version]:
    """Go back to the champion before this one.

    Returns:
        The version that was champion, and the one that is again.

    Raises:
        UserError: when there is no champion, or none was before it.
    """
    champion = get(client, name, CHAMPION)
    came = [
        event for event in history(client, name) if event.action == "promote" and event.target == champion.number
    ]
    if not came or came[-1].source is None:
        raise UserError(f"{name}: version {champion.number} was the first champion; there is none to go back to")
    previous = get(client, name, str(came[-1].source))
    _move(client, previous, champion, "rollback", reason)
    return champion, previous


def history(client: "MlflowClient", name: str) -> list[Event]:
    """Return the trail, oldest first."""
    tags = client.get_registered_model(name).tags
    return [Event(**json.loads(tags[key])) for key in sorted(tags) if key.startswith(_EVENT)]


def _move(client: "MlflowClient", target: Version, source: Version | None, action: str, reason: str) -> None:
    with exclusive():
        now = {alias: version.number for version in versions(client, target.name) for alias in version.aliases}
        if now.get(CHAMPION) != (source.number if source else None):
            raise Refused(
                f"{target.name}: the champion changed to version {now.get(CHAMPION)} meanwhile; look again"
            )
        event = Event(
            action=action,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            who=_user(),
            source=source.number if source else None,
            target=target.number,
            reason=reason,
        )
        number = len(history(client, target.name)) + 1
        client.set_registered_model_tag(target.name, f"{_EVENT}{number:04}", json.dumps(asdict(event)))
        client.set_registered_model_alias(target.name, CHAMPION, str(target.number))
        if now.get(CHALLENGER) == target.number:
            client.delete_registered_model_alias(target.name, CHALLENGER)


def _accuracy(version: Version) -> float:
    try:
        return float(version.tags[ACCURACY])
    except KeyError as error:
        raise UserError(
            f"{version.uri}: has no tag {ACCURACY}; only versions that `dvc repro` registered do"
        ) from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return "unknown"
