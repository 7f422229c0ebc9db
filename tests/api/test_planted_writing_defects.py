"""Planted defects in how a change is written over HTTP: each must turn the named test red."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
import pytest

from api.endpoints import account
from api.http import idempotency, preconditions
from api.ledger import command_request
from commands import permissions, validation
from commands.command import Command
from commands.handling.idempotency import IdempotencyKey
from commands.member import LeaveWorkspace
from commands.trash import TrashWorkspace
from domain.email_address import AddressStreams, former_stream_ids
from infra.identity.email_addresses import EmailAddresses
from infra.settings import Settings
from tests.api import test_invalid_requests
from tests.api.endpoints import test_account, test_email_address, test_workspace
from tests.api.http import test_idempotency, test_preconditions
from tests.api_user import ApiUser
from tests.planted_defects import assert_async_check_fails

pytestmark = pytest.mark.asyncio(loop_scope="package")
Patch = pytest.MonkeyPatch


def only_the_first_error_is_reported(patch: Patch) -> None:
    patch.setattr("commands.validation.MAX_ERRORS", 1)


def errors_point_to_the_whole_body(patch: Patch) -> None:
    patch.setattr("commands.validation.child", lambda pointer, _: pointer)


def errors_say_nothing_of_types(patch: Patch) -> None:
    patch.setattr("commands.validation._WORDS_BY_TYPE", {})


def known_names_are_not_told(patch: Patch) -> None:
    patch.setattr("commands.validation.unknown_name_words", lambda *_: "is unknown")


def an_asterisk_names_no_version(patch: Patch) -> None:
    patch.setattr(preconditions, "allows_any_version", lambda _: False)


def an_asterisk_matches_what_does_not_exist(patch: Patch) -> None:
    is_asked = preconditions.allows_any_version
    patch.setattr(preconditions, "allows_any_version", lambda request: request.method != "POST" and is_asked(request))


def an_asterisk_overrides_the_body(patch: Patch) -> None:
    with_version = preconditions.with_expected_version

    def without_version(request: Any, command: Any) -> Any:
        command = with_version(request, command)
        is_asked = preconditions.allows_any_version(request)
        return msgspec.structs.replace(command, expected_version=None) if is_asked else command

    patch.setattr(preconditions, "with_expected_version", without_version)


def members_are_compared_in_the_order_sent(patch: Patch) -> None:
    patch.setattr(idempotency, "sorted_members", msgspec.json.encode)


def a_default_is_as_good_as_no_member(patch: Patch) -> None:
    def without_defaults(value: Any) -> bytes:
        sent = {name: one for name, one in value.items() if one} if isinstance(value, dict) else value
        return msgspec.json.encode(sent, order="deterministic")

    patch.setattr(idempotency, "sorted_members", without_defaults)


def keys_of_the_first_form_are_forgotten(patch: Patch) -> None:
    patch.setattr(IdempotencyKey, "belongs_to", lambda key, stored: key.fingerprint == stored)


def a_deleted_account_only_leaves_its_workspace(patch: Patch) -> None:
    patch.setattr(account, "TrashWorkspace", lambda **_: LeaveWorkspace())


def a_refused_deletion_is_carried_out_in_part(patch: Patch) -> None:
    async def one_by_one(ledger: Any, request: Any, commands: Any) -> Any:
        return [await ledger.commit(command_request(request, [one])) for one in commands][-1]

    patch.setattr(account, "_carry_out", one_by_one)


PLACES = test_preconditions.OVERWRITING[0]
create_in_one = partial(test_invalid_requests.test_all_errors_of_a_body_are_reported_at_once, place="create")
edit_in_one = partial(test_invalid_requests.test_all_errors_of_a_body_are_reported_at_once, place="edit")


async def an_invalid_creation_is_refused(ann: ApiUser) -> None:
    await create_in_one(ann, "")


async def an_invalid_edit_is_refused(ann: ApiUser) -> None:
    await edit_in_one(ann, await ann.create_task())


async def an_asterisk_is_any_version(ann: ApiUser) -> None:
    await test_preconditions.test_an_asterisk_is_any_version_of_what_exists(ann, *PLACES)


Check = Callable[[ApiUser], Awaitable[None]]
DEFECTS: list[tuple[Callable[[Patch], None], Check]] = [
    (only_the_first_error_is_reported, an_invalid_creation_is_refused),
    (errors_point_to_the_whole_body, test_invalid_requests.test_errors_in_nested_members_have_their_own_pointers),
    (errors_say_nothing_of_types, test_invalid_requests.test_errors_in_nested_members_say_what_is_needed),
    (known_names_are_not_told, an_invalid_edit_is_refused),
    (an_asterisk_names_no_version, an_asterisk_is_any_version),
    (an_asterisk_matches_what_does_not_exist, test_preconditions.test_an_asterisk_creates_nothing),
    (an_asterisk_overrides_the_body, test_preconditions.test_an_asterisk_leaves_a_version_in_the_body_in_force),
    (
        members_are_compared_in_the_order_sent,
        test_idempotency.test_the_same_members_in_other_order_and_spelling_are_a_replay,
    ),
    (
        a_default_is_as_good_as_no_member,
        test_idempotency.test_the_same_members_in_other_order_and_spelling_are_a_replay,
    ),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS, ids=[plant.__name__ for plant, _ in DEFECTS])
async def test_a_defect_in_a_change_turns_its_test_red(
    ann: ApiUser, plant: Callable[[Patch], None], check: Check, monkeypatch: Patch
) -> None:
    await check(ann)
    plant(monkeypatch)
    await assert_async_check_fails(partial(check, ann))


async def test_keys_of_the_first_form_that_are_forgotten_are_noticed(ann: ApiUser, monkeypatch: Patch) -> None:
    keys_of_the_first_form_are_forgotten(monkeypatch)
    check = test_idempotency.test_a_key_of_the_first_form_is_compared_as_it_was_sent
    with pytest.MonkeyPatch.context() as patch:
        await assert_async_check_fails(partial(check, ann, patch))


@pytest.mark.parametrize("kind", ["check", "refusal"])
async def test_parameters_that_are_checked_one_by_one_are_noticed(ann: ApiUser, monkeypatch: Patch, kind: str) -> None:
    """The errors that only a check finds, or only a refusal, are left to the next request."""
    checks_in = validation.checks_in
    others = {"check", "refusal"} - {kind}
    monkeypatch.setattr(
        "commands.validation.checks_in", lambda meta, *names: checks_in(meta, *others.intersection(names))
    )
    check = test_invalid_requests.test_parameters_of_all_kinds_are_reported_at_once
    query = "fields=id,shape&limit=0&filter=shape:round"
    errors = {"?fields": "invalid_value", "?limit": "too_small", "?filter": "unknown_field"}
    await assert_async_check_fails(partial(check, ann, "/tasks", query, "invalid_parameter", errors))


@pytest.mark.parametrize("command", [LeaveWorkspace, TrashWorkspace])
async def test_a_deletion_whose_replay_is_refused_is_noticed(
    ann: ApiUser, bob: ApiUser, monkeypatch: Patch, command: type[Command[Any]]
) -> None:
    monkeypatch.setattr(command, "hides_target", False)
    check = test_idempotency.test_a_deletion_is_replayed_though_what_it_deleted_is_hidden
    await assert_async_check_fails(partial(check, ann, bob))


async def test_replays_that_need_no_access_are_noticed(ann: ApiUser, bob: ApiUser, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Command, "hides_target", True)
    check = test_idempotency.test_a_former_member_gets_no_replay_of_what_others_hid
    await assert_async_check_fails(partial(check, ann, bob))


async def test_a_deleted_account_that_only_leaves_its_workspace_is_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: Patch
) -> None:
    a_deleted_account_only_leaves_its_workspace(monkeypatch)
    check = test_account.test_a_workspace_of_a_deleted_account_alone_goes_to_the_trash
    await assert_async_check_fails(partial(check, ann, settings))


async def test_a_refused_deletion_that_is_carried_out_in_part_is_noticed(
    ann: ApiUser, bob: ApiUser, monkeypatch: Patch
) -> None:
    a_refused_deletion_is_carried_out_in_part(monkeypatch)
    check = test_account.test_a_refused_deletion_of_an_account_changes_nothing
    await assert_async_check_fails(partial(check, ann, bob))


async def test_a_trashed_workspace_that_its_members_see_is_noticed(
    ann: ApiUser, bob: ApiUser, monkeypatch: Patch
) -> None:
    check = test_workspace.test_a_workspace_in_the_trash_is_seen_by_no_member
    with monkeypatch.context() as patch:  # by commands
        patch.setattr(permissions, "OPERATIONS_IN_TRASH", frozenset(permissions.REQUIRED_PERMISSIONS))
        await assert_async_check_fails(partial(check, ann, bob))


async def test_a_trashed_workspace_that_can_be_read_is_noticed(ann: ApiUser, bob: ApiUser, monkeypatch: Patch) -> None:
    monkeypatch.setattr("infra.identity.permissions._is_trashed", lambda _: False)
    check = test_workspace.test_a_workspace_in_the_trash_is_seen_by_no_member
    await assert_async_check_fails(partial(check, ann, bob))


async def test_a_trashed_workspace_that_is_listed_to_members_is_noticed(
    ann: ApiUser, bob: ApiUser, monkeypatch: Patch
) -> None:
    async def all_of_them(_: object, __: object, workspaces: Any) -> set[Any]:
        return set(workspaces)

    monkeypatch.setattr("infra.identity.permissions.Permissions.owned_in_trash", all_of_them)
    check = test_workspace.test_an_owner_lists_and_restores_a_workspace_in_the_trash
    await assert_async_check_fails(partial(check, ann, bob))


async def test_a_reservation_by_a_digest_without_a_key_is_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: Patch
) -> None:
    monkeypatch.setattr("infra.identity.email_addresses.address_id", lambda _, email: former_stream_ids(email)[0])
    other = await ApiUser.register_with_project(ann.client, ann.fold, "Eve")
    check = test_email_address.test_a_reservation_reveals_no_address
    await assert_async_check_fails(partial(check, other, settings))


async def test_a_forgotten_former_rule_of_addresses_is_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(EmailAddresses, "streams", lambda addresses, email: AddressStreams(addresses.account_id(email)))
    check = test_email_address.test_a_user_of_the_former_rule_logs_in_and_keeps_the_address
    await assert_async_check_fails(partial(check, ann.client, settings))
