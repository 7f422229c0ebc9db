"""Array parameters: PostgreSQL receives every value of a column unchanged."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as some

from infra.database.connections import connect
from infra.log.arrays import BigintArray, ByteaArray, IntArray, TextArray, TypedArray, UuidArray
from infra.settings import Settings

TEXTS = some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]))
"""The texts as PostgreSQL received them."""
ARRAYS = [
    (IntArray, "integer[]", some.integers(-(2**31), 2**31 - 1)),
    (BigintArray, "bigint[]", some.none() | some.integers(-(2**63), 2**63 - 1)),
    (UuidArray, "uuid[]", some.none() | some.uuids()),
    (TextArray, "text[]", some.none() | TEXTS),
    (ByteaArray, "bytea[]", some.none() | some.binary()),
]


@pytest.mark.parametrize(("column", "name", "values"), ARRAYS)
@tuned(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.data())
def test_arrays_round_trip(
    settings: Settings, column: type[TypedArray[Any]], name: str, values: Any, data: some.DataObject
) -> None:
    sent = data.draw(some.lists(values))
    with connect(settings.database_url) as connection:
        arrived = connection.execute("select %b, pg_typeof(%b)::text", (column(sent), column(sent))).fetchone()
    assert arrived == (sent, name)
