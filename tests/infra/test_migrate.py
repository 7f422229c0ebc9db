"""Migrations: missing ones are applied once, and a database says what it lacks."""

from infra.migrate import FILES, migrate, pending
from infra.postgres import connect
from projections.projection import every
from tests.servers import Servers


def test_an_empty_database_is_brought_up_to_date_once(servers: Servers) -> None:
    url = servers.new_database()
    names = sorted(file.stem for file in FILES.glob("*.sql"))
    assert pending(url) == names
    assert migrate(url) == names
    assert (pending(url), migrate(url)) == ([], [])


def test_every_projection_has_its_table_and_checkpoint(servers: Servers) -> None:
    url = servers.new_database()
    migrate(url)
    with connect(url) as connection:
        rows = connection.execute("select projection from read.checkpoints order by projection").fetchall()
        assert [name for (name,) in rows] == sorted(every())
        for name, projection in every().items():
            cursor = connection.execute(f"select * from read.{name}")  # noqa: S608 - our own name
            columns = {column.name for column in cursor.description or ()}
            assert columns == set(projection.row.__struct_fields__)
