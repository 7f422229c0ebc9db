"""The names that fields and lists have in exports, compared without case, spaces, hyphens and underscores."""

import re
from functools import lru_cache
from typing import Final
from unicodedata import normalize

TITLE_FIELDS: Final = ("title", "name", "text", "task", "todo", "summary", "subject")
FALLBACK_TITLE_FIELDS: Final = ("content", "description")
"""Titles in Todoist and Taskwarrior; in other files the description of a task that has a title."""
TASK_FIELDS: Final = frozenset(
    [
        *("status", "done", "completed", "iscompleted", "isdone", "checked", "complete", "duecomplete"),
        *("due", "duedate", "dueon", "dueat", "duedatetime", "deadline", "priority", "importance"),
    ]
)
"""Fields that tasks have, and lists, labels or people do not."""
PLAIN_FIELDS: Final = frozenset(
    [*TITLE_FIELDS, *FALLBACK_TITLE_FIELDS, "id", "notes", "note", "desc", "body", "tags", "labels"]
)
"""Fields of a bare task: an object that has no others may be one."""
LIST_FIELDS: Final = frozenset({"tasks", "todos", "items"})
TRACKER_LISTS: Final = frozenset(
    {"issues", "tickets", "cards", "workitems", "stories", "userstories", "todolist", "tasklist", "todoitems"}
)
"""Lists whose objects are tasks if they have a title."""
ENVELOPES: Final = frozenset(
    [
        *("data", "result", "results", "response", "value", "values", "nodes", "edges", "records", "rows", "entries"),
        *("payload", "export", "objects", "included", "viewer", "repository", "organization", "search", *TRACKER_LISTS),
    ]
)
"""Members that wrap a list, and are no name of it."""
SUB_TASK_FIELDS: Final = frozenset({"subtasks", "children", "tasks", "todos"})
PARENT_FIELDS: Final = ("parentid", "parenttaskid", "parent", "parenttask")
"""The parent of a task in a list of tasks that has all of them, by the file's own ids."""
CONTAINER_FIELDS: Final = frozenset({*LIST_FIELDS, *TRACKER_LISTS})
"""Lists of tasks inside an object that is itself a list or a project."""
OTHER_LISTS: Final = frozenset(
    [
        *("labels", "tags", "lists", "columns", "buckets", "stacks", "swimlanes", "sections", "boards", "projects"),
        *("checklists", "checkitems", "members", "memberships", "users", "people", "assignees", "teams", "groups"),
        *("actions", "activities", "activity", "history", "events", "changelog", "comments", "notes", "annotations"),
        *("attachments", "files", "links", "issuelinks", "relations", "dependencies", "reminders", "collaborators"),
        *("issuetypes", "statuses", "states", "workflows", "priorities", "resolutions", "categories", "types"),
        *("milestones", "sprints", "cycles", "modules", "versions", "fixversions", "components", "epics", "releases"),
        *("fields", "customfields", "properties", "filters", "views", "settings", "plugins", "plugindata", "powerups"),
        *("rules", "triggers", "templates", "workspaces", "spaces", "folders", "goals", "organizations", "accounts"),
        *("permissions", "roles", "webhooks", "notifications", "stats", "errors", "warnings", "metadata", "calendars"),
    ]
)
"""Lists in exports whose objects have names, and are no tasks."""


@lru_cache(maxsize=10_000)
def normalize_name(name: str) -> str:
    """A name without spelling variants: `due_date`, `Due date` and `dueDate` are the same."""
    return re.sub(r"[\s_-]", "", name).casefold()


@lru_cache(maxsize=1_000)
def normalize_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a whole object: most objects of a file have the same."""
    return tuple(map(normalize_name, names))


@lru_cache(maxsize=1_000)
def may_have_sub_tasks(names: tuple[str, ...]) -> bool:
    """Whether an object with these members may contain other tasks."""
    return not SUB_TASK_FIELDS.isdisjoint(normalize_names(names))


@lru_cache(maxsize=1_000)
def may_have_parent(names: tuple[str, ...]) -> bool:
    """Whether an object with these members may name its parent."""
    return not set(PARENT_FIELDS).isdisjoint(normalize_names(names))


@lru_cache(maxsize=10_000)
def normalize_word(text: str) -> str:
    """A word or phrase without case, spaces, punctuation and symbols; itself if it has nothing else."""
    return re.sub(r"[\W_]+", "", normalize("NFKC", text).casefold()) or text.strip()
