"""Commands on a user."""

import pytest
from msgspec.structs import replace

from commands.command import Command, OtherStreamEvent
from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.handling.decision_options import DecisionOptions
from commands.instance import AppointAdministrator
from commands.member import SetRole
from commands.token import MAX_TOKENS_PER_USER, IssueToken, RevokeToken
from commands.user import ChangeEmail, ChangePassword, DeleteAccount, EditAccount, RegisterUser, VerifyEmail
from domain.errors import (
    EmailTaken,
    Forbidden,
    HandOverFirst,
    IdTaken,
    NotFound,
    RegistrationClosed,
    ScopeTooNarrow,
    TooManyTokens,
    VersionConflict,
)
from domain.event import Change
from domain.instance import INSTANCE_STREAM_ID, AdministratorAppointed
from domain.user import (
    AccountDeleted,
    EmailChanged,
    EmailReleased,
    EmailReserved,
    EmailVerified,
    LanguageSet,
    PasswordChanged,
    TokenRevoked,
    User,
    UserRegistered,
    UserRenamed,
    UserZoneSet,
)
from tests.examples import (
    ADA,
    AGENT,
    BOB,
    TOKEN,
    TOKEN_ISSUED,
    TOKEN_REVOKED,
    address_streams,
    another_user,
    fixed_uuid7,
    token,
    user,
    workspace,
)
from tests.given import EventHistory, given

REGISTER_BOB = RegisterUser(email="bob@example.org", address=address_streams("bob@example.org"), name="Bob")


def test_the_first_user_administers_the_installation() -> None:
    given().when(
        RegisterUser(email="ada@example.org", address=address_streams("ada@example.org"), name="Ada"),
        on=ADA.id,
        actor=ADA,
    ).then(
        OtherStreamEvent(INSTANCE_STREAM_ID, AdministratorAppointed(ADA.id)),
        OtherStreamEvent(address_streams("ada@example.org").current, EmailReserved(ADA.id)),
        UserRegistered("ada@example.org", "Ada"),
    )


def test_the_next_user_administers_nothing() -> None:
    given(user()).when(REGISTER_BOB, on=BOB.id, actor=BOB).then(
        OtherStreamEvent(address_streams("bob@example.org").current, EmailReserved(BOB.id)),
        UserRegistered("bob@example.org", "Bob"),
    )


@pytest.mark.parametrize("email", ["bob@example.org", "BOB@Example.org"])
def test_a_taken_address_cannot_be_registered(email: str) -> None:
    register = RegisterUser(email=email, address=address_streams(email), name="Robert")
    given(user(), another_user()).when(register, on=ADA.id).then_refused(IdTaken)
    given(another_user()).when(register, on=ADA.id).then_refused(EmailTaken)


def test_a_user_registers_once() -> None:
    given(user()).when(
        RegisterUser(email="ada@example.com", address=address_streams("ada@example.com"), name="Ada"), on=ADA.id
    ).then_refused(IdTaken)


def test_registering_on_a_version_other_than_zero_is_a_conflict() -> None:
    register = RegisterUser(
        email="bob@example.org", address=address_streams("bob@example.org"), name="Bob", expected_version=1
    )
    given(user()).when(register, on=BOB.id, actor=BOB).then_refused(VersionConflict, current_version=0, current=None)


def test_where_registration_is_closed_only_the_first_user_registers() -> None:
    first = RegisterUser(
        email="bob@example.org", address=address_streams("bob@example.org"), name="Bob", only_first=True
    )
    given(user()).when(first, on=BOB.id, actor=BOB).then_refused(RegistrationClosed)
    given().when(first, on=BOB.id, actor=BOB).then(
        OtherStreamEvent(INSTANCE_STREAM_ID, AdministratorAppointed(BOB.id)),
        OtherStreamEvent(address_streams("bob@example.org").current, EmailReserved(BOB.id)),
        UserRegistered("bob@example.org", "Bob"),
    )


def test_who_registers_by_a_mailed_invitation_has_a_verified_address() -> None:
    invited = RegisterUser(
        email="bob@example.org", address=address_streams("bob@example.org"), name="Bob", email_verified=True
    )
    given(user()).when(invited, on=BOB.id, actor=BOB).then(
        OtherStreamEvent(address_streams("bob@example.org").current, EmailReserved(BOB.id)),
        UserRegistered("bob@example.org", "Bob"),
        EmailVerified(),
    )


VERIFY = VerifyEmail()


def test_an_address_is_verified_once() -> None:
    given(user()).when(VERIFY).then(EmailVerified())
    given(user(), [(ADA.id, EmailVerified())]).when(VERIFY).then_nothing()


CHANGE = ChangePassword(password_id=fixed_uuid7(62))
ISSUE = IssueToken(
    token_id=TOKEN,
    name=TOKEN_ISSUED.name,
    scopes=TOKEN_ISSUED.scopes,
    kind=TOKEN_ISSUED.kind,
    expires_at=TOKEN_ISSUED.expires_at,
)
REVOKE = RevokeToken(token_id=TOKEN)


def test_a_changed_password_has_another_id() -> None:
    given(user()).when(CHANGE).then(PasswordChanged(Change(None, fixed_uuid7(62))))
    changed = (ADA.id, PasswordChanged(Change(None, fixed_uuid7(61))))
    given(user(), [changed]).when(CHANGE).then(PasswordChanged(Change(fixed_uuid7(61), fixed_uuid7(62))))


def test_a_password_that_was_changed_is_not_changed_again() -> None:
    given(user(), [(ADA.id, PasswordChanged(Change(None, fixed_uuid7(62))))]).when(CHANGE).then_nothing()


def test_a_token_is_issued() -> None:
    given(user()).when(ISSUE).then(TOKEN_ISSUED)


def test_a_token_that_was_issued_is_not_issued_again_even_when_it_was_revoked() -> None:
    given(user(), token()).when(ISSUE).then_nothing()
    given(user(), token(TOKEN_REVOKED)).when(ISSUE).then_nothing()


def test_a_user_has_a_maximum_of_tokens() -> None:
    many = [
        (ADA.id, replace(TOKEN_ISSUED, token_id=fixed_uuid7(100 + number))) for number in range(MAX_TOKENS_PER_USER)
    ]
    given(user(), many).when(ISSUE).then_refused(TooManyTokens, most=MAX_TOKENS_PER_USER)
    given(user(), many[1:]).when(ISSUE).then(TOKEN_ISSUED)
    given(user(), many, [(ADA.id, TokenRevoked(fixed_uuid7(100)))]).when(ISSUE).then(TOKEN_ISSUED)


def test_a_token_is_revoked() -> None:
    given(user(), token()).when(REVOKE).then(TOKEN_REVOKED)


def test_a_token_that_was_revoked_is_not_revoked_again() -> None:
    given(user(), token(TOKEN_REVOKED)).when(REVOKE).then_nothing()


def test_an_unknown_token_is_not_found() -> None:
    given(user()).when(REVOKE).then_refused(NotFound)
    given(user(), another_user(), token(actor=BOB)).when(REVOKE).then_refused(NotFound)


@pytest.mark.parametrize("command", [VERIFY, CHANGE, ISSUE, REVOKE])
def test_only_the_user_manages_their_account(command: Command[User]) -> None:
    given(user(), another_user(), token()).when(command, actor=BOB).then_refused(NotFound)


@pytest.mark.parametrize("command", [VERIFY, CHANGE, ISSUE, REVOKE])
def test_an_agent_cannot_manage_its_users_account(command: Command[User]) -> None:
    given(user(), token()).when(command, actor=AGENT).then_refused(Forbidden)


@pytest.mark.parametrize("command", [VERIFY, CHANGE, ISSUE, REVOKE])
def test_managing_an_account_needs_the_admin_scope(command: Command[User]) -> None:
    decision = Decision(EventHistory([*user(), *token()]), ADA, options=DecisionOptions("write"))
    with pytest.raises(ScopeTooNarrow):
        decision.decide(CommandOn(ADA.id, command))


def test_an_account_is_edited_by_one_event_a_field() -> None:
    edit = EditAccount(name="Ada L.", language="de-AT", zone="Europe/Vienna")
    given(user()).when(edit).then(
        UserRenamed(Change("Ada", "Ada L.")),
        LanguageSet(Change(None, "de-AT")),
        UserZoneSet(Change(None, "Europe/Vienna")),
    )
    given(user()).when(EditAccount(name="Ada", language=None)).then_nothing()
    given(user(), another_user()).when(edit, on=BOB.id, actor=ADA).then_refused(NotFound)
    given(user()).when(edit, on=ADA.id, actor=AGENT).then_refused(Forbidden)


def change_email(email: str, old: str = "ada@example.org") -> ChangeEmail:
    return ChangeEmail(email=email, address=address_streams(email), old_address=address_streams(old))


def test_a_change_of_address_moves_the_reservation() -> None:
    given(user()).when(change_email("ada@example.com")).then(
        OtherStreamEvent(address_streams("ada@example.org").current, EmailReleased(ADA.id)),
        OtherStreamEvent(address_streams("ada@example.com").current, EmailReserved(ADA.id)),
        EmailChanged(Change("ada@example.org", "ada@example.com"), Change(old=False, new=False)),
    )


def test_another_spelling_of_the_address_needs_no_reservation() -> None:
    changed = EmailChanged(Change("ada@example.org", "ADA@example.org"), Change(old=False, new=False))
    given(user()).when(change_email("ADA@example.org")).then(changed)
    given(user()).when(change_email("ada@example.org")).then_nothing()


def test_an_address_of_another_user_is_taken_until_it_is_released() -> None:
    given(user(), another_user()).when(change_email("BOB@example.org")).then_refused(EmailTaken)
    released = (address_streams("bob@example.org").current, EmailReleased(BOB.id))
    assert given(user(), another_user(), [released]).when(change_email("bob@example.org")).decision().new_events


def test_a_deleted_account_releases_its_address_and_joins_nothing() -> None:
    delete = DeleteAccount(address=address_streams("bob@example.org"))
    released = OtherStreamEvent(address_streams("bob@example.org").current, EmailReleased(BOB.id))
    given(user(), another_user()).when(delete, on=BOB.id, actor=BOB).then(released, AccountDeleted())
    deleted = [(BOB.id, AccountDeleted())]
    given(user(), workspace(), another_user(), deleted).when(SetRole(user_id=BOB.id, role="member")).then_refused(
        NotFound
    )


def test_the_administrator_hands_over_before_deleting_the_account() -> None:
    delete = DeleteAccount(address=address_streams("ada@example.org"))
    given(user()).when(delete).then_refused(HandOverFirst)
    appointed = [(INSTANCE_STREAM_ID, AdministratorAppointed(BOB.id))]
    assert given(user(), another_user(), appointed).when(delete).decision().new_events


def test_the_administrator_alone_appoints_another_user() -> None:
    appoint = AppointAdministrator(user_id=BOB.id)
    given(user(), another_user()).when(appoint).then(AdministratorAppointed(BOB.id))
    given(user(), another_user()).when(appoint, actor=BOB).then_refused(Forbidden)
    given(user(), another_user()).when(appoint, actor=AGENT).then_refused(Forbidden)
    given(user(), another_user()).when(AppointAdministrator(user_id=ADA.id)).then_nothing()
    given(user()).when(appoint).then_refused(NotFound)
    given(user(), another_user(), [(BOB.id, AccountDeleted())]).when(appoint).then_refused(NotFound)
