"""The errors that an operation can answer with, by status."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import psycopg

from api.connections.connection import ALWAYS_ADMITTED
from api.http import idempotency, preconditions
from api.http.deadline import DeadlineExceeded
from api.openapi import error_cases, handler_commands
from api.openapi.error_cases import ErrorCase
from api.openapi.operation import Operation
from commands import permissions
from commands.handling.append import OutcomeUnknown
from domain import errors
from infra.bulk.bulk_runner import BulkRunner
from infra.reading.progress import ProjectionBehind

INTERNAL_ERROR_STATUS: Final = 500


def error_cases_of(operation: Operation) -> dict[str, list[ErrorCase]]:
    """The problems that an operation can answer with, by status."""
    cases = {
        *error_cases.raised_in(operation.reachable),
        *_refusal_cases(operation),
        *_framework_cases(operation),
    } - _impossible_cases(operation)
    cases |= _connection_cases(operation)
    unique_cases = {(each.status, each.code): each for each in sorted(cases)}
    return {str(status): list(each) for status, each in groupby(unique_cases.values(), key=lambda each: each.status)}


def _impossible_cases(operation: Operation) -> set[ErrorCase]:
    """Internal errors, Forbidden where the lowest role is enough, and query errors where there is no query."""
    is_for_all = (
        not operation.command_types
        and operation.required_permissions
        and {needs.role for needs in operation.required_permissions} == {permissions.ROLES[0]}
    )
    internal_errors = {each for each in error_cases.all_error_cases() if each.status == INTERNAL_ERROR_STATUS}
    has_query = operation.endpoint.query_type.__struct_fields__ or operation.endpoint.takes_commands
    no_query = {each for each in error_cases.all_error_cases() if each.code == "invalid_parameter" and not has_query}
    return internal_errors | no_query | ({error_cases.from_refusal(errors.Forbidden)} if is_for_all else set())


def _connection_cases(operation: Operation) -> set[ErrorCase]:
    """What the connection refuses before the operation is known, or when there is no place for it."""
    is_always_admitted = operation.path.encode() in ALWAYS_ADMITTED
    overloaded = error_cases.from_refusal(errors.Overloaded)
    return {*error_cases.connection_cases()} - ({overloaded} if is_always_admitted else set())


def _framework_cases(operation: Operation) -> Iterator[ErrorCase]:
    """Errors that occur before the handler is called, and an unavailable database."""
    if not operation.endpoint.is_public:
        yield error_cases.from_status(401)
    if operation.has_body:
        yield error_cases.from_status(400)  # a Content-Length that is not a number
    if operation.endpoint.body_type is not None:
        yield error_cases.from_status(413)
    if operation.endpoint.uses_ledger:
        yield from error_cases.from_error(psycopg.OperationalError)
        yield from error_cases.from_error(DeadlineExceeded)
    if operation.command_types or BulkRunner.carry_out in operation.reachable_functions:
        yield from error_cases.from_error(OutcomeUnknown)
    if idempotency.idempotency_key in operation.reachable_functions:
        yield from map(error_cases.from_refusal, (errors.KeyReused, errors.TwinInFlight))


def _refusal_cases(operation: Operation) -> Iterator[ErrorCase]:
    refusals = {
        refusal
        for kind in operation.command_types
        for refusal in handler_commands.refusals_of(kind, operation.endpoint, operation.reachable)
    }
    if errors.ColumnNotCounted in refusals:
        yield from error_cases.from_error(ProjectionBehind)  # counting waits for a read table
    for refusal in refusals:
        yield error_cases.from_refusal(refusal)
        if refusal is errors.VersionConflict and preconditions.with_expected_version in operation.reachable_functions:
            yield ErrorCase(412, refusal.code(), refusal.title())
