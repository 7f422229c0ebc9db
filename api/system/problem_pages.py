"""Problems over HTTP: what each code means, and what to do."""

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

ADDRESS = "/problems"
Code = Annotated[str, PathParameter(description="The `code` of a problem.", examples=[Example(value="id_taken")])]


class Meaning(Struct, frozen=True):
    """What a problem of one code means."""

    type: Annotated[str, Meta(examples=["/problems/id_taken"])]
    code: Annotated[str, Meta(examples=["id_taken"])]
    title: Annotated[str, Meta(examples=["This id is already in use."])]
    statuses: Annotated[list[int], Meta(examples=[[409]])]
    what_to_do: Annotated[list[str], Meta(examples=[[error_cases.ADVICE[409]]])]


@get(ADDRESS, opt=PUBLIC)
async def list_problems() -> Response[Page[Meaning]]:
    """Every code that an answer can have which says no."""
    return Response(Page(list(meanings().values())))


@get(ADDRESS + "/{code:str}", opt=PUBLIC)
async def show_problem(code: Code) -> Response[Meaning]:
    """What a problem means that has its `type` here."""
    meaning = meanings().get(code)
    if meaning is None:
        raise NotFound
    return Response(meaning)


@cache
def meanings() -> dict[str, Meaning]:
    """Each code with all that is known about it."""
    found = dict[str, list[error_cases.No]]()
    for one in error_cases.every():
        found.setdefault(one.code, []).append(one)
    return {code: _meaning(code, found[code]) for code in sorted(found)}


def _meaning(code: str, nos: list[error_cases.No]) -> Meaning:
    statuses = sorted({one.status for one in nos})
    title = max((one.title for one in nos), key=len)
    return Meaning(f"{ADDRESS}/{code}", code, title, statuses, [error_cases.ADVICE[status] for status in statuses])
