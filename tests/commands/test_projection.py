"""Skipping an event of a projection: the administrator's decision, with a reason, kept for ever."""

from commands.command import OtherStreamEvent
from commands.projection import SkipEvent
from domain.errors import Forbidden, NotFound
from domain.projection import skips_stream_id
from tests.examples import BOB, SKIPPED, another_user, user
from tests.given import given

SKIPS = skips_stream_id("task_list")
SKIP = SkipEvent(projection="task_list", document=SKIPPED.document, position=SKIPPED.position, reason=SKIPPED.reason)


def test_the_administrator_skips_an_event() -> None:
    given(user()).when(SKIP).then(OtherStreamEvent(SKIPS, SKIPPED))


def test_what_is_skipped_already_is_skipped_once() -> None:
    given(user(), [(SKIPS, SKIPPED)]).when(SKIP).then_nothing()


def test_nobody_else_may() -> None:
    given(user(), another_user()).when(SKIP, by=BOB).then_refused(Forbidden)


def test_nobody_may_where_nobody_administers() -> None:
    given().when(SKIP).then_refused(NotFound)
