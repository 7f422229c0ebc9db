"""Preconditions: the version that a request names with If-Match."""

import re
from typing import Any

import msgspec
from litestar import Request

from api.http import headers
from api.http.problems import MalformedRequest
from commands.command import Command

_IF_MATCH = re.compile(r'("?)([0-9]{1,15})(-[0-9a-f]+)?\1')


def with_expected_version(request: Request[Any, Any, Any], command: Command[Any]) -> Command[Any]:
    """The command with the version that If-Match names, if there is one.

    The version is what precedes the dash of an entity tag. Raises MalformedRequest if header and body differ.
    """
    lines = headers.lines(request, b"if-match")
    if not lines:
        return command
    match = _IF_MATCH.fullmatch(", ".join(lines).strip())
    if match is None:
        raise MalformedRequest("invalid_if_match", 'If-Match takes one version, as in If-Match: "3".')
    version = int(match[2])
    if command.expected_version not in {None, version}:
        raise MalformedRequest("versions_differ", "If-Match and expected_version name different versions.")
    return msgspec.structs.replace(command, expected_version=version)


def has_if_match(request: Request[Any, Any, Any]) -> bool:
    """Whether the request has an If-Match header."""
    return bool(headers.lines(request, b"if-match"))
