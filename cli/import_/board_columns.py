"""The columns of the project that is imported into, found by name or by what they are for."""

from msgspec import Struct

from cli.import_.field_names import normalize_word
from cli.import_.status_words import STATUS_BY_WORD, Stage, Status
from domain.column import Column


class BoardColumns(Struct, frozen=True):
    """The columns of a board, in order."""

    columns: tuple[Column, ...]

    def find_named(self, name: str) -> Column | None:
        """The column with that name, in any spelling, or that id."""
        word = normalize_word(name)
        return next((one for one in self.columns if word in (normalize_word(one.name), normalize_word(one.id))), None)

    def find_for(self, stage: Stage) -> Column | None:
        """The first column for that stage, whatever it is called: `In Bearbeitung`, `Doing (max. 3)`."""
        return next((one for one in self.columns if _status_of(one.name).stage == stage), None)


def _status_of(name: str) -> Status:
    """What the name of a column says; without what stands in brackets, and numbers, if the whole says nothing."""
    bare = "".join(char for char in name.partition("(")[0].partition("[")[0] if not char.isdigit())
    return STATUS_BY_WORD.get(normalize_word(name)) or STATUS_BY_WORD.get(normalize_word(bare)) or Status()
