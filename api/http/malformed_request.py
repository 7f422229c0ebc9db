"""A malformed request: what a client sent that cannot be understood, with a code and every error that was found."""

from collections.abc import Sequence

from commands.validation import FieldError


class MalformedRequest(Exception):
    """The request is malformed: answered with `status`, 400 by default.

    `errors` are all that were found; a single one has a `pointer` and the code of the whole.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        pointer: str | None = None,
        errors: Sequence[FieldError] = (),
        status: int = 400,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.pointer, self.errors, self.status = code, detail, pointer, errors, status
