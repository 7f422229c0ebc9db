"""Commands about a user's personal tokens: issue and revoke."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from commands.command import (
    FINAL_EVENTS_OVER_CAP,
    DecisionContext,
    OtherStreamEvent,
    require_found,
)
from commands.field_types import Name
from commands.user import UserCommand, require_own_account
from domain.errors import TooManyTokens
from domain.event import Event
from domain.user import (
    TokenIssued,
    TokenKind,
    TokenRevoked,
    TokenScope,
    User,
)

MAX_TOKENS_PER_USER = 100
"""Active personal tokens per user."""


class IssueToken(UserCommand, frozen=True, kw_only=True):
    """Issue a personal token for a program, with the given scopes; the secret is stored outside of the log."""

    token_id: UUID
    name: Name
    scopes: tuple[TokenScope, ...]
    kind: TokenKind = "human"
    expires_at: datetime | None = None

    def decide(self, state: User | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        user = require_own_account(state, context)
        if user.find_token(self.token_id):
            return
        if sum(not token.revoked for token in user.tokens) >= MAX_TOKENS_PER_USER:
            raise TooManyTokens(most=MAX_TOKENS_PER_USER)
        yield TokenIssued(self.token_id, self.name, self.scopes, self.kind, self.expires_at)


class RevokeToken(UserCommand, frozen=True, kw_only=True):
    """Revoke a personal token."""

    events_over_cap: ClassVar = FINAL_EVENTS_OVER_CAP

    token_id: UUID

    def decide(self, state: User | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        if not require_found(require_own_account(state, context).find_token(self.token_id)).revoked:
            yield TokenRevoked(self.token_id)
