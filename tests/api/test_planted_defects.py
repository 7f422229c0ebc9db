"""Planted defects: each breaks one guarantee of the API, and its check must turn red."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from uuid import UUID

import msgspec
import pytest
import redis
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from api.endpoints import project
from api.http.authentication import TokenVerifier
from api.http.dependencies import Dependencies
from api.ledger import Ledger
from api.question_endpoint import question
from domain.errors import TooManyGuesses, WrongCredentials
from infra.delivery.mailer import Mailer
from infra.delivery.token_mail import TokenMail
from infra.identity import invitations, sessions, token_secrets
from infra.identity.passwords import Passwords
from infra.identity.permissions import Permission, Permissions
from infra.identity.revocations import RevokedIds
from infra.identity.sessions import Sessions
from infra.logs import logger
from infra.rate_limits.attempts import AttemptLimits
from infra.rate_limits.limit import ACCOUNT_LIMIT
from infra.rate_limits.shared import SharedRateLimits
from infra.reading.cached_answer import BuildState, CachedAnswer
from infra.reading.progress_messages import PROGRESS_CHANNEL
from infra.reading.reader import ReadResult
from infra.reading.shared_cache import SharedCache
from infra.reading.tables import ReadTables
from infra.settings import Settings
from projections import project_list, saved_filter_list
from projections.engine.advance import BatchReport
from projections.pagination import Page, PageCursor, paginate
from projections.project_list import ProjectRow
from projections.question import WORKSPACE_MEMBERS, Answer, Question, single_table_question
from tests import planted_defects
from tests.api import guarantees, identity_guarantees, paginated_lists
from tests.api.in_process_app import app_client
from tests.api.verified_users import register_verified
from tests.api_user import ApiUser
from tests.fake_smtp_server import FakeSmtpServer
from tests.planted_defects import assert_async_check_fails

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]


async def test_a_cache_key_without_a_generation_is_noticed(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BuildState, "is_unchanged_since", lambda *_: True)
    await assert_async_check_fails(partial(guarantees.a_change_invalidates_the_cached_answer, ann))


async def test_a_generation_read_after_the_answer_is_noticed(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the generation at the time of caching, not at the time of the read."""
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
    check = partial(guarantees.an_answer_overtaken_by_a_change_is_not_cached_as_new, ann, monkeypatch)
    await assert_async_check_fails(check)


async def test_a_reader_that_trusts_reported_positions_is_noticed(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """A commit that has not happened is reported, and the position of the answer is not checked."""

    def too_early(position: int) -> None:
        with redis.Redis.from_url(settings.redis_url) as cache:
            cache.publish(PROGRESS_CHANNEL, msgspec.json.encode(BatchReport(["task_list"], 0, 0, position, 1)))

    async def believing(ledger: Ledger, _: object, question: Question, at_least: int | None) -> ReadResult:
        if at_least:
            await ledger.progress_waiter.wait(question.projections[0].name, at_least, 5)
        return await ledger.reader.answer(question)

    monkeypatch.setattr(Ledger, "fetch", believing)
    await assert_async_check_fails(partial(guarantees.a_waiting_reader_sees_the_write, ann, monkeypatch, too_early))


async def test_reads_without_permission_checks_are_noticed(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def allow_everyone(*_: object) -> None:
        pass

    monkeypatch.setattr(Permissions, "require_access", allow_everyone)
    await assert_async_check_fails(partial(guarantees.ids_of_another_tenant_are_not_found, ann, bob))


async def test_permissions_checked_only_before_the_wait_are_noticed(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = Permissions.require_read

    async def before(permissions: Permissions, user: UUID, question: Question, answer: Answer | None = None) -> None:
        if answer is None:
            await may_read(permissions, user, question)

    monkeypatch.setattr(Permissions, "require_read", before)
    check = guarantees.a_member_removed_while_waiting_gets_not_found
    await assert_async_check_fails(partial(check, ann, bob, monkeypatch, f"/workspaces/{ann.workspace}/projects"))


async def test_an_authorization_open_to_non_members_is_noticed(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_defects.an_authorization_open_to_non_members(monkeypatch)
    await assert_async_check_fails(partial(guarantees.ids_of_another_tenant_are_not_found, ann, bob))


async def test_a_query_that_ignores_the_user_is_noticed(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_defects.a_query_that_ignores_the_user(monkeypatch)
    await assert_async_check_fails(partial(guarantees.filters_are_visible_to_their_user_only, ann, bob))


async def test_a_cached_list_that_does_not_depend_on_its_filter_is_noticed(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cache by the address, which only names the filter, without checking its current terms."""
    depends_on = Dependencies.depends_on

    def without_filter(dependencies: Dependencies, found: ReadResult, permissions: Iterable[Permission]) -> None:
        if not found.cache_key.startswith(saved_filter_list.projection.name):
            depends_on(dependencies, found, permissions)

    monkeypatch.setattr(Dependencies, "depends_on", without_filter)
    await assert_async_check_fails(partial(guarantees.an_edited_filter_invalidates_cached_tasks, ann, monkeypatch))


async def test_an_unchecked_expected_version_is_noticed(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.an_unchecked_expected_version(monkeypatch)
    await assert_async_check_fails(partial(guarantees.one_edit_of_the_same_version_wins, ann))


async def test_a_read_then_write_token_rotation_is_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both read before either writes."""
    read, both, rotation_status = list[object](), asyncio.Event(), Sessions._rotation_status  # noqa: SLF001 - as above

    async def together(
        sessions: Sessions, connection: AsyncConnection[TupleRow], row: dict[str, object]
    ) -> tuple[bool, bytes | None]:
        found = await rotation_status(sessions, connection, row)
        read.append(row)
        if len(read) > 1:
            both.set()
        await asyncio.wait_for(both.wait(), 10)
        return found

    monkeypatch.setattr(sessions, "_LOCK_SESSION_SQL", sessions._LOCK_SESSION_SQL.replace("for update", ""))  # noqa: SLF001 - as above
    monkeypatch.setattr(Sessions, "_rotation_status", together)
    async with app_client(settings) as other:
        await assert_async_check_fails(
            partial(identity_guarantees.concurrent_refreshes_issue_one_token, ann, other, settings)
        )


async def test_a_password_change_on_an_old_proof_is_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_LOCK_CREDENTIALS_SQL", "select 1 where %s::text is distinct from %s")
    await assert_async_check_fails(
        partial(identity_guarantees.a_proof_by_the_old_password_is_refused, ann, settings, monkeypatch)
    )


async def test_an_invitation_checked_by_its_row_only_is_noticed(
    inviter: ApiUser, smtp_server: FakeSmtpServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "_is_open", lambda _: True)
    await assert_async_check_fails(
        partial(identity_guarantees.a_closed_invitation_is_refused, inviter, smtp_server, settings, monkeypatch)
    )


async def test_a_printed_token_in_the_log_or_beside_an_address_is_noticed(
    ann: ApiUser,
    bob: ApiUser,
    log_lines: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guarantee, send = identity_guarantees.a_printed_token_is_not_logged_and_names_no_address, Mailer.send

    async def naming(mailer: Mailer, to: str, mail: TokenMail) -> None:
        sys.stdout.write(f"{to}\n")
        await send(mailer, to, mail)

    async def logging(mailer: Mailer, to: str, mail: TokenMail) -> None:
        logger.info(mail.text)
        await send(mailer, to, mail)

    for defect in (naming, logging):
        monkeypatch.setattr(Mailer, "send", defect)
        await assert_async_check_fails(partial(guarantee, ann, bob, log_lines, capsys))


async def test_a_random_next_refresh_token_is_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_secrets, "derive_secret", lambda *_: token_secrets.generate(sessions.REFRESH_PREFIX))
    async with app_client(settings) as other:
        await assert_async_check_fails(
            partial(identity_guarantees.concurrent_refreshes_issue_one_token, ann, other, settings)
        )


async def test_a_verifier_of_the_signing_key_only_is_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    init = TokenVerifier.__init__
    monkeypatch.setattr(TokenVerifier, "__init__", lambda verifier, keys, *rest: init(verifier, keys[:1], *rest))
    async with app_client(identity_guarantees.with_new_key(settings)) as rotated:
        await assert_async_check_fails(partial(identity_guarantees.a_rotated_key_ends_no_session, ann, rotated))


async def test_refresh_tokens_derived_from_the_new_key_only_are_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_sessions = Sessions.__init__
    monkeypatch.setattr(
        Sessions,
        "__init__",
        lambda self, pool, revoked, log, keys: open_sessions(self, pool, revoked, log, keys[:1]),
    )
    async with app_client(identity_guarantees.with_new_key(settings)) as rotated:
        await assert_async_check_fails(partial(identity_guarantees.a_rotated_key_ends_no_session, ann, rotated))


async def test_ignored_revocations_are_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RevokedIds, "__contains__", lambda *_: False)
    async with app_client(settings) as other:
        await assert_async_check_fails(partial(identity_guarantees.an_ended_session_is_refused, ann, other))


async def test_a_process_that_does_not_poll_revocations_is_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(_: RevokedIds) -> None:
        pass

    monkeypatch.setattr(RevokedIds, "poll", deaf)
    monkeypatch.setattr(identity_guarantees, "REVOCATION_TIMEOUT_S", 0.7)
    async with app_client(settings) as other:
        await assert_async_check_fails(
            partial(identity_guarantees.an_ended_session_is_refused, await ann.log_in_again(), other)
        )
        await assert_async_check_fails(partial(identity_guarantees.a_revoked_token_is_refused, ann, other))


async def test_offset_pagination_is_noticed(ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor that holds an offset, not the last item."""

    def counted(workspace: UUID, limit: int, cursor: str | None, *, archived: bool) -> Question:
        before = PageCursor.parse_number(cursor, workspace)
        sql = """select * from {project_list} where workspace_id = %(workspace)s and (%(archived)s or not archived)
                 order by key limit %(rows)s offset %(before)s"""
        values = {"workspace": workspace, "archived": archived, "rows": limit + 1, "before": before}
        return single_table_question(
            project_list.projection,
            WORKSPACE_MEMBERS,
            workspace,
            "counted",
            sql,
            values,
            lambda rows: paginate(rows, limit, workspace, lambda _: before + limit),
        )

    path, kind = "/workspaces/{workspace}/projects", Page[ProjectRow]
    monkeypatch.setattr(project, "list_projects", question(path, counted, kind, "Counted.", project.ProjectsQuery))
    async with app_client(settings) as other:
        listed = await paginated_lists.projects(await ann.log_in_again(other))
        await assert_async_check_fails(partial(paginated_lists.stable_items_are_on_exactly_one_page, listed, 2))


async def test_an_account_manageable_by_agents_is_noticed(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.ledger.require_human", lambda _: None)
    await assert_async_check_fails(partial(identity_guarantees.an_agent_cannot_manage_the_account, ann))


async def test_guesses_counted_per_process_are_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def alone(*_: object) -> None:
        """Redis is never asked."""

    monkeypatch.setattr(SharedRateLimits, "charge", alone)
    async with app_client(settings) as one, app_client(settings) as other:
        check = partial(
            identity_guarantees.failed_logins_are_counted_across_processes,
            "nobody@example.org",
            [one, other],
            ACCOUNT_LIMIT.quota,
        )
        await assert_async_check_fails(check)


async def test_guesses_counted_after_the_attempt_are_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All concurrent requests are admitted, and all guess."""
    one_at_a_time = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def afterwards(limits: AttemptLimits, account: UUID, _: str) -> AsyncIterator[None]:
        counts = {str(account): ACCOUNT_LIMIT}
        async with one_at_a_time:
            await limits._refund(counts, await limits._charge(counts, TooManyGuesses))  # noqa: SLF001 - as above
        try:
            yield
        except WrongCredentials:
            await limits._shared_limits.charge(counts)  # noqa: SLF001 - as above
            raise

    monkeypatch.setattr(AttemptLimits, "charge_guess", afterwards)
    async with app_client(settings) as one, app_client(settings) as other:
        check = partial(
            identity_guarantees.failed_logins_are_counted_across_processes,
            "someone@example.org",
            [one, other],
            ACCOUNT_LIMIT.quota,
        )
        await assert_async_check_fails(check)


async def test_a_secret_in_clear_is_noticed(
    inviter: ApiUser,
    smtp_server: FakeSmtpServer,
    settings: Settings,
    log_lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guarantee = identity_guarantees.no_secret_is_stored_in_clear
    with monkeypatch.context() as patch:
        patch.setattr(token_secrets, "digest", lambda text: text.encode())
        plain = await inviter.log_in_again()
        await assert_async_check_fails(partial(guarantee, plain, smtp_server, settings, log_lines))
    with monkeypatch.context() as patch:
        check = Passwords.verify
        patch.setattr(Passwords, "verify", logging_check(check))
        bob = await register_verified(inviter.client, inviter.fold, "Bob", smtp_server)
        await assert_async_check_fails(partial(guarantee, bob, smtp_server, settings, log_lines))


def logging_check(check: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    async def logging_verify(credentials: Passwords, user: UUID, password: str) -> str:
        logger.debug("checking {}", password)
        return await check(credentials, user, password)

    return logging_verify
