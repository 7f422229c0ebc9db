"""A projection that lists its event types lists all that change anything: batches and rebuilds skip the others."""

from typing import Any

import pytest

from domain.event import Event, OpaqueEvent
from projections.fingerprint import golden_history
from projections.projection import DocumentKey, Projection, all_projections

SELECTIVE = [name for name, projection in all_projections().items() if projection.event_types]


def effective_types(projection: Projection[Any]) -> set[type[Event]]:
    """The types of the golden events that change a document."""
    documents, found = dict[DocumentKey, Any](), set[type[Event]]()
    for recorded in golden_history():
        for key in projection.keys(recorded):
            before, documents[key] = documents.get(key), projection.fold(key, documents.get(key), recorded)
            found |= {type(recorded.event)} if documents[key] != before else set()
    return found


@pytest.mark.parametrize("name", SELECTIVE)
def test_a_selective_projection_lists_the_types_that_change_its_documents(name: str) -> None:
    projection = all_projections()[name]
    assert {*effective_types(projection), OpaqueEvent} == set(projection.event_types)
