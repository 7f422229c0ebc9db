"""Recording access: each event is on a stream of its own, which no rule reads and no count of events limits."""

from datetime import UTC, datetime

import pytest

from commands.access import (
    RecordExport,
    RecordRebuild,
    RecordRefusals,
    RecordRollback,
    RecordSignIn,
    RecordSignOut,
    RefusedSignIns,
)
from commands.command import Command, OtherStreamEvent
from commands.handling import decision
from commands.permissions import REQUIRED_PERMISSIONS
from domain.access import AccessRecord, SignedOut, SignInRefused, access_stream_id
from domain.errors import NotFound
from domain.event import Event, fold
from domain.instance import INSTANCE_STREAM_ID, RULE_ACTOR
from tests.examples import (
    ADA,
    BOB,
    PROJECTION_ROLLED_BACK,
    REBUILD_REQUESTED,
    SESSION,
    SIGN_IN_REFUSED,
    SIGNED_IN,
    SIGNED_OUT,
    TOKEN,
    WORKSPACE,
    WORKSPACE_EXPORTED,
    user,
)
from tests.given import given

OWN, OF_INSTANCE = access_stream_id(ADA.id), access_stream_id()
SIGN_IN = RecordSignIn(user_id=ADA.id, session_id=SESSION, user_agent="Mozilla/5.0", network="192.0.2.7")
MINUTE = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)


def test_a_sign_in_is_recorded_on_a_stream_of_its_own() -> None:
    given(user()).when(SIGN_IN).then(OtherStreamEvent(OWN, SIGNED_IN))


def test_each_ended_session_is_recorded() -> None:
    ended = RecordSignOut(user_id=ADA.id, session_ids=(SESSION, TOKEN), reason="password_changed")
    given(user(), [(OWN, SIGNED_IN)]).when(ended).then(
        *(OtherStreamEvent(OWN, SignedOut(ADA.id, one, "password_changed")) for one in (SESSION, TOKEN))
    )


def test_no_ended_session_leaves_nothing_to_record() -> None:
    given(user()).when(RecordSignOut(user_id=ADA.id, session_ids=(), reason="ended")).then_nothing()


def test_refusals_of_many_accounts_are_recorded_together() -> None:
    refused = (RefusedSignIns(MINUTE, 3, ADA.id), RefusedSignIns(MINUTE, 7))
    given(user()).when(RecordRefusals(refused=refused), actor=RULE_ACTOR).then(
        OtherStreamEvent(OWN, SIGN_IN_REFUSED), OtherStreamEvent(OF_INSTANCE, SignInRefused(MINUTE, 7))
    )


def test_an_export_is_recorded_in_its_workspace() -> None:
    export = RecordExport(workspace_id=WORKSPACE, format="jsonl")
    given(user()).when(export).then(OtherStreamEvent(access_stream_id(WORKSPACE), WORKSPACE_EXPORTED))


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (RecordRebuild(projection="task_list"), REBUILD_REQUESTED),
        (RecordRollback(projection="task_list"), PROJECTION_ROLLED_BACK),
    ],
)
def test_an_installation_without_users_can_record(command: Command[AccessRecord], event: Event) -> None:
    given().when(command, actor=RULE_ACTOR).then(OtherStreamEvent(OF_INSTANCE, event))


@pytest.mark.parametrize("command", [RecordRefusals(refused=()), RecordRollback(projection="task_list")])
def test_what_the_installation_does_no_user_records(command: Command[AccessRecord]) -> None:
    given(user()).when(command, actor=BOB).then_refused(NotFound)


def test_no_client_can_send_a_record() -> None:
    records = (RecordSignIn, RecordSignOut, RecordRefusals, RecordExport, RecordRebuild, RecordRollback)
    assert not any(kind.is_batchable for kind in records)
    assert all(kind.__name__ in REQUIRED_PERMISSIONS for kind in records)


def test_a_stream_of_access_is_never_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "MAX_STREAM_EVENTS", 1)
    given(user(), [(OWN, SIGNED_IN), (OWN, SIGNED_OUT)]).when(SIGN_IN).then(OtherStreamEvent(OWN, SIGNED_IN))


def test_the_last_event_of_a_stream_of_access_is_enough() -> None:
    """The promise of `is_last_event_enough`: a reader of the last event alone gets the same state."""
    assert AccessRecord.is_last_event_enough
    assert fold(AccessRecord, [SIGNED_IN, SIGNED_OUT]) == fold(AccessRecord, [SIGNED_OUT])
    assert INSTANCE_STREAM_ID != OF_INSTANCE
