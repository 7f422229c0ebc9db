"""The sentences of a diff: every field has words in every language, and they are what people would say."""

from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from commands.handling.command_on import CommandOn
from domain import diff
from domain.diff import DiffChange, FieldChange, Kind
from domain.event import Actor
from domain.sentences.diff import WORDINGS, Subject, sentences
from domain.sentences.names import Names, ProjectNames, TaskName
from domain.sentences.wording import CUSTOM_FIELD, UNSPOKEN_FIELDS, Language, Wording, excerpt
from projections.diff import KINDS, DiffKind
from projections.fingerprint import fold_history
from tests.law import law, planted_defect
from tests.projections.engine.test_advance import facts_of
from tests.projections.test_comment_count import recorded_events
from tests.strategies import command_sequences

ANN, BOB, GONE = (str(UUID(int=number)) for number in (1, 2, 3))
SHOP, OLD = str(UUID(int=11)), str(UUID(int=12))
KITCHEN, PANTRY = str(UUID(int=21)), str(UUID(int=22))
NAMES: Final = Names(
    {ANN: "Анна", BOB: "Bob"},
    {SHOP: TaskName("KIT-3", "Shop")},
    {KITCHEN: ProjectNames("Kitchen", {"todo": "To do", "done": "Done"}), PANTRY: ProjectNames("Pantry", {})},
    2026,
)
BY_ANN: Final = {5: Actor(UUID(ANN))}
EXAMPLES: list[tuple[str, Any, Any, str, str]] = [
    (
        "title",
        "Milk",
        "Oats",
        "title changed from “Milk” to “Oats” by Анна",
        "название изменено с «Milk» на «Oats» (Анна)",
    ),
    ("description", "", "Red", "description added by Анна", "описание добавлено (Анна)"),
    ("description", "Red", "Blue", "description changed by Анна", "описание изменено (Анна)"),
    ("description", "Red", "", "description removed by Анна", "описание удалено (Анна)"),
    ("priority", "none", "high", "priority set to high by Анна", "установлен высокий приоритет (Анна)"),
    (
        *("priority", "low", "urgent"),
        "priority changed from low to urgent by Анна",
        "приоритет изменён с низкого на срочный (Анна)",
    ),
    ("priority", "low", "none", "priority removed by Анна", "приоритет снят (Анна)"),
    (
        *("due", "2026-03-01", "2026-03-03"),
        "due date moved from 1 March to 3 March by Анна",
        "срок перенесён с 1 марта на 3 марта (Анна)",
    ),
    ("due", None, "2027-01-05", "due date set to 5 January 2027 by Анна", "срок назначен на 5 января 2027 года (Анна)"),
    (
        *("due", "2026-03-01T14:00:00+03:00", None),
        "due date removed by Анна (was 1 March 14:00)",
        "срок 1 марта 14:00 снят (Анна)",
    ),
    ("start", None, "2026-08-31", "start date set to 31 August by Анна", "начало назначено на 31 августа (Анна)"),
    ("zone", None, "Asia/Tokyo", "time zone set to Asia/Tokyo by Анна", "задан часовой пояс Asia/Tokyo (Анна)"),
    ("estimate", None, 90, "estimate set to 1 h 30 min by Анна", "поставлена оценка 1 ч 30 мин (Анна)"),
    (
        *("estimate", 0, 60),
        "estimate changed from 0 min to 1 h by Анна",
        "оценка изменена с 0 мин на 1 ч (Анна)",
    ),
    ("colour", None, "#cc3300", "colour set to #cc3300 by Анна", "задан цвет #cc3300 (Анна)"),
    (
        *("column", "todo", "done"),
        "moved from “To do” to “Done” by Анна",
        "перенесена из колонки «To do» в колонку «Done» (Анна)",
    ),
    ("rank", "a", "b", "moved within its list by Анна", "место в списке изменено (Анна)"),
    ("labels", ["Shop"], ["Shop", "soon"], "labelled “soon” by Анна", "добавлена метка «soon» (Анна)"),
    (
        *("labels", ["a"], ["b", "c"]),
        "labelled “b” and “c”, label “a” removed by Анна",
        "добавлены метки «b», «c»; снята метка «a» (Анна)",
    ),
    (
        *("assignees", [GONE], [ANN, BOB]),
        "assigned to Анна and Bob, a former user unassigned by Анна",
        "назначены исполнители: Анна, Bob; снят исполнитель: бывший пользователь (Анна)",
    ),
    ("assignees", [ANN, BOB], [BOB, ANN], "order changed by Анна", "порядок изменён (Анна)"),
    (
        *("checklist", [], [{"id": GONE, "text": "Red", "done": True}, {"id": OLD, "text": "x", "done": False}]),
        "checklist changed by Анна, 1 of 2 done now",
        "чек-лист изменён: выполнено 1 из 2 (Анна)",
    ),
    ("parent_id", None, SHOP, "made a subtask of KIT-3 “Shop” by Анна", "стала подзадачей KIT-3 «Shop» (Анна)"),
    ("parent_id", OLD, None, "taken out of a deleted task by Анна", "больше не подзадача удалённой задачи (Анна)"),
    (
        *("children", {"done": 1, "total": 2}, {"done": 2, "total": 2}),
        "2 of 2 subtasks done (was 1 of 2)",
        "подзадачи: выполнено 2 из 2 (было 1 из 2)",
    ),
    (
        *("relations", [], [{"kind": "blocked_by", "task_id": SHOP}]),
        "now blocked by KIT-3 “Shop” by Анна",
        "новая связь: заблокирована задачей KIT-3 «Shop» (Анна)",
    ),
    (
        *("relations", [{"kind": "relates", "task_id": SHOP}], []),
        "no longer related to KIT-3 “Shop” by Анна",
        "связь удалена: связана с KIT-3 «Shop» (Анна)",
    ),
    ("blocked_by", [SHOP], [], "no longer waits for KIT-3 “Shop” by Анна", "больше не ждёт задачу KIT-3 «Shop» (Анна)"),
    ("comments", 1, 2, "1 comment added by Анна", "добавлен 1 комментарий (Анна)"),
    ("comments", 22, 0, "22 comments removed by Анна", "удалено 22 комментария (Анна)"),
    ("comments", 0, 11, "11 comments added by Анна", "добавлено 11 комментариев (Анна)"),
    ("attachments", 0, 21, "21 attachments added by Анна", "добавлено 21 вложение (Анна)"),
    (
        *("spent", 0, 30),
        "time spent changed from 0 min to 30 min by Анна",
        "затраченное время изменено с 0 мин на 30 мин (Анна)",
    ),
    (
        *("recurrence", None, {"rule": "FREQ=DAILY", "from": "due"}),
        "recurrence set to FREQ=DAILY by Анна",
        "повторение задано: FREQ=DAILY (Анна)",
    ),
    (
        "recurrence",
        {"rule": "FREQ=DAILY", "from": "due"},
        None,
        "recurrence ended by Анна",
        "повторение отменено (Анна)",
    ),
    (
        "fields.Size {0}",
        None,
        "large",
        "“Size {0}” set to “large” by Анна",
        "поле «Size {0}» заполнено: «large» (Анна)",
    ),
    ("fields.Paid", False, True, "“Paid” changed from no to yes by Анна", "поле «Paid» изменено с нет на да (Анна)"),
    ("fields.Who", ANN, None, "“Who” removed by Анна (was Анна)", "поле «Who» очищено (Анна)"),
    ("status", "open", "done", "completed by Анна", "завершена (Анна)"),
    ("status", "done", "open", "reopened by Анна", "открыта снова (Анна)"),
    ("archived", False, True, "archived by Анна", "перенесена в архив (Анна)"),
    ("key", "KIT-1", "PAN-2", "key changed from KIT-1 to PAN-2 by Анна", "ключ изменён с KIT-1 на PAN-2 (Анна)"),
    (
        *("project_id", KITCHEN, PANTRY),
        "moved from project “Kitchen” to project “Pantry” by Анна",
        "перенесена из проекта «Kitchen» в проект «Pantry» (Анна)",
    ),
]


def said(language: Language, kind: Kind, change: DiffChange, *fields: FieldChange) -> list[str]:
    subject = Subject(kind, "KIT-12", "Milk", (KITCHEN, KITCHEN))
    return sentences(language, subject, change, fields, BY_ANN, NAMES)


@pytest.mark.parametrize(("field", "old", "new", "english", "russian"), EXAMPLES)
def test_a_change_of_a_task_is_said_in_both_languages(
    field: str, old: Any, new: Any, english: str, russian: str
) -> None:
    change = FieldChange(field, old, new, [5])
    assert said("en", "task", "changed", change) == [f"KIT-12 “Milk”: {english}."]
    assert said("ru", "task", "changed", change) == [f"KIT-12 «Milk»: {russian}."]


@pytest.mark.parametrize(
    ("kind", "field", "old", "new", "english", "russian"),
    [
        ("project", "name", "A", "B", "name changed from “A” to “B”", "название изменено с «A» на «B»"),
        (
            *("project", "columns", [], [{"name": "To do", "removed": False}, {"name": "Old", "removed": True}]),
            *("columns changed: To do", "колонки изменены: To do"),
        ),
        ("project", "wip", "warn", "refuse", "WIP limits made strict", "лимиты колонок теперь обязательны"),
        ("project", "fields", [1], [], "custom fields changed: none", "поля задач изменены: их больше нет"),
        (
            *("project", "archive_after", None, 21),
            *("done tasks archived after 21 days", "завершённые задачи уходят в архив через 21 день"),
        ),
        (
            *("project", "archive_after", 21, None),
            *("done tasks no longer archived by themselves", "завершённые задачи больше не уходят в архив сами"),
        ),
        ("project", "archived", True, False, "taken out of the archive", "возвращён из архива"),
        ("comment", "text", "A", "B", "text changed to “B”", "текст изменён на «B»"),
        (
            *("comment", "reactions", [], [{"emoji": "👍", "users": [ANN, BOB]}]),
            *("reactions changed: 👍 2", "реакции изменены: 👍 2"),
        ),
    ],
)
def test_a_change_of_something_else_is_said_too(  # noqa: PLR0913, PLR0917 - the columns of a table
    kind: Kind, field: str, old: Any, new: Any, english: str, russian: str
) -> None:
    for language, text in (("en", english), ("ru", russian)):
        (sentence,) = said(language, kind, "changed", FieldChange(field, old, new))  # type: ignore[arg-type]
        assert sentence.endswith(f": {text}.")


@pytest.mark.parametrize(
    ("change", "field", "english", "russian"),
    [
        ("added", "id", "added by Анна", "добавлена (Анна)"),
        ("added", "trashed", "restored by Анна", "восстановлена (Анна)"),
        ("added", "project_id", "moved here by Анна", "перенесена сюда (Анна)"),
        ("removed", "trashed", "deleted by Анна", "удалена (Анна)"),
        ("removed", "project_id", "moved to another project by Анна", "перенесена в другой проект (Анна)"),
    ],
)
def test_what_comes_and_goes_is_one_sentence(change: DiffChange, field: str, english: str, russian: str) -> None:
    fields = (FieldChange(field, None, "x", [5]), FieldChange("title", None, "Milk", [5]))
    assert said("en", "task", change, *fields) == [f"KIT-12 “Milk”: {english}."]
    assert said("ru", "task", change, *fields) == [f"KIT-12 «Milk»: {russian}."]


def test_what_was_changed_and_changed_back_says_so() -> None:
    fields = (FieldChange("version", 1, 3, [5]), FieldChange("updated_at", "a", "b", [5]))
    assert said("en", "task", "changed", *fields) == ["KIT-12 “Milk”: changed and changed back by Анна."]
    assert said("ru", "comment", "changed", *fields) == [
        "Комментарий к KIT-12 «Milk»: изменён и возвращён к прежнему (Анна)."
    ]


def test_many_actors_are_counted_and_those_without_a_name_are_what_they_are() -> None:
    ids = {number: UUID(int=number) for number in range(1, 6)}
    actors = {1: Actor(ids[1]), 2: Actor(ids[2], "rule"), 3: Actor(ids[3], "agent")}
    more = {number: Actor(ids[number]) for number in (4, 5)}
    names = Names({str(ids[3]): "Robot", str(ids[4]): "P4", str(ids[5]): "P5"})
    subject = Subject("task", "KIT-12", "Milk", ("", ""))
    for language, few, many in (
        ("en", "by a former user, a rule and Robot.", "by a former user, a rule, Robot and 2 others."),
        ("ru", "(бывший пользователь, правило, Robot).", "(бывший пользователь, правило, Robot и ещё 2)."),
    ):
        for given, expected in ((actors, few), (actors | more, many)):
            fields = [FieldChange("rank", "a", "b", sorted(given))]
            (sentence,) = sentences(language, subject, "changed", fields, given, names)  # type: ignore[arg-type]
            assert sentence.endswith(expected)


def test_a_long_text_is_cut_and_stays_on_one_line() -> None:
    assert excerpt("Milk\nand  bread") == "Milk and bread"
    assert excerpt("x" * 81) == "x" * 80 + "…"


@law(command_sequences, examples=60)
def every_change_has_a_sentence_in_every_language(walk: list[CommandOn]) -> None:
    history = recorded_events(facts_of(walk))
    half = history[: len(history) // 2]
    for kind in KINDS:
        before, after = fold_history(kind.projection, half), fold_history(kind.projection, history)
        for key in before.keys() & after.keys():
            flat = [diff.flatten(as_json(kind, rows[key]), kind.maps) for rows in (before, after)]
            fields = diff.compare(flat[0], flat[1], {name: [5] for name in flat[1]})
            for language in WORDINGS if fields else ():
                found = said(language, kind.name, "changed", *fields)
                assert found
                assert not [one for one in found if "{" in one or "None" in one]


def as_json(kind: DiffKind, row: Any) -> dict[str, Any]:
    content = msgspec.json.encode({name: getattr(row, name) for name in kind.fields})
    return msgspec.json.decode(content, type=dict[str, Any])


def test_every_change_of_a_history_can_be_said() -> None:
    every_change_has_a_sentence_in_every_language()


def test_a_change_without_words_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.sentences.diff.UNSPOKEN_FIELDS", dict.fromkeys(UNSPOKEN_FIELDS, ()))
    with planted_defect(), pytest.raises(KeyError):
        every_change_has_a_sentence_in_every_language()


def assert_all_fields_have_words(kind: DiffKind, wording: Wording) -> None:
    names = {CUSTOM_FIELD if name in kind.maps else name for name in kind.fields}
    assert names == wording.fields[kind.name].keys() | UNSPOKEN_FIELDS[kind.name]
    assert not wording.fields[kind.name].keys() & UNSPOKEN_FIELDS[kind.name]
    assert wording.subjects.keys() >= {kind.name}


@pytest.mark.parametrize("wording", WORDINGS.values(), ids=list(WORDINGS))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_field_has_words_in_every_language(kind: DiffKind, wording: Wording) -> None:
    assert_all_fields_have_words(kind, wording)


@pytest.mark.parametrize("wording", WORDINGS.values(), ids=list(WORDINGS))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_field_without_words_is_noticed(kind: DiffKind, wording: Wording) -> None:
    names = [*kind.row_type.__struct_fields__, "mood"]
    wider = replace(kind, row_type=msgspec.defstruct("Wider", names))
    with pytest.raises(AssertionError):
        assert_all_fields_have_words(wider, wording)


def test_all_wordings_say_the_same_of_whole_documents() -> None:
    assert len({tuple(sorted(one.whole[kind.name])) for one in WORDINGS.values() for kind in KINDS}) == 1
    assert len({tuple(sorted(one.someone)) for one in WORDINGS.values()}) == 1
