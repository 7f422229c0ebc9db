"""A user, the reservation of an address, and the first user's office."""

from domain.event import fold
from domain.user import (
    INSTANCE,
    AdministratorAppointed,
    EmailAddress,
    EmailReserved,
    Instance,
    User,
    UserRegistered,
    address_of,
)
from tests.examples import ADA


def test_a_user_is_who_registered() -> None:
    assert fold(User, [UserRegistered("ada@example.org", "Ada")]) == User("ada@example.org", "Ada")


def test_an_address_belongs_to_whom_it_was_reserved_for() -> None:
    assert fold(EmailAddress, [EmailReserved(ADA.id)]) == EmailAddress(ADA.id)


def test_the_installation_is_administered_by_whom_was_appointed() -> None:
    assert fold(Instance, [AdministratorAppointed(ADA.id)]) == Instance(ADA.id)


def test_an_address_is_the_same_in_any_case_of_letters() -> None:
    assert address_of("Ada@Example.ORG") == address_of("ada@example.org") != address_of("bob@example.org")


def test_no_client_can_name_a_reserved_stream() -> None:
    assert INSTANCE.version == 5
    assert address_of("ada@example.org").version == 5
