"""Qualifiers: what says more about the other terms of its list."""

from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from domain.filter.terms.values import Person, When


class By(Struct, frozen=True):
    """The changes that the list of terms is about are those of the user, or of the caller, or of agents of theirs."""

    user: UUID | Literal["me"] | Person


class Since(Struct, frozen=True):
    """What the list of terms says of the past is about the time from then on."""

    when: When


class Until(Struct, frozen=True):
    """What the list of terms says of the past is about the time up to then, a day included."""

    when: When


class At(Struct, frozen=True):
    """The list of terms is about the task as it was then; a day means its end."""

    when: When


Qualifier: TypeAlias = By | Since | Until | At
"""What says more about the other terms of its list."""
