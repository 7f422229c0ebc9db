"""Problems over HTTP: the meaning of each error code, and advice."""

from functools import cache
from typing import Annotated

from litestar import get
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from msgspec import Meta, Struct

from api.http.authentication import PUBLIC
from api.http.response import Response
from api.openapi import error_cases
from domain.errors import NotFound
from projections.pagination import Page

PROBLEMS_PATH = "/problems"
CodeParam = Annotated[str, PathParameter(description="The `code` of a problem.", examples=[Example(value="id_taken")])]


class ProblemType(Struct, frozen=True):
    """The meaning of one error code, and advice."""

    type: Annotated[str, Meta(examples=["/problems/id_taken"])]
    code: Annotated[str, Meta(examples=["id_taken"])]
    title: Annotated[str, Meta(examples=["This id is already in use."])]
    statuses: Annotated[list[int], Meta(examples=[[409]])]
    what_to_do: Annotated[list[str], Meta(examples=[[error_cases.ADVICE_BY_STATUS[409]]])]


@get(PROBLEMS_PATH, opt=PUBLIC)
async def list_problems() -> Response[Page[ProblemType]]:
    """List every error code."""
    return Response(Page(list(problem_types().values())))


@get(PROBLEMS_PATH + "/{code:str}", opt=PUBLIC)
async def show_problem(code: CodeParam) -> Response[ProblemType]:
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
        f"{PROBLEMS_PATH}/{code}", code, title, statuses, [error_cases.ADVICE_BY_STATUS[status] for status in statuses]
    )
