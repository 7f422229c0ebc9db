"""A refusal: a reason not to carry out a command or a query. The docstring is the title that the client sees."""

import re
from typing import Any


class Refusal(Exception):
    """The rules do not allow this."""

    command_index: int = 0
    """The index of the refused command in its request, from 0."""
    pointer: str | None = None
    """The JSON Pointer of what was refused in the request body, if it is a part of it."""

    def __init__(self, detail: str = "", **params: Any) -> None:
        super().__init__(detail or self.title())
        self.params = params

    @classmethod
    def code(cls) -> str:
        """The stable name for programs: `TaskIsTrashed` is `task_is_trashed`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """The sentence for people, the same for every occurrence."""
        return (cls.__doc__ or cls.__name__).splitlines()[0]
