"""Sub-tasks in imported files, nested or by the ids of the file: below their parents, whatever order they stand in."""

import json
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import strategies as st

from cli.import_.mapping import ImportProject, MappedTask, map_rows
from cli.import_.parsing import parse_json
from cli.import_.task_lists import find_rows
from tests.cli.import_.planned_import import PlannedImport, plan
from tests.examples import PROJECT
from tests.law import law


def parents_of(planned: PlannedImport) -> dict[str, str | None]:
    """The title of the parent of each task."""
    titles = {task.id: title for title, task in planned.tasks.items()}
    parents = {title: task.create.parent_id for title, task in planned.tasks.items()}
    return {title: titles[parent] if parent else None for title, parent in parents.items()}


@pytest.mark.parametrize("field", ["subtasks", "children", "sub_tasks", "Sub-tasks", "todos"])
def test_nested_tasks_are_below_the_task_that_they_are_in(field: str) -> None:
    planned = plan([{"title": "A", "done": False, field: [{"title": "B", field: [{"title": "C"}]}, {"title": "D"}]}])
    assert parents_of(planned) == {"A": None, "B": "A", "C": "B", "D": "A"}
    assert "Created below their parents: 3." in planned.report
    assert planned.tasks["B"].create.description == ""


FLAT = [
    {"id": 1, "title": "A"},
    {"id": 2, "title": "B", "parent_id": 1},
    {"id": 3, "title": "C", "parent_id": 2},
]


@pytest.mark.parametrize("rows", list(permutations(FLAT)))
def test_a_flat_list_may_name_parents_before_or_after_them(rows: tuple[dict[str, Any], ...]) -> None:
    planned = plan(list(rows))
    assert parents_of(planned) == {"A": None, "B": "A", "C": "B"}
    assert list(planned.tasks) == ["A", "B", "C"]
    assert "parent_id" not in planned.report


@pytest.mark.parametrize(
    "parent",
    [{"parentId": "x1"}, {"parent": "x1"}, {"parent": {"id": "x1", "name": "A"}}, {"parent_task_id": "x1"}],
)
def test_a_parent_may_have_any_of_these_names(parent: dict[str, Any]) -> None:
    planned = plan([{"id": "x1", "title": "A"}, {"id": "x2", "title": "B", **parent}])
    assert parents_of(planned) == {"A": None, "B": "A"}
    assert planned.ignored_fields == {"id": 2}


@pytest.mark.parametrize("parent", ["undefined", 7, 0, "", True, 1.5, [1], {"name": "A"}, 2])
def test_a_parent_that_is_not_in_the_list_is_told(parent: object) -> None:
    planned = plan([{"id": 1, "title": "A"}, {"id": 2, "title": "B", "parentId": parent}])
    assert parents_of(planned) == {"A": None, "B": None}
    assert planned.ignored_fields["parentId"] == (parent != "")


def test_an_id_of_several_tasks_names_no_parent() -> None:
    planned = plan([{"id": 1, "title": "A"}, {"id": 1, "title": "B"}, {"id": 2, "title": "C", "parent": 1}])
    assert parents_of(planned) == {"A": None, "B": None, "C": None}
    assert planned.ignored_fields["parent"] == 1


def test_ids_are_those_of_one_list() -> None:
    lists = {
        "home": {"tasks": [{"id": 1, "title": "A"}, {"id": 2, "title": "B", "parent": 1}]},
        "work": {"tasks": [{"id": 1, "title": "C"}, {"id": 2, "title": "D", "parent": 1}]},
    }
    assert parents_of(plan(lists)) == {"A": None, "B": "A", "C": None, "D": "C"}


def test_of_parents_in_a_circle_one_is_opened_and_told() -> None:
    circle = [{"id": at, "title": str(at), "parent": parent} for at, parent in ((4, 3), (1, 2), (2, 3), (3, 1))]
    planned = plan(circle)
    assert sum(parent is None for parent in parents_of(planned).values()) == 1
    assert parents_of(planned)["4"] == "3"
    assert planned.ignored_fields["parent"] == 1


def test_a_nested_task_may_name_its_parent_too() -> None:
    rows = [{"id": 5, "title": "A", "subtasks": [{"id": 1, "title": "B", "parentTaskId": 5}]}, {"id": 1, "title": "C"}]
    planned = plan(rows)
    assert parents_of(planned) == {"A": None, "B": "A", "C": None}
    assert planned.ignored_fields == {"id": 3}
    rows[0]["subtasks"] = [{"id": 1, "title": "B", "parentId": "undefined"}]
    assert plan(rows).ignored_fields == {"id": 3, "parentId": 1}


@pytest.mark.parametrize(
    "parent", [{"title": "A", "due": "tomorrow"}, {"title": "A", "deleted": True}, {"title": "A", "archived": True}]
)
def test_a_sub_task_of_a_refused_deleted_or_archived_parent_names_it(parent: dict[str, Any]) -> None:
    planned = plan([{**parent, "subtasks": [{"title": "B", "notes": "why", "subtasks": [{"title": "C"}]}]}])
    b = planned.tasks["B"].create
    assert (b.parent_id, b.description) == (None, "why\n\nPart of: A")
    assert parents_of(planned)["C"] == "B"
    assert "which became tasks of their own: 1; their descriptions name it." in planned.report
    assert "Created below their parents: 1." in planned.report


def test_a_sub_task_of_a_repeated_row_is_below_the_first() -> None:
    row = {"id": 1, "title": "A"}
    planned = plan([row, {**row, "subtasks": [{"title": "B"}]}])
    assert parents_of(planned) == {"A": None, "B": "A"}


trees = st.recursive(
    st.fixed_dictionaries({}, optional={"done": st.booleans(), "due": st.sampled_from(["2026-12-01", "soon"])}),
    lambda inner: st.fixed_dictionaries(
        {}, optional={"subtasks": st.lists(inner, max_size=3), "deleted": st.booleans()}
    ),
    max_leaves=20,
)


def numbered(tree: dict[str, Any], above: tuple[int, ...] = ()) -> dict[str, Any]:
    """The tree with the path of each task as its title."""
    nested = [numbered(inner, (*above, at)) for at, inner in enumerate(tree.get("subtasks", ()))]
    return {**tree, "title": "top" + "".join(f".{at}" for at in above), **({"subtasks": nested} if nested else {})}


def flattened(tree: dict[str, Any], parent: str | None = None) -> list[dict[str, Any]]:
    own = {name: value for name, value in tree.items() if name != "subtasks"} | {"id": tree["title"], "parent": parent}
    return [own, *(row for inner in tree.get("subtasks", ()) for row in flattened(inner, tree["title"]))]


def check_tree(tree: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Every task is planned after its parent and below it, unless that is refused or deleted."""
    found = find_rows(parse_json(json.dumps(rows), "file"), "file")
    items = list(map_rows(found.rows, ImportProject(PROJECT)))
    assert len(items) == len(flattened(tree))
    titles = {item.id: item.create.title for item in items if isinstance(item, MappedTask) and not item.is_deleted}
    places = {item.id: at for at, item in enumerate(items) if isinstance(item, MappedTask)}
    for item in items:
        if not isinstance(item, MappedTask):
            continue
        parent = item.create.title.rpartition(".")[0]
        create = item.create
        if parent in titles.values():
            assert create.parent_id is not None
            assert titles[create.parent_id] == parent
            assert places[create.parent_id] < places[item.id]
        else:
            assert create.parent_id is None
            assert ("Part of: " + parent in (create.description or "")) == bool(parent)


@law(trees, st.randoms(use_true_random=False), examples=100)
def any_tree_keeps_its_parents(tree: dict[str, Any], random: Any) -> None:
    tree = numbered(tree)
    check_tree(tree, [tree])
    rows = flattened(tree)
    random.shuffle(rows)
    check_tree(tree, rows)


def test_any_tree_keeps_its_parents_nested_or_flat() -> None:
    any_tree_keeps_its_parents()


@law(st.lists(st.integers(0, 5), min_size=6, max_size=6), examples=100)
def any_parents_lose_no_row(parents: list[int]) -> None:
    rows = [{"id": at, "title": str(at), "parent": parent} for at, parent in enumerate(parents)]
    planned = plan(rows)
    assert planned.titles == set(map(str, range(6)))
    assert not planned.refused
    order = list(planned.tasks)
    for title, parent in parents_of(planned).items():
        assert parent is None or (parents[int(title)] == int(parent) and order.index(parent) < order.index(title))
    kept = sum(parent is not None for parent in parents_of(planned).values())
    assert kept == 6 - planned.ignored_fields["parent"]
    assert planned.ignored_fields["parent"] == circles_in(parents)


def test_parents_of_any_shape_lose_no_row() -> None:
    any_parents_lose_no_row()


def circles_in(parents: list[int]) -> int:
    """How many circles the parents make: one link of each is not kept."""
    return len({frozenset(_circle(parents, start)) for start in range(len(parents))})


def _circle(parents: list[int], start: int) -> list[int]:
    for _ in parents:
        start = parents[start]
    found = [start]
    while parents[found[-1]] != start:
        found.append(parents[found[-1]])
    return found


def test_a_deep_nest_is_no_recursion() -> None:
    row: dict[str, Any] = {"title": "0"}
    for at in range(1, 200):
        row = {"title": str(at), "subtasks": [row]}
    parents = parents_of(plan([row]))
    assert all(parents[str(low)] == str(high) for low, high in pairwise(range(200)))
