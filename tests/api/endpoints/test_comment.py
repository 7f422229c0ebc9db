"""Comments over HTTP: listed with their replies, edited by their author, found by their words, and kept in history."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from infra.ids import new_id
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

THUMBS_UP, FAMILY = "\N{THUMBS UP SIGN}", "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"


async def with_bob(ann: ApiUser, bob: ApiUser, role: str = "member") -> str:
    """A task of Ann's, in a workspace that Bob is a member of."""
    path = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.request("PUT", path, json={"role": role})).status_code == 200
    return await ann.create_task()


async def add(who: ApiUser, task: str, text: str, **more: Any) -> str:
    return str((await who.post(f"/tasks/{task}/comments", text=text, **more))["id"])


async def listed(who: ApiUser, task: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await who.get(f"/tasks/{task}/comments"))["items"]
    return items


async def test_a_comment_is_added_and_shown(ann: ApiUser) -> None:
    task = await ann.create_task()
    answer = await ann.request("POST", f"/tasks/{task}/comments", json={"text": "The *oat* one?"})
    assert (answer.status_code, answer.json()["version"]) == (201, 1)
    comment = answer.json()["id"]
    assert answer.headers["location"] == f"/api/v1/comments/{comment}"
    shown = await ann.get(f"/comments/{comment}")
    assert (shown["text"], shown["task_id"], shown["created_by"]) == ("The *oat* one?", task, ann.id)
    assert (shown["reply_to"], shown["mentions"], shown["reactions"], shown["edited_at"]) == (None, [], [], None)
    assert await listed(ann, task) == [shown]
    by_key = (await ann.get("/tasks/KIT-1/comments"))["items"]
    assert by_key == [shown]


async def test_comments_are_paged_oldest_first(ann: ApiUser) -> None:
    task = await ann.create_task()
    texts = [f"Number {number}" for number in range(5)]
    for text in texts:
        await add(ann, task, text)
    first = await ann.get(f"/tasks/{task}/comments?limit=3")
    second = await ann.get(f"/tasks/{task}/comments?limit=3&cursor={first['next_cursor']}")
    assert [item["text"] for item in (*first["items"], *second["items"])] == texts
    assert second["next_cursor"] is None
    other = await ann.create_task()
    path = f"/tasks/{other}/comments?cursor={first['next_cursor']}"
    assert_problem(await ann.request("GET", path), 400, "cursor_mismatch")


async def test_a_deleted_comment_stays_as_a_placeholder_while_it_has_replies(ann: ApiUser) -> None:
    task = await ann.create_task()
    first = await add(ann, task, "Which one?")
    reply = await add(ann, task, "This one", reply_to=first)
    await ann.request("PUT", f"/comments/{first}/reactions/{quote(THUMBS_UP)}")
    gone = await ann.request("DELETE", f"/comments/{first}", json={"expected_version": 2})
    assert gone.status_code == 200
    placeholder, answer = await listed(ann, task)
    assert (placeholder["id"], placeholder["deleted"], placeholder["text"]) == (first, True, "")
    assert (placeholder["reactions"], placeholder["mentions"]) == ([], [])
    assert (answer["id"], answer["reply_to"], answer["text"]) == (reply, first, "This one")
    assert_problem(await ann.request("GET", f"/comments/{first}"), 404, "not_found")
    await ann.request("DELETE", f"/comments/{reply}", json={"expected_version": 1})
    assert await listed(ann, task) == []


async def test_a_reply_to_a_reply_is_refused(ann: ApiUser) -> None:
    task = await ann.create_task()
    reply = await add(ann, task, "This one", reply_to=await add(ann, task, "Which one?"))
    answer = await ann.request("POST", f"/tasks/{task}/comments", json={"text": "Why?", "reply_to": reply})
    assert_problem(answer, 422, "comment_is_reply")
    unknown = await ann.request("POST", f"/tasks/{task}/comments", json={"text": "Why?", "reply_to": str(new_id())})
    assert_problem(unknown, 422, "unknown_comment")


async def test_history_keeps_what_was_said(ann: ApiUser) -> None:
    task = await ann.create_task()
    comment = await add(ann, task, "The oat one")
    edit = {"text": "The soy one", "expected_version": 1}
    assert (await ann.request("PATCH", f"/comments/{comment}", json=edit)).json()["version"] == 2
    assert (await ann.get(f"/comments/{comment}"))["edited_at"] is not None
    await ann.request("DELETE", f"/comments/{comment}", json={"expected_version": 2})
    deleted, edited, added = (await ann.get(f"/comments/{comment}/history"))["items"]
    assert (deleted["type"], deleted["changes"]) == (
        "CommentDeleted",
        {"text": ["The soy one", ""], "deleted": [False, True]},
    )
    assert edited["changes"] == {"text": ["The oat one", "The soy one"]}
    assert added["changes"]["text"] == [None, "The oat one"]


async def test_reactions_at_the_same_time_all_count(ann: ApiUser, bob: ApiUser) -> None:
    task = await with_bob(ann, bob)
    comment = await add(ann, task, "Which one?")
    paths = [f"/comments/{comment}/reactions/{quote(emoji)}" for emoji in (THUMBS_UP, FAMILY)]
    answers = await asyncio.gather(*(who.request("PUT", path) for who in (ann, bob) for path in paths * 2))
    assert {answer.status_code for answer in answers} == {200}
    shown = (await ann.get(f"/comments/{comment}"))["reactions"]
    assert {each["emoji"]: set(each["users"]) for each in shown} == {
        THUMBS_UP: {ann.id, bob.id},
        FAMILY: {ann.id, bob.id},
    }
    for _ in range(2):
        assert (await bob.request("DELETE", paths[0])).status_code == 200
    shown = (await ann.get(f"/comments/{comment}"))["reactions"]
    assert {each["emoji"]: each["users"] for each in shown}[THUMBS_UP] == [ann.id]
    latest = (await ann.get(f"/comments/{comment}/history"))["items"][0]
    assert (latest["type"], latest["changes"]) == ("ReactionRemoved", {"emoji": [THUMBS_UP, None]})


@pytest.mark.parametrize("emoji", ["a", "+1", "%E2%9D%A4", "%F0%9F%91%8D%F0%9F%91%8D", "%FF", "%20"])
async def test_a_reaction_that_is_no_emoji_is_refused(shared_user: ApiUser, emoji: str) -> None:
    comment = await add(shared_user, await shared_user.create_task(), "Which one?")
    for method in ("PUT", "DELETE"):
        answer = await shared_user.request(method, f"/comments/{comment}/reactions/{emoji}")
        assert_problem(answer, 400, "invalid_emoji")


async def test_members_are_mentioned_by_name_and_address(ann: ApiUser, bob: ApiUser) -> None:
    task = await with_bob(ann, bob)
    ann.fold()
    comment = await add(ann, task, f"@bob, and @{ann.email}; not @eve or `@bob`")
    assert (await ann.get(f"/comments/{comment}"))["mentions"] == [bob.id, ann.id]
    edit = {"text": "@eve", "expected_version": 1}
    assert (await ann.request("PATCH", f"/comments/{comment}", json=edit)).status_code == 200
    assert (await ann.get(f"/comments/{comment}"))["mentions"] == []


async def test_strangers_are_not_mentioned(ann: ApiUser, bob: ApiUser) -> None:
    comment = await add(ann, await ann.create_task(), f"@Bob or @{bob.email}")
    assert (await ann.get(f"/comments/{comment}"))["mentions"] == []


async def test_rights_on_the_comments_of_others(ann: ApiUser, bob: ApiUser) -> None:
    task = await with_bob(ann, bob)
    anns, bobs = await add(ann, task, "Mine"), await add(bob, task, "His")
    edit, delete = {"text": "Yours", "expected_version": 1}, {"expected_version": 1}
    assert_problem(await ann.request("PATCH", f"/comments/{bobs}", json=edit), 403, "comment_is_anothers")
    assert_problem(await bob.request("DELETE", f"/comments/{anns}", json=delete), 403, "forbidden")
    assert (await ann.request("DELETE", f"/comments/{bobs}", json=delete)).status_code == 200
    await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "viewer"})
    assert [item["id"] for item in await listed(bob, task)] == [anns]
    assert_problem(await bob.request("POST", f"/tasks/{task}/comments", json={"text": "x"}), 403, "forbidden")


async def test_an_edit_and_a_deletion_name_a_version(ann: ApiUser) -> None:
    comment = await add(ann, await ann.create_task(), "Which one?")
    for method, body in (("PATCH", {"text": "That one"}), ("DELETE", {})):
        assert_problem(await ann.request(method, f"/comments/{comment}", json=body), 428, "version_required")
    assert (await ann.request("PATCH", f"/comments/{comment}", json={"text": "@Ann", "expected_version": 1})).is_success
    stale = {"text": "@Ann?", "expected_version": 1}
    problem = assert_problem(await ann.request("PATCH", f"/comments/{comment}", json=stale), 409, "version_conflict")
    assert problem["conflicting_fields"] == ["text"]
    assert problem["current"]["text"] == "@Ann"


async def test_a_reaction_is_no_conflict_with_an_edit(ann: ApiUser) -> None:
    comment = await add(ann, await ann.create_task(), "Which one?")
    await ann.request("PUT", f"/comments/{comment}/reactions/{quote(THUMBS_UP)}")
    ann.fold()
    edit = {"text": "That one, @Ann", "expected_version": 1}
    answer = await ann.request("PATCH", f"/comments/{comment}?on_conflict=rebase", json=edit)
    assert (answer.status_code, answer.json()["version"]) == (200, 3)
    assert (await ann.get(f"/comments/{comment}"))["mentions"] == [ann.id]


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b", "a\x00", "x" * 50_001])
async def test_an_invalid_text_is_refused(shared_user: ApiUser, text: str) -> None:
    path = f"/tasks/{await shared_user.create_task()}/comments"
    problem = assert_problem(await shared_user.request("POST", path, json={"text": text}), 400, "invalid_body")
    assert [error["pointer"] for error in problem["errors"]] == ["#/text"]


async def test_comments_of_a_trashed_task_are_shown_and_stay_as_they_are(ann: ApiUser) -> None:
    task = await ann.create_task()
    comment = await add(ann, task, "Which one?")
    assert (await ann.request("DELETE", f"/tasks/{task}", json={"expected_version": 1})).status_code == 200
    assert [item["id"] for item in await listed(ann, task)] == [comment]
    for method, path, body in (
        ("POST", f"/tasks/{task}/comments", {"text": "x"}),
        ("PATCH", f"/comments/{comment}", {"text": "x", "expected_version": 1}),
        ("DELETE", f"/comments/{comment}", {"expected_version": 1}),
        ("PUT", f"/comments/{comment}/reactions/{quote(THUMBS_UP)}", {}),
    ):
        assert_problem(await ann.request(method, path, json=body), 422, "task_is_trashed")


async def test_comments_are_carried_out_in_a_batch_and_tried_in_a_dry_run(ann: ApiUser) -> None:
    task, comment = await ann.create_task(), str(new_id())
    commands = [
        {"type": "AddComment", "data": {"task_id": task, "id": comment, "text": "Which one, @Ann?"}},
        {"type": "AddReaction", "id": comment, "data": {"emoji": THUMBS_UP}},
        {"type": "AddComment", "data": {"task_id": task, "text": "This", "reply_to": comment}},
        {"type": "EditComment", "id": comment, "data": {"text": "Which?"}, "expected_version": 2},
    ]
    tried = (await ann.request("POST", "/commands?dry_run=true", json={"commands": commands})).json()
    assert [event["type"] for event in tried["events"]] == [
        *("CommentAdded", "ReactionAdded", "CommentAdded", "CommentEdited")
    ]
    assert await listed(ann, task) == []
    for mode in ("atomic", "independent"):
        answer = await ann.request("POST", "/commands", json={"commands": commands, "mode": mode})
        assert answer.is_success, answer.text
    assert [item["text"] for item in await listed(ann, task)] == ["Which?", "This", "This"]
    missing = {"commands": [{"type": "AddComment", "data": {"text": "x"}}]}
    problem = assert_problem(await ann.request("POST", "/commands", json=missing), 400, "invalid_body")
    assert [error["pointer"] for error in problem["errors"]] == ["#/commands/0/data/task_id"]


async def test_a_filter_finds_tasks_by_their_comments(ann: ApiUser, bob: ApiUser) -> None:
    task, other = await ann.create_task("Shop"), await ann.create_task("Oats")
    paths = (
        "/tasks?filter=oats",
        f"/projects/{ann.project}/tasks?filter=oats",
        f"/projects/{ann.project}/board?filter=oats",
    )

    async def found(who: ApiUser) -> list[list[str]]:
        pages = [await who.get(path) for path in paths[:2]]
        board = await who.get(paths[2])
        cards = [item for column in board["columns"] for item in column["items"]]
        return [[item["id"] for item in items] for items in (*(page["items"] for page in pages), cards)]

    assert await found(ann) == [[other]] * 3
    comment = await add(ann, task, "The oat one")
    assert await found(ann) == [[other, task], [other, task], [task, other]]
    assert [item["id"] for item in (await ann.get("/tasks?filter=shop%20oats&count=exact"))["items"]] == [task]
    assert [item["id"] for item in (await ann.get("/tasks?filter=-oats"))["items"]] == []
    assert (await bob.get("/tasks?filter=oats"))["items"] == []
    edit = {"text": "The soy one", "expected_version": 1}
    assert (await ann.request("PATCH", f"/comments/{comment}", json=edit)).is_success
    assert await found(ann) == [[other]] * 3


async def test_a_task_has_the_number_of_its_comments(ann: ApiUser) -> None:
    task = await ann.create_task()
    first = await add(ann, task, "Which one?")
    await add(ann, task, "This one", reply_to=first)
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["comments"], shown["version"]) == (2, 1)
    await ann.request("DELETE", f"/comments/{first}", json={"expected_version": 1})
    assert (await ann.get(f"/tasks/{task}"))["comments"] == 1
    (listed_task,) = (await ann.get(f"/projects/{ann.project}/tasks?fields=id,comments"))["items"]
    assert listed_task == {"id": task, "comments": 1}
    assert (await ann.request("PATCH", f"/tasks/{task}", json={"title": "Oats", "expected_version": 1})).is_success
