"""The lists of a board as columns: their names and their order at each time."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Final

from msgspec import UNSET, Struct

from cli.import_.history.texts import Texts
from cli.import_.text_validation import MAX_CHARS
from cli.import_.trello.export import Action, Export
from commands.column import ColumnSpec, SetColumns, new_column_id
from domain.column import Column, comparable_name

CREATES: Final = frozenset({"createList", "copyList", "moveListToBoard"})
_UNNAMED: Final = "Unnamed list"


class _ListPast(Struct):
    """A list as it began; later, as it is."""

    name: str
    pos: float


class Columns:
    """The columns of the board, changed as the actions change its lists. A list that is closed stays a column."""

    def __init__(self, export: Export, actions: Sequence[Action], texts: Texts) -> None:
        self._texts = texts
        self._pasts = _first_pasts(export, actions)
        self._columns: dict[str, Column] = {}
        self._used_ids: set[str] = set()
        created_later = {one.data.list.id for one in actions if one.type in CREATES and one.data.list}
        for list_id in self._in_order(self._pasts.keys() - created_later):
            self._columns[list_id] = self._new_column(list_id)

    @property
    def current(self) -> tuple[Column, ...]:
        """The columns, in order."""
        return tuple(self._columns[list_id] for list_id in self._in_order(self._columns))

    def column_id(self, list_id: str) -> str:
        return self._columns[list_id].id

    def has(self, list_id: str) -> bool:
        return list_id in self._columns

    def add(self, list_id: str) -> SetColumns:
        """A list that is new on the board."""
        column = self._new_column(list_id)
        self._columns[list_id] = column
        return self._command(new=column.id)

    def change(self, list_id: str, name: str | None, pos: float | None) -> SetColumns | None:
        """A list that gets a name or a position; None if that changes nothing."""
        before = self.current
        past = self._pasts[list_id]
        past.pos = past.pos if pos is None else pos
        if name is not None and name != past.name:
            past.name = name
            column = self._columns.pop(list_id)
            self._columns[list_id] = Column(column.id, self._unique_name(name))
        return None if self.current == before else self._command()

    def _command(self, new: str = "") -> SetColumns:
        specs = (ColumnSpec(name=one.name, id=None if one.id == new else one.id) for one in self.current)
        return SetColumns(columns=tuple(specs), keep=True)

    def _new_column(self, list_id: str) -> Column:
        name = self._unique_name(self._pasts[list_id].name)
        return Column(new_column_id(name, self._used_ids), name)

    def _unique_name(self, name: str) -> str:
        """The name, with a number if another column has it."""
        valid = self._texts.clean(name, "column", _UNNAMED)
        taken = {comparable_name(column.name) for column in self._columns.values()}
        for number in count(1):
            suffix = f" ({number})" if number > 1 else ""
            numbered = valid[: MAX_CHARS["column"] - len(suffix)].rstrip() + suffix
            if comparable_name(numbered) not in taken:
                break
        if suffix:
            self._texts.notes.remarks["lists of equal names were numbered"] += 1
        return numbered

    def _in_order(self, list_ids: Iterable[str]) -> list[str]:
        return sorted(list_ids, key=lambda each: (self._pasts[each].pos, each))


def _first_pasts(export: Export, actions: Sequence[Action]) -> Mapping[str, _ListPast]:
    """Each list that the file names, as it began: by the first change of a field, else as it is at the end."""
    pasts = {one.list_id: _ListPast(one.name, one.pos) for one in _mentions(export, actions)}
    for action in reversed(actions):
        old, changed = action.data.old, action.data.list
        if action.type == "updateList" and old and changed:
            past = pasts[changed.id]
            past.name = past.name if old.name is UNSET else old.name
            past.pos = past.pos if old.pos is UNSET else old.pos
    return pasts


class _Mention(Struct, frozen=True):
    list_id: str
    name: str
    pos: float


def _mentions(export: Export, actions: Sequence[Action]) -> Iterable[_Mention]:
    """Lists as actions and cards name them, then as the snapshot has them: the last mention of a list holds."""
    last = float("inf")
    yield from (_Mention(card.id_list, _UNNAMED, last) for card in export.cards)
    for action in actions:
        data = action.data
        for named in (data.list_before, data.list_after, data.list):
            if named:
                yield _Mention(named.id, named.name or _UNNAMED, last)
    yield from (_Mention(one.id, one.name, one.pos) for one in export.lists)
