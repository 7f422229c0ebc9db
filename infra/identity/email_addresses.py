"""E-mail addresses: their reservations in the log, under ids that a dictionary of addresses does not reveal."""

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
        streams = self.streams(email)
        wanted = (streams.current, *streams.former)
        found = [
            one.states[EmailAddress] for one in await self._log.load_states([(one, EmailAddress) for one in wanted])
        ]
        holders = [one.user_id if isinstance(one, EmailAddress) else None for one in found]
        if holders[0]:
            return holders[0]
        for holder in filter(None, holders[1:]):
            user = await self._log.load_state(User, holder)
            if user and are_same_email(user.email, email):
                return holder
        return None


def address_id(key: str, email: str) -> UUID:
    """The UUIDv8 of an address under a key."""
    mac = int.from_bytes(hmac(key.encode(), f"email {normalize_email(email)}".encode(), "sha256")[:16])
    return UUID(int=mac & ~_VERSION_MASK & ~_VARIANT_MASK | _VERSION | _VARIANT)
