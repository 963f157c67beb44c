"""Versions that are done with: retired by name, or deleted by a rule that knows which are still needed."""

import json
from typing import TYPE_CHECKING

from carousel.errors import Refused
from carousel.registry.promotion import MOVES, event_now, history, record
from carousel.registry.versions import CHAMPION, RETIRED, Version, get, versions
from carousel.tracking.store import exclusive

if TYPE_CHECKING:
    from mlflow import MlflowClient


def retire(client: "MlflowClient", name: str, which: str, reason: str) -> Version:
    """Mark a version as one that must not be promoted or rolled back to; its files stay.

    Raises:
        UserError: when there is no such version.
        Refused: when it has an alias, or is retired already.
    """
    with exclusive():
        version = get(client, name, which)
        if version.aliases:
            raise Refused(f"version {version.number} of {name} is the {' and '.join(version.aliases)}")
        if RETIRED in version.tags:
            raise Refused(f"version {version.number} of {name} is retired already")
        event = event_now("retire", None, version.number, reason)
        told = {"when": event.when, "who": event.who, "reason": event.reason}
        client.set_model_version_tag(name, str(version.number), RETIRED, json.dumps(told, ensure_ascii=False))
        record(client, name, event)
    return version


def old(client: "MlflowClient", name: str, keep: int) -> list[Version]:
    """Return the versions that the rule lets go, oldest first.

    It keeps every version that has an alias, the one that `carousel rollback` would go back to, and of the others
    the newest.

    Args:
        client: of the store.
        name: of the registered model.
        keep: how many of the others.
    """
    found = versions(client, name)  # newest first
    champion = next((version.number for version in found if CHAMPION in version.aliases), None)
    moves = [event for event in history(client, name) if event.action in MOVES and event.in_force] if found else []
    before = {event.source for event in moves if event.target == champion}
    others = [version for version in found if not version.aliases and version.number not in before]
    return list(reversed(others[keep:]))


def delete(client: "MlflowClient", name: str, keep: int, reason: str) -> list[Version]:
    """Delete the versions that the rule lets go, with their logged models; their runs stay.

    Returns:
        Those that were deleted.
    """
    with exclusive():
        gone = old(client, name, keep)
        for version in gone:
            # its own field for this is empty on some servers
            source = client.get_model_version(name, str(version.number)).source or ""
            scheme, _, model_id = source.partition(":/")
            client.delete_model_version(name, str(version.number))
            if scheme == "models":
                client.delete_logged_model(model_id)
            event = event_now("delete", None, version.number, reason)
            record(client, name, event, on_version=False)
    return gone
