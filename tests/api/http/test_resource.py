"""Resources: each method of a path has its endpoint, any other is told what there is, and errors have one way out."""

import threading
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import ASGIRouteHandler

from api.function_endpoint import delete, get, post
from api.http.authentication import Authentication, TokenVerifier
from api.http.resource import create_application
from api.http.response import Response
from domain.errors import NotFound


@get("/things/{thing}", is_public=True)
async def show_thing(thing: UUID) -> Response[str]:
    return Response(str(thing))


@delete("/things/{thing}", is_public=True)
async def delete_thing(thing: UUID) -> None:
    del thing


@get("/threads/{name}", is_public=True)
def show_thread(name: str) -> Response[str]:
    return Response(f"{name} {threading.current_thread() is threading.main_thread()}")


@post("/lost", is_public=True)
async def lose() -> Response[str]:
    raise NotFound


@get("/private")
async def show_private() -> Response[str]:
    return Response("seen")


def application() -> Litestar:
    endpoints = [show_thing, delete_thing, show_thread, lose, show_private]
    return create_application(endpoints, Authentication(TokenVerifier(["k" * 32])), None)


async def request(app: Any, method: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        return await client.request(method, path)


async def test_each_method_of_a_path_has_its_endpoint() -> None:
    thing = uuid4()
    shown = await request(application(), "GET", f"/things/{thing}")
    assert (shown.status_code, shown.json()) == (200, str(thing))
    assert (await request(application(), "DELETE", f"/things/{thing}")).status_code == 204


@pytest.mark.parametrize("method", ["POST", "PATCH", "BREW"])
async def test_a_method_without_an_endpoint_is_told_what_is_allowed(method: str) -> None:
    answer = await request(application(), method, f"/things/{uuid4()}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, OPTIONS, HEAD")


async def test_options_says_what_is_allowed_without_a_token() -> None:
    answer = await request(application(), "OPTIONS", "/private")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, OPTIONS, HEAD")


async def test_a_plain_function_does_not_run_on_the_event_loop() -> None:
    assert (await request(application(), "GET", "/threads/its")).json() == "its False"


async def test_a_refusal_and_a_malformed_id_are_problems() -> None:
    lost = await request(application(), "POST", "/lost")
    assert (lost.status_code, lost.json()["code"]) == (404, "not_found")
    malformed = await request(application(), "GET", "/things/none")
    assert (malformed.status_code, malformed.json()["code"]) == (400, "invalid_id")


async def test_an_endpoint_that_is_not_public_needs_a_token() -> None:
    assert (await request(application(), "GET", "/private")).status_code == 401


async def test_exception_handlers_are_resolved_once_for_each_path(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = list[Any]()
    resolve = ASGIRouteHandler.resolve_exception_handlers

    def resolve_and_count(handler: Any) -> Any:
        resolved.append(handler)
        return resolve(handler)

    monkeypatch.setattr(ASGIRouteHandler, "resolve_exception_handlers", resolve_and_count)
    app = application()
    for _ in range(3):
        await request(app, "GET", "/threads/one")
    assert len(resolved) == 1
