"""Audiences: what readers of each kind of question need access to, before and after the answer is known."""

import pytest

from domain.errors import NotFound
from projections.question import (
    ANSWER_MEMBERS,
    EACH_WORKSPACE_MEMBERS,
    PROJECT_MEMBERS,
    USER_ALONE,
    WORKSPACE_MEMBERS,
    AccessTarget,
    Answer,
    Audience,
)
from tests.examples import ADA, PROJECT, WORKSPACE, fixed_uuid7

OTHER = fixed_uuid7(9_001)
ANSWER = Answer(b"{}", '"1"', WORKSPACE, PROJECT)


@pytest.mark.parametrize("answer", [None, ANSWER])
def test_scopes_decide_with_and_without_the_answer(answer: Answer | None) -> None:
    assert list(WORKSPACE_MEMBERS.required_access(ADA.id, [WORKSPACE], answer)) == [AccessTarget(WORKSPACE)]
    assert list(EACH_WORKSPACE_MEMBERS.required_access(ADA.id, [WORKSPACE, OTHER], answer)) == [
        AccessTarget(WORKSPACE),
        AccessTarget(OTHER),
    ]
    assert list(PROJECT_MEMBERS.required_access(ADA.id, [PROJECT], answer)) == [AccessTarget(None, PROJECT)]
    assert not USER_ALONE.required_access(ADA.id, [ADA.id], answer)
    with pytest.raises(NotFound):
        USER_ALONE.required_access(OTHER, [ADA.id], answer)


def test_the_place_of_one_thing_is_known_from_its_answer_only() -> None:
    assert not ANSWER_MEMBERS.required_access(ADA.id, [OTHER], None)
    assert list(ANSWER_MEMBERS.required_access(ADA.id, [OTHER], ANSWER)) == [AccessTarget(WORKSPACE, PROJECT)]


def test_audiences_have_the_names_that_are_in_cache_keys() -> None:
    audiences: list[Audience] = [WORKSPACE_MEMBERS, EACH_WORKSPACE_MEMBERS, PROJECT_MEMBERS, USER_ALONE, ANSWER_MEMBERS]
    assert [audience.name for audience in audiences] == ["workspace", "workspaces", "project", "user", "one"]
