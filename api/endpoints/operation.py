"""Operations over HTTP: long works that were asked for, and how far they are."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.http import preconditions
from api.http.addressing import given_id
from api.http.response import Response
from api.ledger import Asked, Ledger
from infra.rebuilding.jobs import Operation
from projections import pagination


@get("/operations/{operation:str}")
async def show_operation(
    operation: FromPath[str], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Operation]:
    """How far a long work is, at which rate, and what came of it."""
    wanted = given_id(operation)
    await ledger.may_operate(request)
    found = await ledger.operating.operation(wanted)
    return preconditions.answered(request, pagination.answer(found), await ledger.log.head())
