"""The keeper of the door: looks once at each token, and believes it no longer than it may."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from litestar.exceptions import NotAuthorizedException

from api.http import authentication
from api.http.authentication import PERSONAL_TOKEN_TTL_S, TokenVerifier
from infra.identity.tokens import TokenRecord
from tests.examples import ADA, TOKEN, id7

KEY = "k" * 32
SENT = "tlp_sent"


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def time(self) -> float:
        return self.now.timestamp()

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Kept:
    """Personal tokens as the database has them."""

    def __init__(self, expires_at: datetime | None = None) -> None:
        self.token: TokenRecord | None = TokenRecord(TOKEN, ADA.id, "agent", "write", expires_at)
        self.asked = 0

    async def find(self, sent: str) -> TokenRecord | None:
        assert sent == SENT
        self.asked += 1
        return self.token


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(authentication, "time", clock)
    return clock


async def refuses(keeper: TokenVerifier, token: str = SENT) -> bool:
    try:
        await keeper.verify(token)
    except NotAuthorizedException:
        return True
    return False


async def test_a_personal_token_is_looked_up_once_and_again_after_a_while(clock: Clock) -> None:
    kept = Kept()
    keeper = TokenVerifier(KEY, kept.find)
    for _ in range(3):
        result = await keeper.verify(SENT)
    assert kept.asked == 1
    assert (result.user.id, result.user.kind, result.user.on_behalf_of) == (TOKEN, "agent", ADA.id)
    assert (result.auth.scope, result.auth.token, result.auth.session) == ("write", TOKEN, None)
    clock.later(PERSONAL_TOKEN_TTL_S)
    await keeper.verify(SENT)
    assert kept.asked == 2


async def test_a_personal_token_that_is_gone_is_believed_no_longer_than_that(clock: Clock) -> None:
    kept = Kept()
    keeper = TokenVerifier(KEY, kept.find)
    await keeper.verify(SENT)
    kept.token = None
    clock.later(PERSONAL_TOKEN_TTL_S - 1)
    assert not await refuses(keeper)
    clock.later(1)
    assert await refuses(keeper)


async def test_a_personal_token_is_not_believed_past_its_expiry(clock: Clock) -> None:
    kept = Kept(expires_at=clock.now + timedelta(seconds=10))
    keeper = TokenVerifier(KEY, kept.find)
    await keeper.verify(SENT)
    kept.token = None
    clock.later(9)
    assert not await refuses(keeper)
    clock.later(1)
    assert await refuses(keeper)


async def test_a_session_token_is_not_believed_past_its_expiry(clock: Clock) -> None:
    token, lifetime = authentication.issue_access_token(ADA.id, id7(71), clock.now + timedelta(seconds=30), KEY)
    keeper = TokenVerifier(KEY)
    assert lifetime in {29, 30}
    result = await keeper.verify(token)
    assert (result.user, result.auth.session) == (ADA, id7(71))
    clock.later(31)
    assert await refuses(keeper, token)


@pytest.mark.usefixtures("clock")
async def test_what_is_revoked_is_refused_though_it_is_remembered(clock: Clock) -> None:
    revoked = set[UUID]()
    keeper = TokenVerifier(KEY, Kept().find, revoked)
    token, _ = authentication.issue_access_token(ADA.id, id7(71), clock.now + timedelta(hours=1), KEY)
    for sent, each in ((SENT, TOKEN), (token, id7(71))):
        assert not await refuses(keeper, sent)
        revoked.add(each)
        assert await refuses(keeper, sent)


async def test_no_more_tokens_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "MAX_CACHED_TOKENS", 2)
    asked = list[str]()

    async def find(sent: str) -> TokenRecord:
        asked.append(sent)
        return TokenRecord(TOKEN, ADA.id, "agent", "write", None)

    keeper = TokenVerifier(KEY, find)
    for number in (1, 2, 3, 3, 2, 1):
        await keeper.verify(f"tlp_{number}")
    assert asked == ["tlp_1", "tlp_2", "tlp_3", "tlp_1"]
