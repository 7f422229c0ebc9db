"""An e-mail address: the one rule by which two spellings are the same, and the streams that reserve it."""

from unicodedata import normalize
from uuid import UUID, uuid5

import idna
from msgspec import Struct

from domain.instance import INSTANCE_STREAM_ID


class AddressStreams(Struct, frozen=True):
    """The guard stream of an address, and those that reserved its spellings under the former rule.

    The former ids are digests without a key. They count only if the address of the user who holds them is the same by
    today's rule.
    """

    current: UUID
    former: tuple[UUID, ...] = ()


def normalize_email(email: str) -> str:
    """The one spelling of an address: NFC, lower case, and its domain as IDNA 2008 writes it in ASCII.

    Case is not folded: `faß.de` and `fass.de` are two domains. An invalid domain is only put in lower case.
    """
    local, at, domain = email.rpartition("@")
    return f"{_lower(local)}{at}{_ascii_domain(domain) or _lower(domain)}"


def are_same_email(email: str, other: str) -> bool:
    """Whether two spellings are one address."""
    return normalize_email(email) == normalize_email(other)


def has_valid_domain(email: str) -> bool:
    """Whether IDNA 2008 allows the domain of an address."""
    return _ascii_domain(email.rpartition("@")[2]) is not None


def former_stream_ids(email: str) -> tuple[UUID, ...]:
    """The guard streams of the spellings of an address under the former rule: case-folded, a digest without a key."""
    local, at, domain = normalize("NFC", email).rpartition("@")
    ascii_domain = _ascii_domain(domain)
    domains = (ascii_domain, idna.decode(ascii_domain)) if ascii_domain else ()
    spellings = (email, normalize("NFC", email), normalize("NFD", email), *(f"{local}{at}{one}" for one in domains))
    return tuple(dict.fromkeys(uuid5(INSTANCE_STREAM_ID, f"email {one.casefold()}") for one in spellings))


def _lower(text: str) -> str:
    return normalize("NFC", normalize("NFC", text).lower())


def _ascii_domain(domain: str) -> str | None:
    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode().lower()
    except UnicodeError:  # an IDNAError is one
        return None
