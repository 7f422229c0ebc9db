"""Skipping an event of a projection: the administrator's decision, with a reason, kept forever."""

from commands.command import OtherStreamEvent
from commands.projection import SkipEvent
from domain.errors import Forbidden, NotFound
from domain.projection import skips_stream_id
from tests.examples import BOB, EVENT_SKIPPED, another_user, user
from tests.given import given

SKIPS = skips_stream_id("task_list")
SKIP = SkipEvent(
    projection="task_list",
    document=EVENT_SKIPPED.document,
    position=EVENT_SKIPPED.position,
    reason=EVENT_SKIPPED.reason,
)


def test_the_administrator_skips_an_event() -> None:
    given(user()).when(SKIP).then(OtherStreamEvent(SKIPS, EVENT_SKIPPED))


def test_skipping_twice_writes_one_event() -> None:
    given(user(), [(SKIPS, EVENT_SKIPPED)]).when(SKIP).then_nothing()


def test_only_the_administrator_may_skip() -> None:
    given(user(), another_user()).when(SKIP, actor=BOB).then_refused(Forbidden)


def test_without_an_administrator_no_user_may_skip() -> None:
    given().when(SKIP).then_refused(NotFound)
