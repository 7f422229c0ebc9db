"""Pages of tasks: sorted, with each task that does not change on exactly one page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import Struct
from msgspec.structs import replace
from psycopg.sql import SQL

from domain.custom_field import FieldValue
from domain.errors import CursorMismatch
from domain.rank import ordinal_rank
from domain.task import Priority
from projections import (
    board,
    custom_field_sorting,
    page_bytes,
    pagination,
    task_list,
    task_page,
    task_search,
    task_sorting,
)
from projections.custom_field_sql import fields_by_name
from projections.engine.connection import SyncConnection
from projections.pagination import encode_answer
from projections.project_list import ProjectRow
from projections.sorting import Sorting
from projections.task_list import NO_DUE_AT, StoredTaskRow
from projections.task_page import TaskPageOptions
from projections.task_page_sql import TaskPageSql, TaskScope, project_scope, workspaces_scope
from tests.examples import (
    ADA,
    CUSTOM_FIELDS,
    DELIVERY,
    LARGE,
    PAID,
    POINTS,
    SIZE,
    SIZES,
    SMALL,
    custom_field,
    fixed_uuid7,
)
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import large_dataset, oracle
from tests.projections.answers import CALLER, answer_body
from tests.projections.rows import build_row

pytestmark = pytest.mark.slow

WORKSPACES = [fixed_uuid7(700 + number) for number in range(3)]
ENVELOPE_BYTES = 300
"""More than a page has around its items: the cursor."""
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = fields_by_name([*CUSTOM_FIELDS, custom_field(31, "Points", "text")])
"""The custom fields of two projects; points are numbers in one, and texts in the other."""
_OTHER_POINTS = FIELDS["points"][1].key
SORTING_CALLER = replace(CALLER, fields=FIELDS)
FIELD_SORTS = [f"{sign}field.{name}" for sign in ("", "-") for name in ("Points", "size", "Sizes", "Paid", "Delivery")]
_FIELD_VALUES: SearchStrategy[Mapping[str, FieldValue]] = st.fixed_dictionaries(
    {},
    optional={
        POINTS.key: st.sampled_from([3, 0.1, 0.25, -7, 2**53 - 1]),
        SIZE.key: st.sampled_from([str(LARGE.id), str(SMALL.id), "gone"]),
        SIZES.key: st.sampled_from([(str(LARGE.id),), (str(LARGE.id), str(SMALL.id)), ("gone",)]),
        PAID.key: st.booleans(),
        DELIVERY.key: st.sampled_from(["2026-12-01", "2026-12-02"]),
        _OTHER_POINTS: st.sampled_from(["Few", "few", "3", "many"]),
    },
)
_HOURS = st.integers(0, 3).map(lambda half_hours: LONG_AGO + timedelta(minutes=30 * half_hours))
FILTERS: dict[str, Callable[[StoredTaskRow], bool]] = {
    "": lambda _: True,
    "status:open": lambda task: task.status == "open",
    "milk": lambda task: "milk" in task.title,
    "milk status:open": lambda task: "milk" in task.title and task.status == "open",
    "milk -project:P1": lambda task: "milk" in task.title and not task.key.startswith("P1-"),
    "milk due:none": lambda task: "milk" in task.title and task.due is None,
    "-milk": lambda task: "milk" not in task.title,
    "due:none": lambda task: task.due is None,
    "is:archived": lambda task: task.archived,
    "milk is:archived": lambda task: "milk" in task.title and task.archived,
    "project:P1": lambda task: task.key.startswith("P1-"),
}


class PagingCase(Struct, frozen=True, dict=True):
    """A list to page through: its tasks, which of them are stable, and the changes of the others after each page."""

    tasks: list[StoredTaskRow]
    stable: frozenset[int]
    changes_after_page: list[list[tuple[int, StoredTaskRow | None]]]
    sort: str | None
    filter: str
    limit: int
    place: TaskScope

    @cached_property
    def expected(self) -> list[StoredTaskRow]:
        """The stable tasks that match, sorted."""
        here = [task for at, task in enumerate(self.tasks) if at in self.stable and self._is_listed(task)]
        mine = [task for task in here if {task.workspace_id, task.project_id} & set(self.place.ids)]
        return naive_sort(
            mine, self.sort or task_sorting.default_sort(self.levels, is_project=self.place.is_project), self.place
        )

    def _is_listed(self, task: StoredTaskRow) -> bool:
        """Whether it matches; one that is archived is listed only if the filter is about that."""
        is_left_out = task.trashed or (task.archived and "archived" not in self.filter)
        return not is_left_out and FILTERS[self.filter](task)

    @property
    def levels(self) -> list[str]:
        return ["true"] if self.filter.startswith("milk") else []


def naive_sort(tasks: Sequence[StoredTaskRow], sort: str, place: TaskScope) -> list[StoredTaskRow]:
    """The tasks in the order that the sort describes."""
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name == "rank":
        name = "rank" if place.is_project else "key"
    by: dict[str, Callable[[StoredTaskRow], Any]] = {
        "rank": lambda task: task.rank,
        "key": lambda task: (task.key.split("-")[0], task.number),
        "due": lambda task: task.due_at,
        "priority": lambda task: get_args(Priority).index(task.priority),
        "created": lambda task: task.created_at,
        "updated": lambda task: task.updated_at,
        "title": lambda task: task.title.lower(),
        "relevance": lambda task: "milk" in task.title.lower().split(),
    }
    is_down = is_down != (name == "relevance")
    if name.startswith("field."):
        return _naive_field_sort(tasks, name.removeprefix("field.").lower(), is_down=is_down)
    found = sorted(tasks, key=lambda task: (by[name](task), task.id), reverse=is_down)
    return sorted(found, key=lambda task: task.due_at == NO_DUE_AT) if name == "due" else found


def _naive_field_sort(tasks: Sequence[StoredTaskRow], name: str, *, is_down: bool) -> list[StoredTaskRow]:
    """Numbers (equal ones by the text of the namesake), then texts, then those that have neither in both directions."""

    def value(task: StoredTaskRow) -> tuple[int, Any, str]:
        found = task.fields.get(FIELDS[name][0].key)
        options = [str(option.id) for option in FIELDS[name][0].options]
        if options:
            chosen = found if isinstance(found, tuple) else (found,)
            place = min((options.index(str(one)) for one in chosen if one in options), default=None)
            return (2, 0, "") if place is None else (0, place, "")
        is_number = isinstance(found, int | float)
        text = task.fields.get(_OTHER_POINTS) if name == "points" else found
        shown = str(text).lower() if text and (name == "points" or not is_number) else ""
        if is_number:
            return 0, found, shown
        return (1, 0, shown) if shown else (2, 0, "")

    ordered = sorted(tasks, key=lambda task: (value(task), task.id), reverse=is_down)
    return sorted(ordered, key=lambda task: value(task)[0] == 2)


@st.composite
def _task_rows(draw: st.DrawFn, place: int, max_workspace: int = 2) -> StoredTaskRow:
    """A task in one of the workspaces up to `max_workspace`; with 0, in the project that the boards show."""
    where, project, number = (
        draw(st.integers(0, max_workspace)),
        draw(st.integers(min(1, max_workspace) ^ 1, 1)),
        draw(st.integers(1, 12)),
    )
    fields = draw(st.just({}) | _FIELD_VALUES)
    due = draw(st.none() | st.none() | st.sampled_from(["2026-12-01", "2026-12-02", "2026-12-01T10:00:00Z"]))
    return build_row(
        StoredTaskRow,
        id=fixed_uuid7(10_000 + place),
        workspace_id=WORKSPACES[where],
        project_id=fixed_uuid7(800 + 2 * where + project),
        key=f"P{project}-{number}",
        number=number,
        rank=draw(st.sampled_from([ordinal_rank(number), ordinal_rank(number) + "V", ordinal_rank(-number)])),
        title=draw(st.sampled_from(["milk", "bread", "Milk milk", "milk bread"])),
        priority=draw(st.sampled_from(get_args(Priority))),
        due=due,
        column=draw(st.sampled_from(["todo", 'a "b"'])),
        status=draw(st.sampled_from(["open", "done"])),
        trashed=draw(st.integers(0, 4)) == 0,
        archived=draw(st.integers(0, 3)) == 0,
        created_at=draw(_HOURS),
        updated_at=draw(_HOURS),
        due_at=task_list.due_at(due),
        fields=fields,
        field_keys=task_list.field_keys(fields) if fields else None,
    )


@st.composite
def paging_cases(draw: st.DrawFn, most: int = 2, filters: Sequence[str] = tuple(FILTERS)) -> PagingCase:
    count = draw(st.integers(0, 14))
    tasks = [draw(_task_rows(place, most)) for place in range(count)]
    calm = draw(st.frozensets(st.integers(0, count - 1))) if count else frozenset()
    wild = [place for place in range(count + 3) if place not in calm]
    change = st.sampled_from(wild).flatmap(lambda at: st.tuples(st.just(at), st.none() | _task_rows(at)))
    filter_ = draw(st.sampled_from(filters))
    sorts = [
        *(sort for sort in task_sorting.TASK_SORTS if "relevance" not in sort or filter_.startswith("milk")),
        *["-due"] * 4,
        *FIELD_SORTS,
    ]
    place = draw(
        st.sampled_from(
            [project_scope(fixed_uuid7(801)), *(workspaces_scope(WORKSPACES[:n], ADA.id) for n in (0, 1, 2, 3))]
        )
    )
    return PagingCase(
        tasks,
        calm,
        draw(st.lists(st.lists(change, max_size=3), max_size=8)),
        draw(st.none() | st.sampled_from(sorts)),
        filter_,
        draw(st.integers(1, 4)),
        place,
    )


def store_rows(database: SyncConnection, tasks: dict[Any, StoredTaskRow | None]) -> None:
    """Write these tasks to the tables; None deletes one."""
    texts = {key: task and large_dataset.search_row(task) for key, task in tasks.items()}
    oracle.write_rows(database, "task_list", tasks)
    oracle.write_rows(database, "task_search", texts)


def reset_rows(database: SyncConnection, tasks: Sequence[StoredTaskRow]) -> None:
    for projection in (task_list.projection, task_search.projection):
        database.execute(SQL("delete from {}").format(oracle.serving_build(database, projection).table_name))
    store_rows(database, {task.id: task for task in tasks})


def pages(database: SyncConnection, scene: PagingCase) -> Iterator[list[str]]:
    """The ids on each page; unstable tasks change between two pages."""
    changes, cursor = iter(scene.changes_after_page), None
    for _ in range(30):  # 8 pages with changes between them, then 17 tasks at most, and the end
        wanted = TaskPageOptions(scene.filter, scene.sort, scene.limit, cursor)
        page = answer_body(database, task_page.page(scene.place, wanted, SORTING_CALLER))
        yield [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return
        store_rows(database, {fixed_uuid7(10_000 + at): after for at, after in next(changes, [])})
    raise AssertionError("there is no last page")


def assert_stable_tasks_once(database: SyncConnection, scene: PagingCase) -> None:
    """Assert that each stable task is on exactly one page, in order, and that pages are full."""
    assert all(len(page) == scene.limit for page in assert_stable_tasks_in_order(database, scene)[:-1])


def assert_stable_tasks_in_order(database: SyncConnection, scene: PagingCase) -> list[list[str]]:
    """Assert that each stable task is on exactly one page, in order; return the ids on each page."""
    reset_rows(database, scene.tasks)
    found = list(pages(database, scene))
    calm = {str(task.id) for at, task in enumerate(scene.tasks) if at in scene.stable}
    assert [id_ for page in found for id_ in page if id_ in calm] == [str(task.id) for task in scene.expected]
    return found


@st.composite
def _stable_due_cases(draw: st.DrawFn) -> PagingCase:
    """All tasks of one project by due date, half of them without one, on pages of one or two; none changes."""
    tasks = [replace(draw(_task_rows(at, 0)), trashed=False) for at in range(draw(st.integers(4, 8)))]
    tasks = [replace(task, due=None, due_at=NO_DUE_AT) if at % 2 else task for at, task in enumerate(tasks)]
    sort = draw(st.sampled_from(["due", "-due"]))
    place = project_scope(fixed_uuid7(801))
    return PagingCase(tasks, frozenset(range(len(tasks))), [], sort, "", draw(st.integers(1, 2)), place)


@st.composite
def _field_cases(draw: st.DrawFn) -> PagingCase:
    """All tasks of two workspaces by a custom field, on pages of one or two; none changes."""
    tasks = [replace(draw(_task_rows(at)), trashed=False) for at in range(draw(st.integers(4, 8)))]
    place = workspaces_scope(WORKSPACES, ADA.id)
    sort = draw(st.sampled_from(FIELD_SORTS))
    return PagingCase(tasks, frozenset(range(len(tasks))), [], sort, "", draw(st.integers(1, 2)), place)


def paging_law(database: SyncConnection) -> Callable[[], None]:
    @law(st.one_of(paging_cases(), paging_cases(), _stable_due_cases(), _field_cases()), examples=150)
    def each_calm_task_is_on_exactly_one_page_in_its_order(scene: PagingCase) -> None:
        assert_stable_tasks_once(database, scene)

    return each_calm_task_is_on_exactly_one_page_in_its_order


def bytes_law(database: SyncConnection) -> Callable[[], None]:
    sizes = st.lists(st.integers(0, 900), min_size=14, max_size=14)

    @law(paging_cases(), sizes, st.integers(1, 4_000), examples=100)
    def however_long_the_tasks_each_is_on_one_page_and_several_fit(
        scene: PagingCase, sizes: list[int], max_bytes: int
    ) -> None:
        tasks = [replace(task, description="x" * sizes[at]) for at, task in enumerate(scene.tasks)]
        still = replace(scene, tasks=tasks, stable=frozenset(range(len(tasks))), changes_after_page=[], limit=4)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(page_bytes, "MAX_PAGE_BYTES", max_bytes)
            found = assert_stable_tasks_in_order(database, still)
        lengths = {str(task.id): len(msgspec.json.encode(_as_shown(task))) + len(",") for task in tasks}
        totals = [sum(lengths[id_] for id_ in page) for page in found]
        assert all(len(page) == 1 or total <= max_bytes for page, total in zip(found, totals, strict=True) if page)
        for page, total, following in zip(found, totals, found[1:], strict=False):
            assert len(page) == still.limit or total + lengths[following[0]] > max_bytes - ENVELOPE_BYTES

    return however_long_the_tasks_each_is_on_one_page_and_several_fit


def _as_shown(task: StoredTaskRow) -> dict[str, Any]:
    """No project of these tasks is stored, and so none of their custom fields is shown."""
    return {name: getattr(task, name) for name in task_page.TASK_FIELDS} | {"fields": {}}


def count_law(database: SyncConnection) -> Callable[[], None]:
    @law(paging_cases(), examples=150)
    def a_count_is_of_all_pages(scene: PagingCase) -> None:
        reset_rows(database, scene.tasks)
        still = replace(scene, stable=frozenset(range(len(scene.tasks))), changes_after_page=[])
        wanted = TaskPageOptions(still.filter, still.sort, still.limit, is_counted=True)
        assert answer_body(database, task_page.page(still.place, wanted, SORTING_CALLER))["count"] == len(
            still.expected
        )

    return a_count_is_of_all_pages


def board_law(database: SyncConnection) -> Callable[[], None]:
    @law(paging_cases(0), examples=60)
    def a_board_has_of_each_column_the_first_tasks_and_its_links_the_others(scene: PagingCase) -> None:
        reset_rows(database, scene.tasks)
        place = project_scope(fixed_uuid7(801))
        still = replace(
            scene, stable=frozenset(range(len(scene.tasks))), changes_after_page=[], place=place, sort="rank"
        )
        wanted = TaskPageOptions(still.filter, limit=still.limit)
        found = _columns(database, wanted)
        assert sum(column["count"] for column in found) == len(still.expected)
        for column in found:
            expected = [str(task.id) for task in still.expected if task.column == column["id"]]
            shown, cursor = [item["id"] for item in column["items"]], column["next_cursor"]
            assert (column["count"], len(shown)) == (len(expected), min(still.limit, len(expected)))
            while cursor:
                filter_ = f'{still.filter} column:"{column["id"].replace(chr(34), chr(92) + chr(34))}"'.strip()
                following = _page_or_fail(database, place, TaskPageOptions(filter_, "rank", still.limit, cursor))
                shown, cursor = shown + [item["id"] for item in following["items"]], following["next_cursor"]
            assert shown == expected

    return a_board_has_of_each_column_the_first_tasks_and_its_links_the_others


def _page_or_fail(database: SyncConnection, place: TaskScope, wanted: TaskPageOptions) -> Any:
    try:
        return answer_body(database, task_page.page(place, wanted, CALLER))
    except CursorMismatch as error:
        raise AssertionError from error


def _columns(database: SyncConnection, wanted: TaskPageOptions) -> list[dict[str, Any]]:
    """The columns of a board, for a project that the project list does not have yet."""
    question = board.board(fixed_uuid7(801), wanted, CALLER, "/api/v1/projects/x/tasks", {})
    projects = [build_row(ProjectRow, id=fixed_uuid7(801), workspace_id=WORKSPACES[0])]
    answer = question.build_answer
    rows = answer_body(
        database, replace(question, queries=question.queries[1:], build_answer=lambda tasks: answer(projects, tasks))
    )
    found: list[dict[str, Any]] = rows["columns"]
    return found


def cursors_repeat_their_own_task(patch: pytest.MonkeyPatch) -> None:
    beyond = Sorting.after_sql
    patch.setattr(Sorting, "after_sql", lambda *of: beyond(*of).replace(") < (", ") <= (").replace(") > (", ") >= ("))


def ties_left_unsorted(patch: pytest.MonkeyPatch) -> None:
    """Continues after the first value alone, so that tasks with an equal one are skipped."""
    patch.setattr(Sorting, "after_sql", lambda order, by: f"{by[0]} {'<' if order.is_descending else '>'} %(after_0)s")


def tasks_without_due_date_restart_the_list(patch: pytest.MonkeyPatch) -> None:
    """Continues in the first part, whatever part a page ended in."""
    patch.setattr(
        TaskPageSql,
        "cursor_values",
        lambda listing, row: (0, *(row[f"at_{at}"] for at in range(len(listing.sorting.expressions)))),
    )


def tasks_without_a_value_first_when_descending(patch: pytest.MonkeyPatch) -> None:
    sorting = custom_field_sorting.custom_field_sorting
    patch.setattr(
        task_sorting, "custom_field_sorting", lambda *of, **how: replace(sorting(*of, **how), parts=("true",))
    )


def options_sorted_backwards(patch: pytest.MonkeyPatch) -> None:
    parameters = custom_field_sorting._parameters  # noqa: SLF001 - the defect belongs in this function

    def in_reverse(fields: Any) -> dict[str, Any]:
        found: dict[str, Any] = parameters(fields)
        return {name: value[::-1] if name.startswith("sort_options") else value for name, value in found.items()}

    patch.setattr(custom_field_sorting, "_parameters", in_reverse)


def merged_parts_left_unsorted(patch: pytest.MonkeyPatch) -> None:
    sql = TaskPageSql.page_sql
    patch.setattr(
        TaskPageSql, "page_sql", lambda *arguments: sql(*arguments).replace("order by part, ", "order by at_0, part, ")
    )


def parts_skipped_before_a_page_is_full(patch: pytest.MonkeyPatch) -> None:
    sql = TaskPageSql.page_sql
    patch.setattr(TaskPageSql, "page_sql", lambda *arguments: sql(*arguments).replace(" < %(rows)s", " < 1"))


def trashed_tasks_listed(patch: pytest.MonkeyPatch) -> None:
    where = TaskPageSql._where  # noqa: SLF001 - the defect belongs in this method
    patch.setattr(TaskPageSql, "_where", lambda *arguments: where(*arguments).replace("not task.trashed", "true"))


def archived_tasks_listed(patch: pytest.MonkeyPatch) -> None:
    where = TaskPageSql._where  # noqa: SLF001 - the defect belongs in this method
    patch.setattr(TaskPageSql, "_where", lambda *arguments: where(*arguments).replace("not task.archived", "true"))


def pages_of_any_length(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(page_bytes, "count_within_bytes", len)


def cursors_follow_rows_that_do_not_fit(patch: pytest.MonkeyPatch) -> None:
    encode = pagination.encode_page
    patch.setattr(
        task_page,
        "encode_page",
        lambda items, found, after, **members: encode(items, found, lambda _: after(len(items)), **members),
    )


def count_limited_to_the_page(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        TaskPageSql,
        "count_sql",
        lambda listing: f"select count(*) as count from ({listing.page_sql(('id',), None)}) as one",  # noqa: S608 - as above
    )


def board_columns_ordered_by_id(patch: pytest.MonkeyPatch) -> None:
    tasks = board._tasks_sql  # noqa: SLF001 - as above
    patch.setattr(
        board,
        "_tasks_sql",
        lambda listing: tasks(listing).replace(
            'order by task.rank collate "C", task.id) as nth', "order by task.id) as nth"
        ),
    )


def column_links_lose_the_filter(patch: pytest.MonkeyPatch) -> None:
    named = task_page.task_list_id
    patch.setattr(board, "task_list_id", lambda place, _, sort: named(place, "", sort))


DEFECTS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    cursors_repeat_their_own_task: "paging",
    ties_left_unsorted: "paging",
    tasks_without_due_date_restart_the_list: "paging",
    tasks_without_a_value_first_when_descending: "paging",
    options_sorted_backwards: "paging",
    merged_parts_left_unsorted: "paging",
    parts_skipped_before_a_page_is_full: "paging",
    pages_of_any_length: "bytes",
    cursors_follow_rows_that_do_not_fit: "bytes",
    trashed_tasks_listed: "counting",
    archived_tasks_listed: "counting",
    count_limited_to_the_page: "counting",
    board_columns_ordered_by_id: "boards",
    column_links_lose_the_filter: "boards",
}


LAWS = {"paging": paging_law, "bytes": bytes_law, "counting": count_law, "boards": board_law}


@pytest.mark.parametrize("name", LAWS)
def test_paging_laws_hold(name: str, database: SyncConnection) -> None:
    LAWS[name](database)()


@pytest.mark.parametrize("plant", DEFECTS, ids=lambda plant: plant.__name__)
def test_a_planted_defect_is_noticed(
    plant: Callable[[pytest.MonkeyPatch], None], database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert_check_fails(LAWS[DEFECTS[plant]](database))


def test_descriptions_that_do_not_fit_a_page_stay_in_the_database(database: SyncConnection) -> None:
    place = project_scope(fixed_uuid7(801))
    task = build_row(StoredTaskRow, project_id=fixed_uuid7(801), workspace_id=WORKSPACES[0], description="x" * 50_000)
    reset_rows(database, [replace(task, id=fixed_uuid7(10_000 + at), number=at) for at in range(30)])
    question = task_page.page(place, TaskPageOptions(limit=200), CALLER)
    shown = list(task_page.TASK_FIELDS)
    read = answer_body(
        database,
        replace(
            question, build_answer=lambda rows, *_: encode_answer([{name: row[name] for name in shown} for row in rows])
        ),
    )
    assert len(read) == 30
    assert [row["description"] is None for row in read] == [at * 50_000 > page_bytes.MAX_PAGE_BYTES for at in range(30)]
