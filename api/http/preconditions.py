"""Preconditions: the version that a request names with If-Match."""

import re
from typing import Any

import msgspec
from litestar import Request

from api.http import headers
from api.http.malformed_request import MalformedRequest
from commands.command import Command

ANY_VERSION = "*"
_IF_MATCH = re.compile(r'("?)([0-9]{1,15})(-[0-9a-f]+)?\1')


def with_expected_version(request: Request[Any, Any, Any], command: Command[Any]) -> Command[Any]:
    """The command with the version that If-Match names, if it names one.

    The version is what precedes the dash of an entity tag. Raises MalformedRequest if header and body differ.
    """
    tag = _if_match(request)
    if tag in {None, ANY_VERSION}:
        return command
    match = _IF_MATCH.fullmatch(tag or "")
    if match is None:
        raise MalformedRequest("invalid_if_match", 'If-Match takes one version, as in If-Match: "3", or an asterisk.')
    version = int(match[2])
    if command.expected_version not in {None, version}:
        raise MalformedRequest("versions_differ", "If-Match and expected_version name different versions.")
    return msgspec.structs.replace(command, expected_version=version)


def allows_any_version(request: Request[Any, Any, Any]) -> bool:
    """Whether If-Match says that any version will do, as long as there is one (RFC 9110, section 13.1.1)."""
    return _if_match(request) == ANY_VERSION


def names_version(request: Request[Any, Any, Any]) -> bool:
    """Whether If-Match names a version, so that a conflict is one with the header."""
    return _if_match(request) not in {None, ANY_VERSION}


def named_version(request: Request[Any, Any, Any]) -> str:
    """The version that If-Match names, in one spelling; empty without one."""
    tag = _if_match(request) or ""
    match = _IF_MATCH.fullmatch(tag)
    return str(int(match[2])) if match else tag


def has_if_match(request: Request[Any, Any, Any]) -> bool:
    """Whether the request has an If-Match header."""
    return bool(headers.lines(request, b"if-match"))


def _if_match(request: Request[Any, Any, Any]) -> str | None:
    lines = headers.lines(request, b"if-match")
    return ", ".join(lines).strip() if lines else None
