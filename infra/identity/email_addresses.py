"""E-mail addresses: their reservations in the log, under ids that a dictionary of addresses does not reveal."""

from collections.abc import Sequence
from hmac import digest as hmac
from uuid import UUID

from domain.email_address import AddressStreams, are_same_email, former_stream_ids, normalize_email
from domain.user import EmailAddress, User
from infra.log.event_log import EventLog

_VERSION, _VARIANT = 8 << 76, 2 << 62
_VERSION_MASK, _VARIANT_MASK = 0xF << 76, 3 << 62


class EmailAddresses:
    """Finds the users of addresses, under a key that must not change as long as the log lives."""

    _log: EventLog  # declared for the OpenAPI document, which follows the types of attributes

    def __init__(self, log: EventLog, key: str) -> None:
        if not key:
            msg = "addresses need a key"
            raise ValueError(msg)
        self._log = log
        self._key = key

    def streams(self, email: str) -> AddressStreams:
        """The guard streams of an address, in any spelling."""
        return AddressStreams(self.account_id(email), former_stream_ids(email))

    def account_id(self, email: str) -> UUID:
        """A UUIDv8 for an address, the same for all spellings."""
        return address_id(self._key, email)

    async def find_user(self, email: str) -> UUID | None:
        """The user who has an address, in any spelling."""
        (user,) = await self.find_users([email])
        return user

    async def find_users(self, emails: Sequence[str]) -> list[UUID | None]:
        """The user who has each of these addresses; their reservations are read together."""
        wanted = [self.streams(email) for email in emails]
        streams = [stream for one in wanted for stream in (one.current, *one.former)]
        loaded = await self._log.load_states([(stream, EmailAddress) for stream in streams])
        states = {stream: one.states[EmailAddress] for stream, one in zip(streams, loaded, strict=True)}
        holders = {stream: one.user_id for stream, one in states.items() if isinstance(one, EmailAddress)}
        return [
            holders.get(one.current) or await self._former_holder(email, [holders.get(each) for each in one.former])
            for email, one in zip(emails, wanted, strict=True)
        ]

    async def _former_holder(self, email: str, holders: Sequence[UUID | None]) -> UUID | None:
        """The one of those who reserved a spelling under the former rule whose address is the same by today's."""
        for holder in filter(None, holders):
            user = await self._log.load_state(User, holder)
            if user and are_same_email(user.email, email):
                return holder
        return None


def address_id(key: str, email: str) -> UUID:
    """The UUIDv8 of an address under a key."""
    mac = int.from_bytes(hmac(key.encode(), f"email {normalize_email(email)}".encode(), "sha256")[:16])
    return UUID(int=mac & ~_VERSION_MASK & ~_VARIANT_MASK | _VERSION | _VARIANT)
