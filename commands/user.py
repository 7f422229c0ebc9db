"""What may be asked of a user."""

from collections.abc import Iterator
from typing import ClassVar

from commands.command import Command, Elsewhere, Given
from commands.form import Email, Name
from domain.errors import EmailTaken
from domain.event import Event
from domain.user import (
    INSTANCE,
    AdministratorAppointed,
    EmailAddress,
    EmailReserved,
    Instance,
    User,
    UserRegistered,
    address_of,
)


class RegisterUser(Command[User], frozen=True, kw_only=True):
    """Become a user. The first one administers the installation. The password goes another way."""

    about: ClassVar = User
    creates: ClassVar = True
    in_batches: ClassVar = False

    email: Email
    name: Name

    def workspace(self, state: User | None, given: Given) -> None:
        """A user belongs to no workspace."""

    def decide(self, state: User | None, given: Given) -> Iterator[Event | Elsewhere]:
        if given(EmailAddress, address_of(self.email)):
            raise EmailTaken
        if given(Instance, INSTANCE) is None:
            yield Elsewhere(INSTANCE, AdministratorAppointed(given.target))
        yield Elsewhere(address_of(self.email), EmailReserved(given.target))
        yield UserRegistered(self.email, self.name)
