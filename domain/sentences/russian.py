"""What changed, in Russian."""

from collections.abc import Callable, Sequence
from typing import Final

from domain.sentences.names import NamedChange
from domain.sentences.russian_values import (
    Show,
    day,
    duration,
    parent,
    person,
    plain,
    plural,
    project,
    quote,
    relation,
    task,
    value,
)
from domain.sentences.wording import CUSTOM_FIELD, FieldWords, Wording

_PRIORITIES: Final = {
    "low": ("низкий", "низкого"),
    "medium": ("средний", "среднего"),
    "high": ("высокий", "высокого"),
    "urgent": ("срочный", "срочного"),
}
"""The accusative and the genitive."""
_MAX_NAMES: Final = 3


def _changed(set_to: str, moved: str, removed: str, show: Show) -> FieldWords:
    """How a value was set, moved or removed; `{old}` and `{new}` stand for it."""

    def words(change: NamedChange) -> str:
        old, new = (show(one, change.names) if one is not None else "" for one in (change.old, change.new))
        return (moved if old and new else set_to if new else removed).format(old=old, new=new) + change.by

    return words


def _listed(added: tuple[str, str], removed: tuple[str, str], show: Show) -> FieldWords:
    """What was added to a list and removed from it, in the singular and in the plural."""

    def words(change: NamedChange) -> str:
        both = ((added, change.added), (removed, change.removed))
        said = [
            f"{text[len(each) > 1]} {', '.join(show(one, change.names) for one in each)}" for text, each in both if each
        ]
        return ("; ".join(said) or "порядок изменён") + change.by

    return words


def _counted(one: str, few: str, many: str, *, is_masculine: bool) -> FieldWords:
    def words(change: NamedChange) -> str:
        count, is_more = abs(change.new - change.old), change.new > change.old
        counted = plural(count, one, few, many)
        if is_masculine and counted.endswith(f" {one}"):
            return f"{'добавлен' if is_more else 'удалён'} {counted}{change.by}"
        return f"{'добавлено' if is_more else 'удалено'} {counted}{change.by}"

    return words


def _description(change: NamedChange) -> str:
    verb = "изменено" if change.old and change.new else "добавлено" if change.new else "удалено"
    return f"описание {verb}{change.by}"


def _priority(change: NamedChange) -> str:
    if change.new == "none":
        return f"приоритет снят{change.by}"
    accusative = _PRIORITIES[change.new][0]
    if change.old == "none":
        return f"установлен {accusative} приоритет{change.by}"
    return f"приоритет изменён с {_PRIORITIES[change.old][1]} на {accusative}{change.by}"


def _column(change: NamedChange) -> str:
    old, new = map(quote, change.columns)
    return f"перенесена из колонки {old} в колонку {new}{change.by}"


def _checklist(change: NamedChange) -> str:
    done = sum(one["done"] for one in change.new)
    return f"чек-лист изменён: выполнено {done} из {len(change.new)}{change.by}"


def _parent(change: NamedChange) -> str:
    if change.new is None:
        return f"больше не подзадача {parent(change.old, change.names)}{change.by}"
    return f"стала подзадачей {parent(change.new, change.names)}{change.by}"


def _children(change: NamedChange) -> str:
    new, old = change.new, change.old
    return f"подзадачи: выполнено {new['done']} из {new['total']} (было {old['done']} из {old['total']})"


def _recurrence(change: NamedChange) -> str:
    if change.new is None:
        return f"повторение отменено{change.by}"
    return f"повторение {'изменено' if change.old else 'задано'}: {change.new['rule']}{change.by}"


def _custom_field(change: NamedChange) -> str:
    name = f"поле {quote(change.field)}".replace("{", "{{").replace("}", "}}")
    words = _changed(f"{name} заполнено: {{new}}", f"{name} изменено с {{old}} на {{new}}", f"{name} очищено", value)
    return words(change)


def _toggled(on: str, off: str) -> FieldWords:
    return lambda change: (on if change.new not in {False, "open", "warn"} else off) + change.by


def _columns(change: NamedChange) -> str:
    names = [column["name"] for column in change.new if not column["removed"]]
    return f"колонки изменены: {', '.join(names)}{change.by}"


def _fields(change: NamedChange) -> str:
    names = [field["name"] for field in change.new]
    return f"поля задач изменены: {', '.join(names) or 'их больше нет'}{change.by}"


def _archive_after(change: NamedChange) -> str:
    if change.new is None:
        return f"завершённые задачи больше не уходят в архив сами{change.by}"
    days = plural(change.new, "день", "дня", "дней")
    return f"завершённые задачи уходят в архив через {days}{change.by}"


def _reactions(change: NamedChange) -> str:
    shown = ", ".join(f"{one['emoji']} {len(one['users'])}" for one in change.new)
    return f"реакции изменены: {shown or 'нет'}{change.by}"


def _by(names: Sequence[str]) -> str:
    others = len(names) - _MAX_NAMES
    shown = ", ".join(names[:_MAX_NAMES]) + (f" и ещё {others}" if others > 0 else "")
    return f" ({shown})" if shown else ""


def _said(text: str) -> Callable[[str], str]:
    return lambda by: text + by


def _whole(ending: str) -> dict[str, Callable[[str], str]]:
    """What became of a whole document, in the gender of its noun."""
    e = "е" if ending else "ё"
    return {
        "added": _said(f"добавлен{ending}"),
        "restored": _said(f"восстановлен{ending}"),
        "arrived": _said(f"перенес{e}н{ending} сюда"),
        "removed": _said(f"удал{e}н{ending}"),
        "left": _said(f"перенес{e}н{ending} в другой проект"),
        "changed_back": _said(f"измен{e}н{ending} и возвращ{e}н{ending} к прежнему"),
    }


RUSSIAN: Final = Wording(
    subjects={
        "project": lambda key, title: f"Проект {key} {quote(title)}",
        "task": lambda key, title: f"{key} {quote(title)}",
        "comment": lambda key, title: f"Комментарий к {key} {quote(title)}",
    },
    fields={
        "project": {
            "name": _changed("", "название изменено с {old} на {new}", "", quote),
            "columns": _columns,
            "wip": _toggled("лимиты колонок теперь обязательны", "лимиты колонок теперь лишь предупреждают"),
            "fields": _fields,
            "archive_after": _archive_after,
            "archived": _toggled("перенесён в архив", "возвращён из архива"),
        },
        "task": {
            "project_id": _changed("", "перенесена из проекта {old} в проект {new}", "", project),
            "key": _changed("", "ключ изменён с {old} на {new}", "", plain),
            "title": _changed("", "название изменено с {old} на {new}", "", quote),
            "description": _description,
            "priority": _priority,
            "due": _changed("срок назначен на {new}", "срок перенесён с {old} на {new}", "срок {old} снят", day),
            "start": _changed(
                "начало назначено на {new}", "начало перенесено с {old} на {new}", "начало {old} снято", day
            ),
            "zone": _changed(
                "задан часовой пояс {new}", "часовой пояс изменён с {old} на {new}", "часовой пояс снят", plain
            ),
            "estimate": _changed(
                "поставлена оценка {new}", "оценка изменена с {old} на {new}", "оценка {old} снята", duration
            ),
            "colour": _changed("задан цвет {new}", "цвет изменён с {old} на {new}", "цвет снят", plain),
            "column": _column,
            "rank": lambda change: f"место в списке изменено{change.by}",
            "labels": _listed(("добавлена метка", "добавлены метки"), ("снята метка", "сняты метки"), quote),
            "assignees": _listed(
                ("назначен исполнитель:", "назначены исполнители:"),
                ("снят исполнитель:", "сняты исполнители:"),
                person,
            ),
            "checklist": _checklist,
            "parent_id": _parent,
            "children": _children,
            "relations": _listed(("новая связь:", "новые связи:"), ("связь удалена:", "связи удалены:"), relation),
            "blocked_by": _listed(
                ("ждёт задачу", "ждёт задачи"), ("больше не ждёт задачу", "больше не ждёт задачи"), task
            ),
            "comments": _counted("комментарий", "комментария", "комментариев", is_masculine=True),
            "attachments": _counted("вложение", "вложения", "вложений", is_masculine=False),
            "spent": _changed("", "затраченное время изменено с {old} на {new}", "", duration),
            "recurrence": _recurrence,
            CUSTOM_FIELD: _custom_field,
            "status": _toggled("завершена", "открыта снова"),
            "archived": _toggled("перенесена в архив", "возвращена из архива"),
        },
        "comment": {
            "text": lambda change: f"текст изменён на {quote(change.new)}{change.by}",
            "reactions": _reactions,
        },
    },
    whole={"project": _whole(""), "task": _whole("а"), "comment": _whole("")},
    by=_by,
    someone={"human": "бывший пользователь", "agent": "агент", "rule": "правило", "import": "импорт"},
)
