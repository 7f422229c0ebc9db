"""Problems over HTTP: the meaning of each error code, and advice."""

from functools import cache
from typing import Annotated

from msgspec import Meta, Struct

from api.function_endpoint import get
from api.http import problems
from api.http.response import Response
from api.openapi import error_cases
from commands.field_error_codes import MEMBER_ERRORS, PARAMETER_ERRORS
from domain.errors import NotFound
from projections.pagination import Page

PROBLEMS_PATH = "/problems"
ProblemCode = Annotated[str, Meta(description="The `code` of a problem.", examples=["id_taken"])]


_TOO_SHORT = {"code": "too_short", "meaning": MEMBER_ERRORS["too_short"]}


class FieldErrorCode(Struct, frozen=True):
    """The code of an error in one member or parameter, as `errors` of a problem has it, and its meaning."""

    code: Annotated[str, Meta(examples=["too_short"])]
    meaning: Annotated[str, Meta(examples=[_TOO_SHORT["meaning"]])]


class ProblemType(Struct, frozen=True):
    """The meaning of one error code, and advice.

    `errors` are the codes that the problem's own `errors` may have; where it is empty, they have the problem's code.
    """

    type: Annotated[str, Meta(examples=["/problems/id_taken"])]
    code: Annotated[str, Meta(examples=["id_taken"])]
    title: Annotated[str, Meta(examples=["This id is already in use."])]
    statuses: Annotated[list[int], Meta(examples=[[409]])]
    what_to_do: Annotated[list[str], Meta(examples=[[error_cases.ADVICE_BY_STATUS[409]]])]
    errors: Annotated[list[FieldErrorCode], Meta(examples=[[_TOO_SHORT]])]


_ERRORS_BY_PROBLEM = {
    "invalid_body": MEMBER_ERRORS,
    "invalid_parameter": PARAMETER_ERRORS,
    "repeated_parameter": PARAMETER_ERRORS,
    "unknown_parameter": PARAMETER_ERRORS,
    **{refusal.code(): PARAMETER_ERRORS for refusal in problems.PARAMETER_REFUSALS},
}


@get(PROBLEMS_PATH, is_public=True)
async def list_problems() -> Response[Page[ProblemType]]:
    """List every error code."""
    return Response(Page(list(problem_types().values())))


@get(PROBLEMS_PATH + "/{code}", is_public=True)
async def show_problem(code: ProblemCode) -> Response[ProblemType]:
    """Show the meaning of one error code; a problem's `type` links here."""
    meaning = problem_types().get(code)
    if meaning is None:
        raise NotFound
    return Response(meaning)


@cache
def problem_types() -> dict[str, ProblemType]:
    """The meaning of every error code, by code."""
    cases_by_code = dict[str, list[error_cases.ErrorCase]]()
    for one in error_cases.all_error_cases():
        cases_by_code.setdefault(one.code, []).append(one)
    return {code: _problem_type(code, cases_by_code[code]) for code in sorted(cases_by_code)}


def _problem_type(code: str, cases: list[error_cases.ErrorCase]) -> ProblemType:
    statuses = sorted({one.status for one in cases})
    title = max((one.title for one in cases), key=len)
    return ProblemType(
        f"{PROBLEMS_PATH}/{code}",
        code,
        title,
        statuses,
        [error_cases.ADVICE_BY_STATUS[status] for status in statuses],
        [FieldErrorCode(*one) for one in _ERRORS_BY_PROBLEM.get(code, {}).items()],
    )
