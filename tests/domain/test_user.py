"""A user, the reservation of an email address, and the administrator."""

from msgspec.structs import replace

from domain.email_address import former_stream_ids
from domain.event import Change, fold
from domain.instance import INSTANCE_STREAM_ID, AdministratorAppointed, Instance
from domain.user import (
    EmailAddress,
    EmailReserved,
    EmailVerified,
    PasswordChanged,
    PersonalToken,
    User,
    UserRegistered,
)
from infra.identity.email_addresses import address_id
from tests.examples import ADA, OTHER_TOKEN, TOKEN, TOKEN_ISSUED, TOKEN_REVOKED


def test_a_user_has_the_registered_name_and_address() -> None:
    assert fold(User, [UserRegistered("ada@example.org", "Ada")]) == User("ada@example.org", "Ada")


def test_an_address_is_unverified_until_a_mailed_token_has_proved_it() -> None:
    registered = UserRegistered("ada@example.org", "Ada")
    states = [fold(User, [registered]), fold(User, [registered, EmailVerified()])]
    assert [state and state.email_verified for state in states] == [False, True]


def test_an_address_belongs_to_whom_it_was_reserved_for() -> None:
    assert fold(EmailAddress, [EmailReserved(ADA.id)]) == EmailAddress(ADA.id)


def test_the_appointed_user_administers_the_installation() -> None:
    assert fold(Instance, [AdministratorAppointed(ADA.id)]) == Instance(ADA.id)


def test_no_client_can_name_a_reserved_stream() -> None:
    assert INSTANCE_STREAM_ID.version == 5
    assert {
        address_id("k", "ada@example.org").version,
        *(one.version for one in former_stream_ids("ada@example.org")),
    } == {8, 5}


def test_a_user_keeps_the_names_of_tokens_that_were_revoked() -> None:
    registered = UserRegistered("ada@example.org", "Ada")
    issued = PersonalToken(TOKEN, TOKEN_ISSUED.name, TOKEN_ISSUED.scopes, TOKEN_ISSUED.kind, TOKEN_ISSUED.expires_at)
    one = fold(User, [registered, TOKEN_ISSUED])
    assert one == User("ada@example.org", "Ada", tokens=(issued,))
    other = fold(User, [registered, TOKEN_ISSUED, replace(TOKEN_ISSUED, token_id=OTHER_TOKEN), TOKEN_REVOKED])
    assert other is not None
    assert [(token.name, token.revoked) for token in other.tokens] == [
        (TOKEN_ISSUED.name, True),
        (TOKEN_ISSUED.name, False),
    ]
    assert other.find_token(OTHER_TOKEN) == other.tokens[1]
    assert other.find_token(ADA.id) is None


def test_events_without_a_registration_make_no_user() -> None:
    assert fold(User, [TOKEN_ISSUED, TOKEN_REVOKED, PasswordChanged(Change(None, TOKEN))]) is None
