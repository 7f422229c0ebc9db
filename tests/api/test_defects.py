"""The promises of the API can be broken: a planted defect turns each of them red."""

from functools import partial
from uuid import UUID

import msgspec
import pytest
import redis

from api.ledger import Ledger
from infra.projected import CHANNEL
from infra.reading import Reading, State
from infra.rights import Rights
from infra.settings import Settings
from projections.engine.advance import Progress
from projections.projection import Answer, Question
from tests import defects
from tests.api import checks
from tests.defects import noticed_in_time
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_key_without_generation_is_noticed(ann: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.reading._key", checks.key_without_generation)
    await noticed_in_time(partial(checks.a_cached_answer_is_gone_with_a_change, ann))


async def test_a_generation_that_is_newer_than_the_answer_is_noticed(
    ann: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generation as it is when the answer is kept, not as it was when the answer was read."""
    latest: dict[UUID, int] = {}
    state, keep = Reading._state, Reading._keep  # noqa: SLF001 - a defect is planted where it would be made
    questions: list[Question] = []

    async def noted(reading: Reading, question: Question) -> State:
        questions.append(question)
        return await state(reading, question)

    async def kept(reading: Reading, key: str, answer: Answer) -> None:
        latest[questions[-1].scope] = (await state(reading, questions[-1])).generation
        name, build, scope, _, digest = key.split(":", 4)
        await keep(reading, f"{name}:{build}:{scope}:{latest[questions[-1].scope]}:{digest}", answer)

    monkeypatch.setattr(Reading, "_state", noted)
    monkeypatch.setattr(Reading, "_keep", kept)
    check = partial(checks.an_answer_that_a_change_overtakes_is_not_kept_for_the_new, ann, monkeypatch)
    await noticed_in_time(check)


async def test_a_reader_who_believes_what_is_heard_is_noticed(
    ann: Visitor, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Somebody tells of a commit that has not happened, and nobody asks the answer for its own position."""

    def too_early(position: int) -> None:
        with redis.Redis.from_url(settings.redis_url) as cache:
            cache.publish(CHANNEL, msgspec.json.encode(Progress(["task_list"], 0, position, 1)))

    async def believing(
        ledger: Ledger, _: object, question: Question, at_least: int | None
    ) -> tuple[Answer | None, int]:
        if at_least:
            await ledger.projected.wait(question.projection.name, at_least, 5)
        return await ledger.reading.answer(question)

    monkeypatch.setattr(Ledger, "found", believing)
    await noticed_in_time(partial(checks.a_reader_who_waits_sees_what_was_written, ann, monkeypatch, too_early))


async def test_readers_without_rights_are_noticed(ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    async def everybody(*_: object) -> None:
        pass

    monkeypatch.setattr(Rights, "may_see", everybody)
    await noticed_in_time(partial(checks.nothing_of_anothers_is_found, ann, bob))


async def test_a_door_that_is_open_to_strangers_is_noticed(
    ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    defects.a_door_that_is_open_to_strangers(monkeypatch)
    await noticed_in_time(partial(checks.nothing_of_anothers_is_found, ann, bob))


async def test_a_version_that_nobody_checks_is_noticed(ann: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_version_that_nobody_checks(monkeypatch)
    await noticed_in_time(partial(checks.one_of_all_who_saw_the_same_version_wins, ann))
