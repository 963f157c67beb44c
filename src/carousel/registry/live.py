"""Which version is live, which one was before it, and which one is waiting."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from carousel.registry.promotion import MOVES, Event, history
from carousel.registry.versions import CHALLENGER, CHAMPION, RETIRED, Version, versions

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Live:
    """The versions of a registered model that matter now.

    Attributes:
        name: of the registered model.
        versions: all of them, newest first.
        champion: the version that is live, if any.
        event: that made it champion; None where its alias was set by other means.
        previous: the champion before it, unless that was deleted.
        challenger: the version that is waiting, if any.
    """

    name: str
    versions: tuple[Version, ...]
    champion: Version | None
    event: Event | None
    previous: Version | None
    challenger: Version | None

    @property
    def candidate(self) -> Version | None:
        """The version that could be promoted next: the challenger, or without a champion the newest one."""
        if self.challenger is not None or self.champion is not None:
            return self.challenger
        return next((version for version in self.versions if RETIRED not in version.tags), None)

    def next_commands(self) -> list[str]:
        """Return commands that lead on from here, each with what it does; empty if nothing is waiting."""
        if self.candidate is None:
            return []
        which = CHALLENGER if self.candidate == self.challenger else str(self.candidate.number)
        compare = [f"carousel compare {CHAMPION} {which}"] if self.champion is not None else []
        return [*compare, f"carousel promote {which}"]


def live(client: "MlflowClient", name: str) -> Live:
    """Find the versions of a registered model that matter now.

    Args:
        client: of the store.
        name: of the registered model.
    """
    known = versions(client, name)
    champion = _with_alias(known, CHAMPION)
    event = None
    if champion is not None:
        moves = [event for event in history(client, name) if event.action in MOVES and event.in_force]
        event = moves[-1] if moves and moves[-1].target == champion.number else None
    source = event.source if event is not None else None
    return Live(
        name=name,
        versions=tuple(known),
        champion=champion,
        event=event,
        previous=next((version for version in known if version.number == source), None),
        challenger=next((one for one in known if CHALLENGER in one.aliases and one != champion), None),
    )


def _with_alias(known: list[Version], alias: str) -> Version | None:
    return next((version for version in known if alias in version.aliases), None)
