"""Commands over HTTP in batches: all or none, or each for itself."""

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from api.endpoints import batch_items
from api.endpoints.batch_items import Batch, BatchItem
from api.http import preconditions, problems
from api.http.command_mode import Tried, manner
from api.http.outcomes import Carried, Each, Several
from api.http.problems import Malformed, Placed
from api.http.response import Response
from api.ledger import Asked, Ledger, order
from commands.handling.append import Key
from commands.handling.decision import Wish
from commands.handling.handler import Done
from domain.errors import KeyReused, Refusal, TooBusy, TwinInFlight, VersionConflict

MOST_AT_ONCE = 10
"""Commands of one independent batch that are carried out side by side: others want their turn too."""


@post(
    "/commands",
    status_code=200,
    responses={207: ResponseSpec(Several, description="Each for itself", generate_examples=False)},
)
async def carry_out(data: JSONBody[Batch], request: Asked, ledger: NamedDependency[Ledger]) -> Response[Carried]:
    """Carry out up to a hundred commands, `atomic` (one answer for all) or `independent` (one for each, 207).

    Independent commands run side by side, but one that names what an earlier one is about waits for that. In a
    dry run nothing happens that it could wait for: each is answered on what stands there now.
    """
    if preconditions.has_version(request):
        raise Malformed("invalid_if_match", "In a batch each command names its own expected_version.")
    key = await preconditions.idempotency(request)
    batch_items.check_keys(data.commands, key)
    if data.mode == "atomic":
        batch_items.check_all_or_none(data.commands, key)
        return await _together(ledger, request, data.commands, key)
    if manner(request).dry:
        return await _each(ledger, request, data.commands, None)
    with ledger.handling.alone(request.user, [key.text + preconditions.WHOLE] if key else []):
        return await _each(ledger, request, data.commands, key)


async def _together(ledger: Ledger, asked: Asked, items: list[BatchItem], key: Key | None) -> Response[Any]:
    wishes = [await _wish(ledger, asked, item, place) for place, item in enumerate(items)]
    keys = [own for place, item in enumerate(items) if (own := item.key(place))]
    try:
        done = await ledger.handle(order(asked, wishes, [key, *keys] if key else keys))
    except (KeyReused, TwinInFlight, TooBusy):
        raise
    except Refusal as no:
        raise Placed(f"#/commands/{no.place}", await _told(ledger, asked, wishes[no.place], no)) from no
    return _answered(Carried(done.results, done.position), 200, replayed=done.replayed)


async def _wish(ledger: Ledger, asked: Asked, item: BatchItem, place: int) -> Wish:
    try:
        return await batch_items.wish(ledger, asked, item, place)
    except Refusal as no:
        raise Placed(f"#/commands/{place}/id", no) from no


async def _each(ledger: Ledger, asked: Asked, items: list[BatchItem], key: Key | None) -> Response[Any]:
    """Side by side, except that a command waits for those before it which are about something that it names."""
    if key:
        await ledger.handle(order(asked, [], [key]))  # first: it stands for these commands and no others
    keys = [item.key(0) for item in items]  # of what was sent, whatever it is found to mean
    items = await batch_items.named(ledger, asked, items)
    turns = asyncio.Semaphore(MOST_AT_ONCE)
    before: dict[str, asyncio.Task[Each]] = {}
    running = []
    for place, item in enumerate(items):
        after = [] if manner(asked).dry else [before[name] for name in item.names() if name and name in before]
        own = keys[place] or (preconditions.part_of(key, place) if key else None)
        task = asyncio.create_task(_one(ledger, asked, item, place, own, after, turns))
        running.append(task)
        if item.about():
            before[item.about()] = task
    results = list(await asyncio.gather(*running))
    position = max((one.position or 0 for one in results), default=0) or await ledger.log.head()
    return _answered(Several(results, position), 207, replayed=all(one.replayed for one in results))


async def _one(
    ledger: Ledger,
    asked: Asked,
    item: BatchItem,
    place: int,
    key: Key | None,
    after: list[asyncio.Task[Each]],
    turns: asyncio.Semaphore,
) -> Each:
    if after:
        await asyncio.wait(after)
    async with turns:
        try:
            wish = await batch_items.wish(ledger, asked, item, place)
            try:
                return _result(wish, await ledger.handle(order(asked, [wish], [key] if key else [])))
            except Tried as tried:
                return _planned(tried.done)
            except Refusal as no:
                raise await _told(ledger, asked, wish, no) from no
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this one's answer and nobody else's
            answer = problems.answer(asked, error)
            return Each(answer.status_code or 500, problem=msgspec.Raw(answer.content))


async def _told(ledger: Ledger, asked: Asked, wish: Wish, no: Refusal) -> Exception:
    return await ledger.lost(asked, wish.target, no) if isinstance(no, VersionConflict) else no


def _planned(done: Done) -> Each:
    warnings = done.results[0].warnings
    return Each(HTTPStatus.OK, position=done.position, events=done.events, warnings=warnings)


def _result(wish: Wish, done: Done) -> Each:
    one = done.results[0]
    status = 201 if wish.command.creates else 200
    return Each(status, one.id, one.version, one.key, done.position, done.replayed, warnings=one.warnings)


def _answered(content: Carried | Several, status: int, *, replayed: bool) -> Response[Any]:
    headers = preconditions.carried(content.position, replayed=replayed)
    return Response(content, status_code=status, headers=headers)
