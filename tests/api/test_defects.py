"""The promises of the API can be broken: a planted defect turns each of them red."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from uuid import UUID

import msgspec
import pytest
import redis
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from api.http import authentication
from api.http.basis import Dependencies
from api.ledger import Ledger
from domain.errors import TooManyGuesses, WrongCredentials
from infra.identity import invitations, secrets, sessions
from infra.identity.passwords import Passwords
from infra.identity.permissions import Permission, Permissions
from infra.identity.rate_limits import ACCOUNT_LIMIT, LimitsByKey, RateLimits
from infra.identity.revocations import RevokedIds
from infra.identity.sessions import Sessions
from infra.logs import logger
from infra.reading.cached_answer import BuildState, CachedAnswer
from infra.reading.progress import PROGRESS_CHANNEL
from infra.reading.reader import ReadResult
from infra.reading.shared_cache import SharedCache
from infra.reading.tables import ReadTables
from infra.settings import Settings
from projections import project_list, saved_filter_list
from projections.engine.advance import BatchReport
from projections.pagination import PageCursor, paginate
from projections.projection import Answer, Question, single_table_question
from tests import defects
from tests.api import checks, identity, paging
from tests.api.opened import opened
from tests.defects import noticed_in_time
from tests.mailbox import Mailbox
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_key_without_generation_is_noticed(ann: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BuildState, "is_unchanged_since", lambda *_: True)
    await noticed_in_time(partial(checks.a_cached_answer_is_gone_with_a_change, ann))


async def test_a_generation_that_is_newer_than_the_answer_is_noticed(
    ann: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generation as it is when the answer is kept, not as it was when the answer was read."""
    asked, keep = ReadTables.run, SharedCache.set
    read: list[tuple[ReadTables, Question]] = []

    async def noted(
        querying: ReadTables, question: Question, numbers: dict[str, int]
    ) -> tuple[Answer | None, BuildState] | None:
        read.append((querying, question))
        return await asked(querying, question, numbers)

    async def kept(self: SharedCache, key: str, snapshot: CachedAnswer) -> None:
        await keep(self, key, replace(snapshot, state=await ReadTables.state_of(*read[-1])))

    monkeypatch.setattr(ReadTables, "run", noted)
    monkeypatch.setattr(SharedCache, "set", kept)
    check = partial(checks.an_answer_that_a_change_overtakes_is_not_kept_for_the_new, ann, monkeypatch)
    await noticed_in_time(check)


async def test_a_reader_who_believes_what_is_heard_is_noticed(
    ann: Visitor, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Somebody tells of a commit that has not happened, and nobody asks the answer for its own position."""

    def too_early(position: int) -> None:
        with redis.Redis.from_url(settings.redis_url) as cache:
            cache.publish(PROGRESS_CHANNEL, msgspec.json.encode(BatchReport(["task_list"], 0, 0, position, 1)))

    async def believing(ledger: Ledger, _: object, question: Question, at_least: int | None) -> ReadResult:
        if at_least:
            await ledger.progress.wait(question.projections[0].name, at_least, 5)
        return await ledger.reader.answer(question)

    monkeypatch.setattr(Ledger, "fetch", believing)
    await noticed_in_time(partial(checks.a_reader_who_waits_sees_what_was_written, ann, monkeypatch, too_early))


async def test_readers_without_rights_are_noticed(ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    async def everybody(*_: object) -> None:
        pass

    monkeypatch.setattr(Permissions, "require_access", everybody)
    await noticed_in_time(partial(checks.nothing_of_anothers_is_found, ann, bob))


async def test_a_reader_who_is_asked_for_rights_before_the_wait_only_is_noticed(
    ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = Permissions.require_read

    async def before(rights: Permissions, user: UUID, question: Question, answer: Answer | None = None) -> None:
        if answer is None:
            await may_read(rights, user, question)

    monkeypatch.setattr(Permissions, "require_read", before)
    check = checks.who_is_removed_while_waiting_is_told_nothing_more
    await noticed_in_time(partial(check, ann, bob, monkeypatch, f"/workspaces/{ann.workspace}/projects"))


async def test_a_door_that_is_open_to_strangers_is_noticed(
    ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    defects.a_door_that_is_open_to_strangers(monkeypatch)
    await noticed_in_time(partial(checks.nothing_of_anothers_is_found, ann, bob))


async def test_a_question_that_forgets_the_user_is_noticed(
    ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    defects.a_question_that_forgets_the_user(monkeypatch)
    await noticed_in_time(partial(checks.nobody_sees_anothers_filters, ann, bob))


async def test_a_list_that_does_not_rest_on_its_filter_is_noticed(
    ann: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Remembered by the address, where the filter has a name, and nobody asks what it says now."""
    rests_on = Dependencies.depends_on

    def forgetful(basis: Dependencies, found: ReadResult, rights: Iterable[Permission]) -> None:
        if not found.cache_key.startswith(saved_filter_list.projection.name):
            rests_on(basis, found, rights)

    monkeypatch.setattr(Dependencies, "depends_on", forgetful)
    await noticed_in_time(partial(checks.an_edited_filter_chooses_anew, ann, monkeypatch))


async def test_a_version_that_nobody_checks_is_noticed(ann: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_version_that_nobody_checks(monkeypatch)
    await noticed_in_time(partial(checks.one_of_all_who_saw_the_same_version_wins, ann))


async def test_a_rotation_that_looks_and_then_writes_is_noticed(
    ann: Visitor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two look before either writes."""
    looked, both, standing = list[object](), asyncio.Event(), Sessions._rotation_status  # noqa: SLF001 - as above

    async def together(
        sessions: Sessions, connection: AsyncConnection[TupleRow], row: dict[str, object]
    ) -> tuple[bool, bool]:
        found = await standing(sessions, connection, row)
        looked.append(row)
        if len(looked) > 1:
            both.set()
        await asyncio.wait_for(both.wait(), 10)
        return found

    monkeypatch.setattr(sessions, "_LOCK_SESSION_SQL", sessions._LOCK_SESSION_SQL.replace("for update", ""))  # noqa: SLF001 - as above
    monkeypatch.setattr(Sessions, "_rotation_status", together)
    async with opened(settings) as other:
        await noticed_in_time(partial(identity.many_refreshes_at_once_make_one_token, ann, other, settings))


async def test_a_change_of_password_that_goes_by_an_old_proof_is_noticed(
    ann: Visitor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_LOCK_CREDENTIALS_SQL", "select 1 where %s::text is distinct from %s")
    await noticed_in_time(partial(identity.a_password_that_was_changed_proves_nothing, ann, settings, monkeypatch))


async def test_an_invitation_that_goes_by_its_row_is_noticed(
    host: Visitor, box: Mailbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "_is_open", lambda _: True)
    await noticed_in_time(partial(identity.a_closed_invitation_opens_nothing, host, box, settings, monkeypatch))


async def test_a_next_token_that_is_not_derived_is_noticed(
    ann: Visitor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "derive_secret", lambda *_: secrets.generate(sessions.REFRESH_PREFIX))
    async with opened(settings) as other:
        await noticed_in_time(partial(identity.many_refreshes_at_once_make_one_token, ann, other, settings))


async def test_a_revocation_that_is_not_looked_at_is_noticed(
    ann: Visitor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RevokedIds, "__contains__", lambda *_: False)
    async with opened(settings) as other:
        await noticed_in_time(partial(identity.a_session_that_ended_opens_nothing, ann, other))


async def test_a_process_that_does_not_hear_of_revocations_is_noticed(
    ann: Visitor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(_: RevokedIds) -> None:
        pass

    monkeypatch.setattr(RevokedIds, "poll", deaf)
    monkeypatch.setattr(identity, "SOON_S", 0.7)
    async with opened(settings) as other:
        await noticed_in_time(partial(identity.a_session_that_ended_opens_nothing, await ann.again(), other))
        await noticed_in_time(partial(identity.a_revoked_token_opens_nothing, ann, other))


async def test_pages_that_are_counted_off_are_noticed(ann: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor that says how many were shown, not which was the last."""

    def counted(workspace: UUID, limit: int, cursor: str | None, *, archived: bool) -> Question:
        before = PageCursor.parse_number(cursor, workspace)
        sql = """select * from {project_list} where workspace_id = %(workspace)s and (%(archived)s or not archived)
                 order by key limit %(rows)s offset %(before)s"""
        values = {"workspace": workspace, "archived": archived, "rows": limit + 1, "before": before}
        return single_table_question(
            project_list.projection,
            "workspace",
            workspace,
            "counted",
            sql,
            values,
            lambda rows: paginate(rows, limit, workspace, lambda _: before + limit),
        )

    monkeypatch.setattr(project_list, "page", counted)
    listed = await paging.projects(ann)
    await noticed_in_time(partial(paging.what_stays_is_on_exactly_one_page, listed, 2))


async def test_an_account_that_everybody_manages_is_noticed(ann: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "require_account_management", lambda *_: None)
    await noticed_in_time(partial(identity.an_agent_manages_nothing, ann))


async def test_guesses_that_each_process_counts_for_itself_are_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def alone(limits: RateLimits, counts: LimitsByKey) -> tuple[float, int, bool]:
        return (*limits._local_limits.charge(counts), False)  # noqa: SLF001 - as above

    monkeypatch.setattr(RateLimits, "_try_charge", alone)
    async with opened(settings) as one, opened(settings) as other:
        check = partial(identity.wrong_passwords_are_counted, "nobody@example.org", [one, other], ACCOUNT_LIMIT.burst)
        await noticed_in_time(check)


async def test_guesses_that_are_counted_afterwards_are_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who come at once find room, and all guess."""

    @contextlib.asynccontextmanager
    async def afterwards(limits: RateLimits, account: UUID, _: str) -> AsyncIterator[None]:
        counts = {str(account): ACCOUNT_LIMIT}
        await limits._charge(counts, TooManyGuesses)  # noqa: SLF001 - as above
        await limits._refund(counts, is_shared=True)  # noqa: SLF001 - as above
        try:
            yield
        except WrongCredentials:
            await limits._try_charge(counts)  # noqa: SLF001 - as above
            raise

    monkeypatch.setattr(RateLimits, "charge_guess", afterwards)
    async with opened(settings) as one, opened(settings) as other:
        check = partial(identity.wrong_passwords_are_counted, "someone@example.org", [one, other], ACCOUNT_LIMIT.burst)
        await noticed_in_time(check)


async def test_a_secret_in_clear_is_noticed(
    ann: Visitor, bob: Visitor, settings: Settings, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(secrets, "digest", lambda text: text.encode())
        plain = await ann.again()
        await noticed_in_time(partial(identity.no_secret_is_kept_in_clear, plain, settings, logged))
    with monkeypatch.context() as patch:
        check = Passwords.verify
        patch.setattr(Passwords, "verify", telling(check))
        await noticed_in_time(partial(identity.no_secret_is_kept_in_clear, bob, settings, logged))


def telling(check: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    async def told(credentials: Passwords, user: UUID, password: str, guess: object) -> str:
        logger.debug("checking {}", password)
        return await check(credentials, user, password, guess)

    return told
