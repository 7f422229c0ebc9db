"""A `tsvector`: the lexemes of a text with their positions, in the binary format of PostgreSQL.

The format is what `tsvectorsend` writes: the number of lexemes, then each one in the order of its bytes, ended by a
zero byte, with the number of its positions and the positions. All numbers are big-endian.
"""

from collections.abc import Mapping
from struct import iter_unpack
from typing import Final

MAX_POSITION: Final = 16_383
MAX_POSITIONS: Final = 255
"""Of one lexeme; PostgreSQL drops the others."""
WEIGHT_BITS: Final = {"A": 3 << 14, "B": 2 << 14, "C": 1 << 14, "D": 0}
"""The bits above a position, the heaviest first."""
_LETTERS: Final = {bits >> 14: letter if bits else "" for letter, bits in WEIGHT_BITS.items()}
PACKED_PLACES: Final = [place.to_bytes(2, "big") for place in range(1 << 16)]
"""Each place as two bytes: a position plus the bits of its weight."""
_PACKED_COUNTS: Final = [b"\0" + count.to_bytes(2, "big") for count in range(MAX_POSITIONS + 1)]
"""The end of a lexeme, and the number of its places."""


class TsVector(bytes):
    """The binary format of a `tsvector`; equal vectors have equal bytes."""

    __slots__ = ()

    def to_text(self) -> str:
        """The text format, as PostgreSQL writes it."""
        data, at, parts = bytes(self), 4, list[str]()
        while at < len(data):
            end = data.index(0, at)
            places = end + 3
            following = places + 2 * int.from_bytes(data[end + 1 : places], "big")
            positions = ",".join(_place_text(place) for (place,) in iter_unpack(">H", data[places:following]))
            parts.append(quote_lexeme(data[at:end].decode()) + (positions and f":{positions}"))
            at = following
        return " ".join(parts)


def tsvector(places: Mapping[bytes, bytes], *, is_ordered: bool = False) -> TsVector:
    """The vector of these lexemes, in UTF-8, each with its packed places, of positions from 1.

    If it `is_ordered`, the positions of each lexeme are known to ascend.
    """
    parts = [len(places).to_bytes(4, "big")]
    for lexeme in sorted(places):
        packed = places[lexeme]
        if len(packed) > len(PACKED_PLACES[0]):
            packed = packed[: 2 * MAX_POSITIONS] if is_ordered else _heaviest_places(packed)
        parts += (lexeme, _PACKED_COUNTS[len(packed) >> 1], packed)
    return TsVector(b"".join(parts))


def vector_to_text(value: object) -> str:
    """A vector in the JSON of a row; raises NotImplementedError for anything else."""
    if isinstance(value, TsVector):
        return value.to_text()
    raise NotImplementedError


def quote_lexeme(lexeme: str) -> str:
    """A lexeme in quotes, for a `tsvector` or a `tsquery` in text format."""
    if lexeme.isalnum():
        return f"'{lexeme}'"
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _heaviest_places(packed: bytes) -> bytes:
    """The places in order, the heaviest at each position."""
    heaviest = dict[int, int]()
    for (place,) in iter_unpack(">H", packed):
        position = place & MAX_POSITION
        heaviest[position] = max(place, heaviest.get(position, 0))
    return b"".join(PACKED_PLACES[heaviest[position]] for position in sorted(heaviest)[:MAX_POSITIONS])


def _place_text(place: int) -> str:
    return f"{place & MAX_POSITION}{_LETTERS[place >> 14]}"
