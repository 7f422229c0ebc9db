"""What may be asked of a user."""

import pytest

from commands.command import Elsewhere
from commands.user import RegisterUser
from domain.errors import EmailTaken, IdTaken, VersionConflict
from domain.user import INSTANCE, AdministratorAppointed, EmailReserved, UserRegistered, address_of
from tests.examples import ADA, BOB, another_user, user
from tests.given import given

REGISTER_BOB = RegisterUser(email="bob@example.org", name="Bob")


def test_the_first_user_administers_the_installation() -> None:
    given().when(RegisterUser(email="ada@example.org", name="Ada"), on=ADA.id, by=ADA).then(
        Elsewhere(INSTANCE, AdministratorAppointed(ADA.id)),
        Elsewhere(address_of("ada@example.org"), EmailReserved(ADA.id)),
        UserRegistered("ada@example.org", "Ada"),
    )


def test_the_next_user_administers_nothing() -> None:
    given(user()).when(REGISTER_BOB, on=BOB.id, by=BOB).then(
        Elsewhere(address_of("bob@example.org"), EmailReserved(BOB.id)),
        UserRegistered("bob@example.org", "Bob"),
    )


@pytest.mark.parametrize("email", ["bob@example.org", "BOB@Example.org"])
def test_nobody_registers_with_an_address_that_is_taken(email: str) -> None:
    register = RegisterUser(email=email, name="Robert")
    given(user(), another_user()).when(register, on=ADA.id).then_refused(IdTaken)
    given(another_user()).when(register, on=ADA.id).then_refused(EmailTaken)


def test_nobody_registers_twice() -> None:
    given(user()).when(RegisterUser(email="ada@example.com", name="Ada"), on=ADA.id).then_refused(IdTaken)


def test_nobody_registers_on_a_version_that_has_not_been() -> None:
    register = RegisterUser(email="bob@example.org", name="Bob", expected_version=1)
    given(user()).when(register, on=BOB.id, by=BOB).then_refused(VersionConflict, current_version=0, current=None)
