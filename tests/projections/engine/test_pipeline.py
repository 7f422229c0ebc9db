"""A pipeline: statements that are sent together, in one transaction or none."""

from contextlib import suppress

import psycopg
import pytest

from projections.engine import pipeline as engine
from projections.engine.connection import SyncConnection
from projections.engine.pipeline import Pipeline, array_literal
from projections.tsvector import TsVector


@pytest.fixture
def pipeline(database: SyncConnection) -> Pipeline:
    """A pipeline with an empty table that only its session sees."""
    database.execute("create temporary table number (n int primary key)")
    return Pipeline(database)


def numbers(pipeline: Pipeline) -> list[int]:
    rows = pipeline.send(b"select n from number order by n")
    pipeline.sync()
    return [n for (n,) in rows]


def test_rows_arrive_in_the_order_of_the_statements(pipeline: Pipeline) -> None:
    sent = [pipeline.send(b"select $1::int", value) for value in range(3)]
    assert sent == [[], [], []]
    pipeline.sync()
    assert sent == [[(0,)], [(1,)], [(2,)]]


def test_values_of_each_kind_pass_both_ways(pipeline: Pipeline) -> None:
    vector = pipeline.send(b"select 'a:1'::tsvector, '[1]'::jsonb")
    pipeline.sync()
    ((words, json),) = vector
    assert isinstance(words, TsVector)
    assert bytes(json) == b"[1]"
    again = pipeline.send(b"select $1::tsvector[], $2::int[], $3::text", [words, None], array_literal([1, 2]), None)
    pipeline.sync()
    assert again == [([words, None], [1, 2], None)]


def test_the_first_error_is_raised_and_no_later_statement_runs(pipeline: Pipeline) -> None:
    pipeline.send(b"insert into number values (1)")
    pipeline.send(b"insert into number select n + 1 from number where 1 / (n - 1) = 1")
    pipeline.send(b"this is no statement")
    with pytest.raises(psycopg.errors.DivisionByZero):
        pipeline.sync()
    assert numbers(pipeline) == []


def test_a_statement_that_cannot_be_prepared_can_be_sent_again(pipeline: Pipeline) -> None:
    for _ in range(2):
        pipeline.send(b"select nothing")
        with pytest.raises(psycopg.errors.UndefinedColumn):
            pipeline.sync()


def test_a_failed_transaction_writes_nothing(pipeline: Pipeline) -> None:
    with suppress(ZeroDivisionError), pipeline.transaction():
        pipeline.send(b"insert into number values (1)")
        pipeline.sync()
        pipeline.send(b"insert into number values (2)")
        raise ZeroDivisionError
    assert numbers(pipeline) == []


def test_a_transaction_inside_another_is_rolled_back_alone(pipeline: Pipeline) -> None:
    with pipeline.connection.transaction():
        with pipeline.transaction():
            pipeline.send(b"insert into number values (1)")
        with pytest.raises(psycopg.errors.UniqueViolation), pipeline.transaction():
            pipeline.send(b"insert into number values (2), (1)")
        assert pipeline.connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    assert numbers(pipeline) == [1]


def test_prepared_statements_survive_a_rollback(pipeline: Pipeline) -> None:
    assert numbers(pipeline) == []
    for _ in range(6):  # the driver prepares what it executes often
        pipeline.connection.execute("select 1")
    with pytest.raises(ZeroDivisionError), pipeline.connection.transaction():
        raise ZeroDivisionError
    assert numbers(pipeline) == []


def test_too_many_prepared_statements_are_prepared_again(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_PREPARED_STATEMENTS", 2)
    for number in range(5):
        sent = pipeline.send(f"select {number}".encode())
        pipeline.sync()
        assert sent == [(number,)]
    ((held,),) = pipeline.connection.execute("select count(*) from pg_prepared_statements").fetchall()
    assert held <= 3
