"""Copies of custom fields for another project: with ids of their own, to which the values of tasks are carried over."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from commands.command import DecisionContext
from domain.custom_field import CustomField, FieldOption, FieldValue, FieldValues


class FieldCopies(Struct, frozen=True):
    """The fields of a project, and their copies, in the same order."""

    sources: tuple[CustomField, ...]
    copies: tuple[CustomField, ...]

    @classmethod
    def of(cls, sources: Sequence[CustomField], context: DecisionContext) -> "FieldCopies":
        """Copies with new ids, of options too."""
        return cls(tuple(sources), tuple(_copy_of(field, context) for field in sources))

    def carried(self, values: FieldValues) -> dict[str, FieldValue]:
        """The values that a task has, by the copies; without those of fields and options that there are no longer."""
        return dict(self._carried(values))

    def _carried(self, values: FieldValues) -> Iterator[tuple[str, FieldValue]]:
        for source, copy in zip(self.sources, self.copies, strict=True):
            value = values.get(source.key)
            if value is not None and source.options:
                value = _carried_options(value, _new_ids(source.options, copy.options))
            if value is not None:
                yield copy.key, value


def _copy_of(field: CustomField, context: DecisionContext) -> CustomField:
    options = tuple(replace(option, id=context.new_id()) for option in field.options)
    return replace(field, id=context.new_id(), options=options)


def _new_ids(sources: Sequence[FieldOption], copies: Sequence[FieldOption]) -> Mapping[object, str]:
    return {str(old.id): str(new.id) for old, new in zip(sources, copies, strict=True)}


def _carried_options(value: FieldValue, new_ids: Mapping[object, str]) -> FieldValue | None:
    if isinstance(value, tuple):
        return tuple(new_ids[option] for option in value if option in new_ids) or None
    return new_ids.get(value)
