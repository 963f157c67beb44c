"""Which version is live, which one was before it, and which one is waiting."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from carousel.errors import UserError
from carousel.registry.promotion import MOVES, Event, history, lost_champion
from carousel.registry.versions import CHALLENGER, CHAMPION, RETIRED, Version, get, versions

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
        lost: what became of the champion, where the trail has one that is no longer there.
    """

    name: str
    versions: tuple[Version, ...]
    champion: Version | None
    event: Event | None
    previous: Version | None
    challenger: Version | None
    lost: str | None = None

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
        lost=lost_champion(client, name) if champion is None else None,
    )


def default(client: "MlflowClient", name: str) -> Version:
    """Return the version that predicts when nobody names one: the champion, before the first one the challenger.

    Raises:
        UserError: when there is neither, or there was a champion that is gone: another version would predict
            in its place, and nobody decided that.
    """
    aliases = {alias for version in versions(client, name) for alias in version.aliases}
    if CHAMPION in aliases:
        return get(client, name, CHAMPION)
    if (lost := lost_champion(client, name)) is not None:
        raise UserError(f"{name}: {lost}; `carousel promote VERSION` makes another one champion, --model names one")
    return get(client, name, CHALLENGER if CHALLENGER in aliases else CHAMPION)


def _with_alias(known: list[Version], alias: str) -> Version | None:
    return next((version for version in known if alias in version.aliases), None)
