"""Similar words: one slip of the pen apart, and found on request, after the others."""

from hypothesis import assume
from hypothesis import strategies as st

from domain.filter import parse
from projections.engine.connection import SyncConnection
from projections.filter_sql import compile_filter
from projections.similar_words import MIN_LETTERS, similar_words
from tests.law import law
from tests.projections.filter_table import CREATE_TABLES, compile_for_tables, insert_rows
from tests.projections.test_filter_sql import CONTEXT, task_row

_WORDS = st.text("abcdefgh", min_size=MIN_LETTERS, max_size=10)


def test_similarity_is_mutual() -> None:
    @law(_WORDS, st.data(), examples=100)
    def holds(word: str, data: st.DataObject) -> None:
        other = data.draw(st.sampled_from(sorted(similar_words(word))))
        assume(len(other) >= MIN_LETTERS)
        assert word in similar_words(other)

    holds()


def test_a_word_is_similar_with_one_slip_but_not_with_two() -> None:
    found = similar_words("kitchen")
    assert {"kitchen", "kitchn", "kittchen", "kithcen", "kutchen"} <= found
    assert not {"ktichne", "kitten", "chicken"} & found
    assert {"молако", "молко", "омлоко"} <= similar_words("молоко")
    assert similar_words("key") == {"key"}
    assert similar_words("2026") == {"2026"}
    assert similar_words("a" * 21) == {"a" * 21}


def test_the_longest_filter_has_a_query_of_bounded_size() -> None:
    for text in ("kitchen " * 100, '"' + "kitchen " * 490 + '"', "k" * 4_000, "abcdefghijklmnopqrstuvwxyzabcd " * 8):
        found = compile_filter(parse(text), CONTEXT, finds_similar=True)
        assert len(str(found.parameters["similar"])) < 1_000_000, text[:20]


def matches(database: SyncConnection, text: str) -> tuple[list[int], list[int]]:
    """The tasks that a filter finds by its words, and those that it finds by similar words, in order."""
    found = compile_for_tables(parse(text), CONTEXT, finds_similar=True)
    exact = compile_for_tables(parse(text), CONTEXT)
    sql = "select task.id from task join search using (id) where {} order by id"
    similar = f"{found.sql} and {found.is_similar_sql or 'false'}"
    rows = [
        [number for (number,) in database.execute(sql.format(condition).encode(), found.parameters)]
        for condition in (exact.sql, similar)
    ]
    assert sorted(rows[0] + rows[1]) == [
        number for (number,) in database.execute(sql.format(found.sql).encode(), found.parameters)
    ]
    return rows[0], rows[1]


def test_similar_words_are_found_beside_the_words_themselves(database: SyncConnection) -> None:
    database.execute(CREATE_TABLES)
    titles = ["Paint the kitchen", "Kitchens", "Kittens", "Купить молоко", "Milk bread", "kitchn", "Bread for kitchens"]
    insert_rows(database, [task_row(number, title=title) for number, title in enumerate(titles, 1)])
    assert matches(database, "kitchn") == ([6], [1, 2, 7])
    assert matches(database, "kithcen") == ([], [1, 2, 7])
    assert matches(database, "kichens") == ([], [1, 2, 7])
    assert matches(database, "молака") == ([], [4])
    assert matches(database, "kitchn -bread") == ([6], [1, 2])
    assert matches(database, '"bred kitchn"') == ([], [7])
    assert matches(database, "bred or kitchn") == ([6], [1, 2, 5, 7])
    assert matches(database, "mlk") == ([], [])
    assert matches(database, "-bread")[1] == []
