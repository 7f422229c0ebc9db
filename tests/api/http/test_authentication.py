"""Authentication: a token is verified once, and cached no longer than it is valid."""

import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from litestar.exceptions import NotAuthorizedException

from api.http import access_tokens, authentication
from api.http.authentication import PERSONAL_TOKEN_TTL_S, TokenVerifier
from infra.identity.personal_tokens import TokenRecord
from tests.examples import ADA, TOKEN, fixed_uuid7

KEY = "k" * 32
PERSONAL_TOKEN = "tlp_sent"


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def time(self) -> float:
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class FakeTokenStore:
    """Personal tokens, as the database returns them."""

    def __init__(self, expires_at: datetime | None = None) -> None:
        self.token: TokenRecord | None = TokenRecord(TOKEN, ADA.id, "agent", "write", expires_at)
        self.lookup_count = 0

    async def find(self, sent: str) -> TokenRecord | None:
        assert sent == PERSONAL_TOKEN
        self.lookup_count += 1
        return self.token


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(authentication, "time", clock)
    return clock


async def is_refused(verifier: TokenVerifier, token: str = PERSONAL_TOKEN) -> bool:
    try:
        await verifier.verify(token)
    except NotAuthorizedException:
        return True
    return False


async def test_a_personal_token_is_cached_for_a_while(clock: Clock) -> None:
    token_store = FakeTokenStore()
    verifier = TokenVerifier([KEY], token_store.find)
    for _ in range(3):
        result = await verifier.verify(PERSONAL_TOKEN)
    assert token_store.lookup_count == 1
    assert (result.user.id, result.user.kind, result.user.on_behalf_of) == (TOKEN, "agent", ADA.id)
    assert (result.auth.scope, result.auth.token, result.auth.session) == ("write", TOKEN, None)
    clock.advance(PERSONAL_TOKEN_TTL_S)
    await verifier.verify(PERSONAL_TOKEN)
    assert token_store.lookup_count == 2


async def test_a_deleted_personal_token_is_accepted_until_its_cache_entry_expires(clock: Clock) -> None:
    token_store = FakeTokenStore()
    verifier = TokenVerifier([KEY], token_store.find)
    await verifier.verify(PERSONAL_TOKEN)
    token_store.token = None
    clock.advance(PERSONAL_TOKEN_TTL_S - 1)
    assert not await is_refused(verifier)
    clock.advance(1)
    assert await is_refused(verifier)


async def test_a_cached_personal_token_is_refused_after_its_expiry(clock: Clock) -> None:
    token_store = FakeTokenStore(expires_at=clock.now + timedelta(seconds=10))
    verifier = TokenVerifier([KEY], token_store.find)
    await verifier.verify(PERSONAL_TOKEN)
    token_store.token = None
    clock.advance(9)
    assert not await is_refused(verifier)
    clock.advance(1)
    assert await is_refused(verifier)


async def test_a_cached_session_token_is_refused_after_its_expiry(clock: Clock) -> None:
    token, lifetime = access_tokens.issue_access_token(ADA.id, fixed_uuid7(71), clock.now + timedelta(seconds=30), KEY)
    verifier = TokenVerifier([KEY])
    assert lifetime in {29, 30}
    result = await verifier.verify(token)
    assert (result.user, result.auth.session) == (ADA, fixed_uuid7(71))
    clock.advance(31)
    assert await is_refused(verifier, token)


async def test_a_token_of_the_previous_key_is_accepted_until_it_expires(clock: Clock) -> None:
    token, _ = access_tokens.issue_access_token(ADA.id, fixed_uuid7(71), clock.now + timedelta(seconds=30), KEY)
    rotated, twice_rotated = TokenVerifier(["n" * 32, KEY]), TokenVerifier(["m" * 32, "n" * 32])
    assert not await is_refused(rotated, token)
    assert await is_refused(twice_rotated, token)
    clock.advance(31)
    assert await is_refused(rotated, token)


async def test_another_spelling_of_a_token_is_refused(clock: Clock) -> None:
    """Base64 decoders ignore padding, characters beyond the alphabet, and the unused bits of the last character."""
    token, _ = access_tokens.issue_access_token(ADA.id, fixed_uuid7(71), clock.now + timedelta(seconds=30), KEY)
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    header, claims, signature = token.split(".")
    other_bits = signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]
    for other in (
        f"{token}=",
        f"{token}==",
        f"{header}=.{claims}.{signature}",
        f"{header}.{claims}=.{signature}",
        f"{token}!",
        f"{token}\n",
        f"{header}.{claims}.{other_bits}",
        f"{header}.{claims}.+{signature}",
    ):
        assert await is_refused(TokenVerifier([KEY]), other), other
    assert not await is_refused(TokenVerifier([KEY]), token)


async def test_a_token_that_names_the_other_key_is_refused(clock: Clock) -> None:
    until = clock.now + timedelta(seconds=30)
    token, _ = access_tokens.issue_access_token(ADA.id, fixed_uuid7(71), until, KEY)
    other, _ = access_tokens.issue_access_token(ADA.id, fixed_uuid7(71), until, "n" * 32)
    misnamed = other.partition(".")[0] + "." + token.partition(".")[2]
    assert await is_refused(TokenVerifier([KEY, "n" * 32]), misnamed)


@pytest.mark.usefixtures("clock")
async def test_a_revoked_token_is_refused_though_cached(clock: Clock) -> None:
    revoked = set[UUID]()
    verifier = TokenVerifier([KEY], FakeTokenStore().find, revoked)
    token, _ = access_tokens.issue_access_token(ADA.id, fixed_uuid7(71), clock.now + timedelta(hours=1), KEY)
    for sent, each in ((PERSONAL_TOKEN, TOKEN), (token, fixed_uuid7(71))):
        assert not await is_refused(verifier, sent)
        revoked.add(each)
        assert await is_refused(verifier, sent)


async def test_the_token_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "MAX_CACHED_TOKENS", 2)
    asked = list[str]()

    async def find(sent: str) -> TokenRecord:
        asked.append(sent)
        return TokenRecord(TOKEN, ADA.id, "agent", "write", None)

    verifier = TokenVerifier([KEY], find)
    for number in (1, 2, 3, 3, 2, 1):
        await verifier.verify(f"tlp_{number}")
    assert asked == ["tlp_1", "tlp_2", "tlp_3", "tlp_1"]
