"""A resource: the endpoints of one path, by method, as a route of the framework. Every request is answered here."""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

from litestar import Litestar
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Send
from litestar.types.internal_types import PathParameterDefinition

from api.http.authentication import Authentication
from api.http.body import JSONRequest
from api.http.command_mode import QUERY_KEY
from api.http.endpoint import ENDPOINT_KEY, Endpoint
from api.http.problems import error_response
from api.http.response import Response

_OPTIONS: Final = "OPTIONS"
_UNTYPED_NAME: Final = re.compile(r"{(\w+)}")
_NO_BODY: Final[Response[None]] = Response(None)


class Resource:
    """Its endpoints answer their methods, and it says to OPTIONS which these are."""

    def __init__(self, endpoints: Iterable[Endpoint], authentication: Authentication, ledger: Any) -> None:
        self._by_method = {endpoint.method: endpoint for endpoint in endpoints}
        self._is_limited = any(endpoint.is_limited for endpoint in self._by_method.values())
        methods = [*sorted([*self._by_method, _OPTIONS]), *(["HEAD"] if "GET" in self._by_method else [])]
        self._allow = {"Allow": ", ".join(methods)}
        self._authentication, self._ledger = authentication, ledger

    async def serve(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer a request: admit its caller, then the endpoint answers, or its error does."""
        request, endpoint, status = JSONRequest(scope, receive, send), self._by_method.get(scope["method"]), 204
        try:
            if endpoint is None:
                response: Response[Any] = self._tell_methods(request)
            else:
                scope[ENDPOINT_KEY], status = endpoint, endpoint.status_code
                request.max_body_bytes = endpoint.max_body_bytes
                await self._authentication.admit(request, endpoint)
                query = scope[QUERY_KEY] = endpoint.query.parse(request)
                response = await endpoint.answer(request, self._ledger, query) or _NO_BODY
        except Exception as error:  # noqa: BLE001 - each has its answer
            response = error_response(request, error)
        await response.send(scope, send, status)

    def _tell_methods(self, request: JSONRequest) -> Response[None]:
        """The answer to OPTIONS; raises MethodNotAllowedException for a method that no endpoint has."""
        if self._is_limited:
            self._authentication.count_unrouted(request)
        if request.method != _OPTIONS:
            raise MethodNotAllowedException(headers=self._allow)
        return Response(None, headers=self._allow)


class ResourceRoute(ASGIRouteHandler):
    """A route of the framework to a resource; its exception handlers never change, so they are resolved once."""

    def __init__(self, path: str, resource: Resource) -> None:
        super().__init__(_UNTYPED_NAME.sub(r"{\1:str}", path), copy_scope=False)
        self._exception_handlers: Any = None
        self(resource.serve)

    def resolve_exception_handlers(self) -> Any:
        """Those of all layers; the framework would merge them for each request."""
        if self._exception_handlers is None:
            self._exception_handlers = super().resolve_exception_handlers()
        return self._exception_handlers


def create_application(
    endpoints: Iterable[Endpoint], authentication: Authentication, ledger: Any, **options: Any
) -> Litestar:
    """An application of the framework with a route for each path; `options` are its own."""
    by_path = groupby(sorted(endpoints, key=lambda one: one.path), key=lambda one: one.path)
    routes = [ResourceRoute(path, Resource(of_path, authentication, ledger)) for path, of_path in by_path]
    application = Litestar(routes, openapi_config=None, logging_config=None, **options)
    _let_resources_have_parameters(application)
    return application


def _let_resources_have_parameters(application: Litestar) -> None:
    """Have the framework find the path parameters of routes to resources.

    It stores those of an ASGI route as "asgi", and looks for them by the method of the request (Litestar 2.25).
    """
    nodes = [application.asgi_router.root_route_map_node]
    while nodes:
        node = nodes.pop()
        nodes += node.children.values()
        if node.is_asgi:
            node.path_parameters = _ForEveryMethod(node.path_parameters)


class _ForEveryMethod(dict[Any, tuple[PathParameterDefinition, ...]]):
    def __missing__(self, method: str) -> tuple[PathParameterDefinition, ...]:
        return self["asgi"]
