"""Vectors of texts are such as PostgreSQL itself writes, in both of its formats."""

from hypothesis import strategies as st

from projections.engine import tsvector_adapter
from projections.engine.connection import SyncConnection
from projections.search_vector import description_vector, title_vector
from projections.tsvector import MAX_POSITION, MAX_POSITIONS, PACKED_PLACES, WEIGHT_BITS, TsVector, tsvector
from tests.law import law

_WORDS = st.sampled_from(
    ["run", "Running", "it's", "C++", "--", "😀😀", "Ёлка", "v2.10", "東京都", "#", "back\\slash", "a" * 300]
)
_TEXTS = st.lists(_WORDS, max_size=30).map(" ".join) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
)
_LONG_TEXTS = st.tuples(_WORDS, st.integers(250, 300)).map(lambda case: f"{case[0]} " * case[1])


def test_postgresql_reads_and_writes_the_same_vector(database: SyncConnection) -> None:
    cursor = database.cursor(binary=True)
    tsvector_adapter.register(cursor)

    @law(_TEXTS | _LONG_TEXTS, st.booleans(), examples=200)
    def holds(text: str, is_title: bool) -> None:  # noqa: FBT001 - an example
        vector = (title_vector if is_title else description_vector)(text)
        assert cursor.execute("select %b::tsvector", (vector,)).fetchone() == (vector,)
        assert cursor.execute("select unnest(%b::tsvector[])", ([vector],)).fetchone() == (vector,)
        assert cursor.execute("select (%b::tsvector)::text", (vector,)).fetchone() == (vector.to_text(),)
        assert cursor.execute("select %b::text::tsvector", (vector.to_text(),)).fetchone() == (vector,)

    holds()


def test_a_place_of_two_weights_keeps_the_heavier_and_a_lexeme_its_first_places() -> None:
    heavy, light = PACKED_PLACES[WEIGHT_BITS["A"] + 7], PACKED_PLACES[WEIGHT_BITS["D"] + 7]
    assert tsvector({b"x": light + heavy + light}).to_text() == "'x':7A"
    many = b"".join(PACKED_PLACES[position] for position in range(300, 0, -1))
    assert tsvector({b"x": many}).to_text() == "'x':" + ",".join(map(str, range(1, MAX_POSITIONS + 1)))


def test_words_past_the_last_position_stand_at_it() -> None:
    text = "word " * (MAX_POSITION + 10) + "last"
    assert description_vector(text).to_text().startswith(f"'last':{MAX_POSITION}C 'word':2C,3C")


def test_an_empty_text_has_an_empty_vector() -> None:
    assert description_vector("") == TsVector(b"\0\0\0\0")
