"""Which objects of a file are taken for tasks: rows of task lists, and nothing else that has a name."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.errors import OperatorError
from tests.cli.import_.planned_import import plan

LABELS = [{"id": 1, "name": "urgent", "color": "red"}]
TRELLO = {
    "name": "Board",
    "cards": [{"id": 1, "name": "Card", "closed": False, "idList": 2, "due": None}],
    "lists": [{"id": 2, "name": "To do", "closed": False}],
    "labels": LABELS,
    "checklists": [{"name": "Steps", "checkItems": [{"name": "Step"}]}],
    "actions": [{"type": "createCard", "data": {"card": {"name": "Card"}}}],
}
JIRA_ISSUE = {"id": "1", "key": "AB-1", "self": "https://x", "fields": {"summary": "One", "status": {"name": "Done"}}}


@pytest.mark.parametrize(
    ("export", "tool"),
    [
        ({"_format": "wekan-board-1.0.0", **TRELLO, "swimlanes": [{"title": "Default"}]}, "WeKan"),
        ({"item": {"name": "B"}, "included": {**TRELLO, "cardLabels": [], "boardMemberships": []}}, "Planka"),
        ({"boards": [{"title": "B", "stacks": [{"title": "S", "cards": [{"title": "C"}]}]}]}, "Nextcloud Deck"),
        ([{"title": "B", "stacks": [{"title": "S", "cards": [{"title": "C"}]}]}], "Nextcloud Deck"),
        ({"startAt": 0, "total": 1, "issues": [JIRA_ISSUE]}, "Jira"),
        ([JIRA_ISSUE], "Jira"),
        ({"issues": [{"key": "AB-1", "summary": "One"}], "issueTypes": [{"name": "Bug"}]}, "Jira"),
        ({"projects": [{"key": "AB", "name": "A", "issues": [{"summary": "S", "issueType": "Bug"}]}]}, "Jira"),
        ({"object": "list", "results": [{"object": "page", "properties": {"Name": {"title": []}}}]}, "Notion"),
        ([{"title": "T", "column_id": "1", "swimlane_id": "1", "priority": "0"}], "Kanboard"),
        ({"jsonrpc": "2.0", "result": [{"title": "T", "column_id": 1, "swimlane_id": 1, "priority": 0}]}, "Kanboard"),
        ({"slug": "x", "issues": [], "user_stories": [{"subject": "A"}], "issue_types": [{"name": "Bug"}]}, "Taiga"),
        ({"tasks": [{"subject": "A"}], "us_statuses": [{"name": "New"}], "task_statuses": [{"name": "New"}]}, "Taiga"),
        ({"task": {"ids": ["a"], "entities": {"a": {"title": "T"}}}}, "Super Productivity"),
    ],
)
def test_an_export_without_a_reader_is_refused_with_what_to_do(export: Any, tool: str) -> None:
    with pytest.raises(OperatorError) as refused:
        plan(export)
    line = str(refused.value)
    assert f"export.json is an export of {tool}, which this version cannot read" in line
    assert "a reader for it is planned" in line
    assert "To import" in line
    assert "\n" not in line


@pytest.mark.parametrize("export", [TRELLO, {**TRELLO, "cards": [], "actions": []}, [TRELLO, TRELLO]])
def test_a_board_is_refused_with_the_format_that_it_needs(export: Any) -> None:
    with pytest.raises(OperatorError, match="is an export of a Trello board: --format trello makes a new project"):
        plan(export)


FLAT_ISSUE = {"key": "AB-2", "summary": "Two", "issuetype": "Bug"}


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
@pytest.mark.parametrize(
    ("export", "titles"),
    [
        ({"startAt": 0, "issues": [JIRA_ISSUE]}, {"One"}),
        ([JIRA_ISSUE, FLAT_ISSUE], {"One", "Two"}),
        ("\n".join(json.dumps(each) for each in (JIRA_ISSUE, FLAT_ISSUE)), {"One", "Two"}),
        (TRELLO, {"Card"}),
        ([TRELLO], {"Card"}),
        ({"user_stories": [{"ref": 1, "subject": "A"}], "issues": [], "issue_types": [{"name": "Bug"}]}, {"A"}),
    ],
)
def test_the_advised_command_makes_a_list_that_is_imported(export: Any, titles: set[str], tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as refused:
        plan(export)
    command = str(refused.value).split("`")[1].partition(" > ")[0]
    (tmp_path / "export.json").write_text(export if isinstance(export, str) else json.dumps(export))
    made = subprocess.run(shlex.split(command), cwd=tmp_path, capture_output=True, check=True, text=True)
    assert plan(made.stdout).titles == titles


@pytest.mark.parametrize(
    "other",
    [
        {"labels": LABELS},
        {"name": "Board", "lists": [{"name": "To do", "closed": False}], "labels": LABELS},
        {"checklists": [{"name": "Steps"}], "members": [{"name": "Ann"}]},
        {"issueTypes": [{"name": "Bug", "subtask": False}], "priorities": [{"name": "High"}]},
        {"gadgets": [{"name": "A", "weight": 3}]},
        {"departments": [{"id": 1, "name": "A"}]},
        {"data": [{"id": 1, "name": "My list"}]},
        {"value": [{"displayName": "Tasks", "wellknownListName": "defaultList"}]},
        {"data": {"users": {"nodes": [{"name": "Ann", "email": "ann@example.com"}]}}},
        {"results": [{"name": "Ann", "email": "ann@example.com"}]},
    ],
)
def test_nothing_is_made_of_labels_lists_and_people(other: Any) -> None:
    with pytest.raises(OperatorError, match="has no list of tasks"):
        plan(other)


TRELLO_LIST = {"id": "a", "name": "To do", "closed": False, "idBoard": "b", "pos": 1, "subscribed": False}
GITHUB_LABEL = {"id": 1, "node_id": "x", "name": "bug", "color": "d73a4a", "default": True, "description": None}
MILESTONE = {"number": 1, "title": "v1", "state": "open", "open_issues": 2, "closed_issues": 0, "due_on": "2026-12-01"}
GITHUB_USER = {"login": "ann", "id": 1, "avatar_url": "https://x", "type": "User", "site_admin": False, "name": "Ann"}
PACKAGE = {"name": "app", "version": "1.0.0", "description": "An app", "scripts": {"test": "x"}, "dependencies": {}}
PLANKA_LIST = {"id": "1", "boardId": "2", "type": "active", "position": 65536, "name": "To do"}


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (TRELLO_LIST, "parts of a board"),
        ({"id": "a", "idBoard": "b", "name": "urgent", "color": "red", "uses": 3}, "parts of a board"),
        ({"id": "a", "idMemberCreator": "b", "data": {}, "type": "createCard", "text": "x"}, "actions"),
        (PLANKA_LIST, "parts of a board"),
        (GITHUB_LABEL, "labels"),
        ({"id": 1, "name": "bug", "color": "#ff0000", "text_color": "#fff", "priority": None}, "labels"),
        (MILESTONE, "milestones"),
        (GITHUB_USER, "people"),
        ({"name": "Ann", "email": "ann@example.com"}, "people"),
        ({"id": "1", "name": "Home", "color": "berry_red", "view_style": "list"}, "projects or sections"),
        ({"id": "1", "project_id": "2", "order": 1, "name": "Later"}, "projects or sections"),
        ({"id": 1, "name": "site", "full_name": "ann/site", "private": False}, "repositories"),
        (PACKAGE, "the description of a package"),
    ],
)
def test_objects_of_another_kind_become_no_tasks_wherever_they_stand(other: dict[str, Any], kind: str) -> None:
    lines = "\n".join(json.dumps(each) for each in (other, other))
    for document in (
        [other, other],
        {"items": [other]},
        {"tasks": [other]},
        {"data": {"items": [other]}},
        lines,
        other,
    ):
        with pytest.raises(
            OperatorError, match=f"has no list of tasks, but .*{kind}.*: a list of objects with `title`"
        ):
            plan(document)


@pytest.mark.parametrize(
    "task",
    [
        {"id": "a", "name": "Card", "idBoard": "b", "idList": "c", "pos": 1},
        {"id": "a", "name": "Card", "boardId": "b", "listId": "c", "position": 1},
        {"title": "Card", "boardId": "b", "status": "open"},
        {"name": "Paint", "color": "red"},
        {"name": "Paint", "color": "#ff0000", "done": False},
        {"title": "Ask Ann", "email": "ann@example.com"},
        {"name": "Release", "version": "1.0.0"},
    ],
)
def test_a_task_with_a_member_of_another_kind_stays_a_task(task: dict[str, Any]) -> None:
    assert len(plan([task]).titles) == 1


def test_objects_of_another_kind_beside_tasks_are_counted() -> None:
    planned = plan({"tasks": [{"title": "A"}], "items": [PLANKA_LIST, PLANKA_LIST]})
    assert planned.titles == {"A"}
    assert "2 x items" in planned.report


@pytest.mark.parametrize(
    "pull_request",
    [
        {"number": 2, "title": "Fix", "state": "open", "pull_request": {"url": "https://x"}},
        {"number": 2, "title": "Fix", "state": "open", "head": {}, "base": {}, "merged_at": None},
        {"number": 2, "title": "Fix", "state": "OPEN", "headRefName": "fix", "baseRefName": "main"},
        {"iid": 2, "title": "Fix", "state": "opened", "source_branch": "fix", "target_branch": "main"},
        {"__typename": "PullRequest", "title": "Fix"},
    ],
)
def test_pull_requests_are_left_out_and_counted(pull_request: dict[str, Any]) -> None:
    issue = {"number": 1, "title": "A", "state": "open", "pull_request": None}
    planned = plan([pull_request, issue, pull_request])
    assert planned.titles == {"A"}
    assert "Pull requests, which are no tasks and were left out: 2." in planned.report
    assert "x pull_request" not in planned.report


def test_labels_beside_tasks_are_counted_and_not_imported() -> None:
    planned = plan(
        {"stories": [{"title": "A", "status": "open"}], "labels": LABELS * 3, "milestones": [{"title": "M"}]}
    )
    assert planned.titles == {"A"}
    assert "3 x labels" in planned.report
    assert "1 x milestones" in planned.report


def test_lists_by_their_names_are_tasks_in_a_file_without_others() -> None:
    bare = {"Groceries": [{"title": "milk"}], "Work": [{"title": "report"}]}
    assert {title: task.create.labels for title, task in plan(bare).tasks.items()} == {
        "milk": ("Groceries",),
        "report": ("Work",),
    }
    with pytest.raises(OperatorError, match="has no list of tasks"):
        plan({**bare, "labels": LABELS})
    assert plan({"todo": [{"title": "A"}], "labels": LABELS}).titles == {"A"}


@pytest.mark.parametrize(
    "wrapped",
    [
        {"value": [{"title": "A", "status": "notStarted", "importance": "low"}]},
        {"data": [{"gid": "1", "name": "A", "completed": False, "resource_type": "task"}]},
        {"results": [{"name": "A", "priority": "low", "sequence_id": 4}], "next_cursor": None},
        {"data": {"issues": {"nodes": [{"title": "A", "identifier": "ENG-1"}]}}},
        {"data": {"repository": {"issues": {"edges": [{"cursor": "x", "node": {"title": "A", "body": ""}}]}}}},
        {"tasks": [{"name": "A"}], "last_page": True},
        {"data": [{"id": 1, "title": "A"}]},
        {"issues": [{"title": "A", "state": "open"}], "issueTypes": [{"name": "Bug"}]},
        {"full_sync": True, "items": [{"content": "A", "checked": False}], "projects": [{"name": "Inbox"}]},
    ],
)
def test_what_wraps_a_list_of_tasks_is_no_label_of_it(wrapped: Any) -> None:
    planned = plan(wrapped)
    assert planned.titles == {"A"}
    assert planned.tasks["A"].create.labels == ()


def test_projects_that_contain_tasks_become_labels_and_no_tasks() -> None:
    inbox = {"id": 1, "title": "Inbox", "tasks": [{"title": "A", "done": False}], "buckets": [{"title": "To do"}]}
    planned = plan([inbox, {"id": 2, "title": "Empty", "tasks": None}, {"id": 3, "title": "Bare", "tasks": []}])
    assert planned.titles == {"A"}
    assert planned.tasks["A"].create.labels == ("Inbox",)
    assert "1 x buckets" in planned.report


def test_the_answer_of_our_own_api_is_no_export_of_another_tool() -> None:
    task = {"id": "1", "key": "KIT-1", "title": "A", "fields": {"Size": 3}, "column": "doing", "status": "open"}
    planned = plan({"items": [task], "next_cursor": None})
    assert planned.tasks["A"].create.column == "doing"


def test_projects_beside_people_are_searched_for_tasks() -> None:
    home = {"name": "Home", "todos": [{"title": "A", "done": True}]}
    planned = plan({"projects": [home, {"name": "Void", "todos": []}], "users": [{"name": "Ann"}]})
    assert planned.titles == {"A"}
    assert planned.tasks["A"].create.labels == ("Home",)


def test_a_task_that_contains_tasks_stays_a_task() -> None:
    assert plan([{"title": "Party", "done": False, "tasks": [{"title": "Cake"}]}]).titles == {"Party", "Cake"}
    assert plan([{"title": "Party", "subtasks": [{"title": "Cake"}]}]).titles == {"Party", "Cake"}
    assert plan([{"title": "Party", "tasks": []}]).titles == {"Party"}


def test_a_single_object_is_a_task_only_without_lists_of_others() -> None:
    assert plan({"title": "A", "status": "open", "labels": LABELS}).tasks["A"].create.labels == ("urgent",)
    with pytest.raises(OperatorError, match="has no list of tasks"):
        plan({"title": "Board", "labels": LABELS})
