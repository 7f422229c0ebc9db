"""Parked documents: those that a command names, and folding one again."""

from collections.abc import Iterable

from cli.output import print_line
from cli.projections import arguments
from infra.errors import OperatorError
from infra.rebuilding import refold
from projections.engine import builds, parked
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.engine.parked import ParkedDocument


def retry_document(connection: SyncConnection, build: Build, parked_document: ParkedDocument) -> bool:
    """Fold the document again, and print the result; returns whether it is no longer parked."""
    still_parked = refold.retry_parked(connection, build, parked_document)
    result = f"stays parked at {still_parked.position}: {still_parked.reason}" if still_parked else "is folded again"
    print_line(f"{build.projection.name} {parked_document.document} {result}.")
    return still_parked is None


def select_parked(connection: SyncConnection, name: str, document: str | None) -> list[tuple[Build, ParkedDocument]]:
    """The parked documents of a projection, or one of them."""
    arguments.require_projection(name)
    matching = [pair for pair in fetch_parked(connection, name) if document in {None, pair[1].document}]
    if document and not matching:
        raise OperatorError(f"{name} has no parked document {document}: `taskledger projections parked` shows all.")
    return matching


def fetch_parked(connection: SyncConnection, name: str | None) -> Iterable[tuple[Build, ParkedDocument]]:
    """The parked documents of one projection, or of all."""
    for build in builds.serving_builds(connection).values():
        if name in {None, build.projection.name}:
            yield from ((build, one) for one in parked.all_parked(connection, build))
