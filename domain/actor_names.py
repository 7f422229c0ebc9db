"""The names of actors: of users, of their agents, and of former members of imported boards."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from domain.agent import AgentIntroduced
from domain.event import Event, RecordedEvent, fold
from domain.former_member import FormerMember, FormerMemberNamed
from domain.user import TokenIssued, User, UserRegistered, UserRenamed

NAME_EVENTS: Final[tuple[type[Event], ...]] = (UserRegistered, UserRenamed, FormerMemberNamed)
"""The events that name a user, or a former member of an imported board."""
AGENT_NAME_EVENTS: Final[tuple[type[Event], ...]] = (*NAME_EVENTS, TokenIssued)
"""Those, and the events that name a user's agent."""


def agents_users(histories: Mapping[UUID, Sequence[RecordedEvent]]) -> set[UUID]:
    """The users of introduced agents whose own histories are not among these; they have the names of the agents."""
    events = (one.event for history in histories.values() for one in history)
    return {event.user_id for event in events if isinstance(event, AgentIntroduced)} - histories.keys()


def actor_names(histories: Mapping[UUID, Sequence[RecordedEvent]]) -> dict[UUID, str]:
    """The name of each user, agent and former member whose naming events these are, by id."""
    users = {id_: fold(User, (one.event for one in history)) for id_, history in histories.items()}
    agents = {token.id: token.name for user in users.values() if user for token in user.tokens}
    former = {
        id_: fold(FormerMember, (one.event for one in histories[id_])) for id_, user in users.items() if user is None
    }
    return agents | {id_: state.name for id_, state in {**users, **former}.items() if state}
