"""Who is champion: gates on the way up, a way back, and a trail of both."""

import getpass
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from carousel.errors import Refused, UserError
from carousel.params import Promotion
from carousel.registry import gates
from carousel.registry.gates import GateResult
from carousel.registry.registered import Registered
from carousel.registry.versions import CHALLENGER, CHAMPION, EVENT, RETIRED, Version, event_number, get, versions
from carousel.text import strict_json
from carousel.tracking.store import exclusive

if TYPE_CHECKING:
    from mlflow import MlflowClient

MOVES = ("promote", "force", "rollback")  # the actions that move the champion alias
ACTIONS = (*MOVES, "retire", "delete")
_REASON = 1000  # characters; the store keeps 5000 of a whole event


@dataclass(frozen=True)
class Event:
    """A step of the trail.

    Attributes:
        action: promote, force, rollback or retire.
        when: in UTC.
        who: the user's name on the machine that it was typed on.
        source: the champion before, if any.
        target: the version that it is about.
        reason: why.
        gates: each gate's name, what was measured, what is required, and passed, failed, skipped or not measured.
        in_force: False when it was cut off before the alias moved: the champion stayed who it was.
    """

    action: str
    when: str
    who: str
    source: int | None
    target: int
    reason: str
    gates: tuple[dict[str, str], ...] = ()
    in_force: bool = True

    @property
    def is_measured(self) -> bool:
        """Whether any gate passed or failed: a first champion may have faced none."""
        return any(gate["state"] in ("passed", "failed") for gate in self.gates)


@dataclass(frozen=True)
class Verdict:
    """What the gates say of a candidate.

    Attributes:
        registered: the version that would be champion, loaded and verified.
        champion: the one that is, if any.
        results: of every gate that is on.
    """

    registered: Registered
    champion: Version | None
    results: tuple[GateResult, ...]

    @property
    def candidate(self) -> Version:
        """The version that would be champion."""
        return self.registered.version

    @property
    def passed(self) -> bool:
        """Whether no gate failed, and every one was measured that should have been."""
        return not any(result.passed is False or not result.measurable for result in self.results)

    @property
    def reason(self) -> str:
        """A sentence: the gates that failed, with what was measured, or how many were passed."""
        failed = [
            f"{result.gate}: {result.measured}; required: {result.required}"
            for result in self.results
            if result.passed is False
        ]
        if failed:
            return "; ".join(failed)
        passed = sum(result.passed is True for result in self.results)
        counted = f"{passed} gate{'' if passed == 1 else 's'} passed"
        if self.champion is not None:
            return f"{counted}, compared with champion version {self.champion.number}"
        return f"first champion; {counted}" if passed else "first champion"


def judge(client: "MlflowClient", name: str, which: str, rules: Promotion) -> Verdict:
    """Put a candidate through the gates, beside the champion on the candidate's test data.

    Args:
        client: of the store.
        name: of the registered model.
        which: the candidate's number or alias.
        rules: the `promotion` section of params.yaml.

    Raises:
        UserError: when there is no such version, or its bundle is damaged or not the one that was registered.
        Refused: when the candidate is the champion, or is retired.
    """
    candidate = get(client, name, which)
    champion = _champion(client, name)
    if champion is not None and champion.number == candidate.number:
        raise Refused(f"version {candidate.number} of {name} is the champion already")
    if RETIRED in candidate.tags:
        raise Refused(f"version {candidate.number} of {name} is retired")
    registered = Registered(client, candidate)
    registered.verified()
    candidacy = gates.Candidacy(rules, registered, Registered(client, champion) if champion is not None else None)
    return Verdict(registered, champion, gates.measure(candidacy))


def promote(client: "MlflowClient", verdict: Verdict, *, reason: str = "", force: bool = False) -> Event:
    """Make the candidate champion.

    Args:
        client: of the store.
        verdict: of the gates; the champion must still be the one that it knows.
        reason: why, beside the verdict's own.
        force: although gates failed, or could not be measured; that needs a reason.

    Raises:
        UserError: when a gate could not be measured, or a forced promotion has no reason.
        Refused: when a gate failed, or the champion changed since.
    """
    if force and not reason.strip():
        raise UserError("--force needs --reason")
    if not force:
        check(verdict)
    action = "promote" if verdict.passed else "force"
    return _move(client, verdict.registered, verdict.champion, action, reason or verdict.reason, verdict.results)


def check(verdict: Verdict) -> None:
    """Raise what keeps a verdict's candidate from being champion.

    Raises:
        UserError: when a gate could not be measured.
        Refused: when one failed.
    """
    if any(result.passed is False for result in verdict.results):
        raise Refused(f"version {verdict.candidate.number} is not promoted: {verdict.reason}")
    for result in verdict.results:
        if not result.measurable:
            raise UserError(f"gate {result.gate} could not be measured: {result.measured}")


def rollback(client: "MlflowClient", name: str, reason: str, to: str | None = None) -> tuple[Version, Version]:
    """Go back to the champion before this one, or to one that was champion before.

    Returns:
        The version that was champion, and the one that is again.

    Raises:
        UserError: when there is no champion, or none was before it, or the one named never was, or its bundle is
            damaged or not the one that was registered.
        Refused: when the one named is champion now, or is retired.
    """
    champion = get(client, name, CHAMPION)
    moves = [event for event in history(client, name) if event.action in MOVES and event.in_force]
    if to is None:
        came = [event for event in moves if event.action != "rollback" and event.target == champion.number]
        if not came or came[-1].source is None:
            raise UserError(
                f"{name}: version {champion.number} was the first champion; there is none to go back to"
            )
        to = str(came[-1].source)
    previous = get(client, name, to)
    if previous.number == champion.number:
        raise Refused(f"version {champion.number} of {name} is the champion already")
    if previous.number not in {event.target for event in moves}:
        raise UserError(
            f"{name}: version {previous.number} was never champion: `carousel promote {previous.number}` puts it "
            "through the gates"
        )
    if RETIRED in previous.tags:
        raise Refused(f"version {previous.number} of {name} is retired")
    _move(client, Registered(client, previous), champion, "rollback", reason)
    return champion, previous


def history(client: "MlflowClient", name: str) -> list[Event]:
    """Return the trail, oldest first.

    An event is written before the alias moves. So the last one is in force only if the champion is its target, or
    its target is gone. Tags that are no events are left out; `foreign_tags` names them.
    """
    events, _ = _events(client, name)
    moves = [number for number, event in events.items() if event.action in MOVES]
    champion = _champion(client, name)
    if moves and events[moves[-1]].source == (champion.number if champion else None):
        known = {version.number for version in versions(client, name)}
        cut_off = champion is not None or events[moves[-1]].target in known
        events[moves[-1]] = replace(events[moves[-1]], in_force=not cut_off)
    return [events[number] for number in sorted(events)]


def foreign_tags(client: "MlflowClient", name: str) -> list[str]:
    """Return the tags of a registered model that are named as events are and hold none."""
    return _events(client, name)[1]


def lost_champion(client: "MlflowClient", name: str) -> str | None:
    """Return what became of the champion, where the trail has one and no version has the alias; None elsewhere."""
    known = versions(client, name)
    if not known and not _exists(client, name):
        return None
    if any(CHAMPION in version.aliases for version in known):
        return None
    moves = [event for event in history(client, name) if event.action in MOVES and event.in_force]
    if not moves:
        return None
    last = moves[-1].target
    if last in {version.number for version in known}:
        return f"version {last} was the champion, and its alias was removed"
    return f"version {last} was the champion, and was deleted in MLflow"


def record(client: "MlflowClient", name: str, event: Event, *, on_version: bool = True) -> None:
    """Write an event into the trail: on the registered model, then on the version unless that is gone.

    Whoever calls this holds `exclusive`.
    """
    tags = client.get_registered_model(name).tags
    numbers = [number for key in tags if (number := event_number(key)) is not None]  # also of damaged ones
    _write(client, name, max(numbers, default=0) + 1, event, on_version)


def event_now(
    action: str, source: int | None, target: int, reason: str, results: tuple[GateResult, ...] = ()
) -> Event:
    """Return an event of this moment and this user."""
    return Event(
        action=action,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        who=_user(),
        source=source,
        target=target,
        reason=reason[:_REASON],
        gates=tuple(
            {
                "gate": result.gate,
                "measured": result.measured[:200],
                "required": result.required[:200],
                "state": result.state,
            }
            for result in results
        ),
    )


def _move(
    client: "MlflowClient",
    registered: Registered,
    source: Version | None,
    action: str,
    reason: str,
    results: tuple[GateResult, ...] = (),
) -> Event:
    """Write the trail, then move the alias: a crash in between leaves the old champion, the event not in force.

    Every move of the alias goes through here, and none to a bundle that was not loaded and verified.
    """
    target = registered.verified()
    name, before = target.name, source.number if source else None
    with exclusive():
        champion = _champion(client, name)
        if (champion.number if champion else None) != before:
            now = f"version {champion.number}" if champion else "none"
            raise Refused(f"{name}: the champion changed to {now} meanwhile; look again")
        if RETIRED in get(client, name, target.number).tags:
            raise Refused(f"version {target.number} of {name} was retired meanwhile")
        _settle(client, name)
        event = event_now(action, before, target.number, reason, results)
        record(client, name, event)
        client.set_registered_model_alias(name, CHAMPION, str(target.number))
        # the challenger's alias goes after: a version that has both is champion, and one that has none is lost
        if CHALLENGER in get(client, name, str(target.number)).aliases:
            client.delete_registered_model_alias(name, CHALLENGER)
    return event


def _settle(client: "MlflowClient", name: str) -> None:
    """Write down that the last event is not in force, while the champion still shows it."""
    stored, _ = _events(client, name)
    for number, event in zip(sorted(stored), history(client, name), strict=True):
        if event != stored[number]:
            _write(client, name, number, event, on_version=True)


def _write(client: "MlflowClient", name: str, number: int, event: Event, on_version: bool) -> None:
    content = json.dumps(_plain(event), ensure_ascii=False)
    client.set_registered_model_tag(name, f"{EVENT}{number:04}", content)
    if on_version:
        client.set_model_version_tag(name, str(event.target), f"{EVENT}{number:04}", content)


def _events(client: "MlflowClient", name: str) -> tuple[dict[int, Event], list[str]]:
    """Return the events that the registered model has, by number, and the tags that are called so and are none."""
    tags = client.get_registered_model(name).tags
    events, others = {}, []
    for key in sorted(key for key in tags if key.startswith(EVENT)):
        number, event = event_number(key), _parsed(tags[key])
        if number is None or event is None:
            others.append(key)
        else:
            events[number] = event
    return events, others


def _parsed(content: str) -> Event | None:
    """Return the event in a tag; None where the tag was damaged, or somebody else's."""
    try:
        values = strict_json.loads(content)
        event = Event(**values | {"gates": tuple(values.get("gates", ()))})
        when = datetime.fromisoformat(event.when)
    except (ValueError, TypeError, AttributeError):
        return None
    texts = [event.who, event.reason]
    whole = event.action in ACTIONS and when.tzinfo is not None and type(event.in_force) is bool
    whole &= type(event.target) is int and (event.source is None or type(event.source) is int)
    for gate in event.gates:
        whole &= isinstance(gate, dict) and gate.keys() == {"gate", "measured", "required", "state"}
        texts += gate.values() if isinstance(gate, dict) else []
    return event if whole and all(isinstance(text, str) for text in texts) else None


def _plain(event: Event) -> dict[str, Any]:
    """Return what is stored: `in_force` only when it is known to be false."""
    values = asdict(event)
    if event.in_force:
        del values["in_force"]
    return values


def _champion(client: "MlflowClient", name: str) -> Version | None:
    return next((version for version in versions(client, name) if CHAMPION in version.aliases), None)


def _exists(client: "MlflowClient", name: str) -> bool:
    return bool(client.search_registered_models(f"name = '{name}'", max_results=1))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return "unknown"
