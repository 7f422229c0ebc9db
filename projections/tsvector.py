"""A `tsvector`: the lexemes of a text with their positions, in the binary format of PostgreSQL.

The format is what `tsvectorsend` writes: the number of lexemes, then each one in the order of its bytes, ended by a
zero byte, with the number of its positions and the positions. All numbers are big-endian.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from struct import Struct, iter_unpack, pack
from typing import Final

MAX_POSITION: Final = 16_383
MAX_POSITIONS: Final = 255
"""Of one lexeme; PostgreSQL drops the others."""
WEIGHT_BITS: Final = {"A": 3 << 14, "B": 2 << 14, "C": 1 << 14, "D": 0}
"""The bits above a position, the heaviest first."""
_LETTERS: Final = {bits >> 14: letter if bits else "" for letter, bits in WEIGHT_BITS.items()}
_COUNT: Final = Struct(">I")
_NO_POSITION: Final = b"\0\0\0"


@lru_cache(maxsize=4 * (MAX_POSITION + 1))
def _one_position(place: int) -> bytes:
    return pack(">xHH", 1, place)


class TsVector(bytes):
    """The binary format of a `tsvector`; equal vectors have equal bytes."""

    __slots__ = ()

    def to_text(self) -> str:
        """The text format, as PostgreSQL writes it."""
        data, at, parts = bytes(self), _COUNT.size, list[str]()
        while at < len(data):
            end = data.index(0, at)
            number, places = data[end + 1] << 8 | data[end + 2], end + len(_NO_POSITION)
            parts.append(_quoted(data[at:end]))
            if number == 1:
                parts[-1] += f":{_place_text(data[places] << 8 | data[places + 1])}"
            elif number:
                each = iter_unpack(">H", data[places : places + 2 * number])
                parts[-1] += f":{','.join(_place_text(place) for (place,) in each)}"
            at = places + 2 * number
        return " ".join(parts)


def tsvector(places: Mapping[bytes, Sequence[int]]) -> TsVector:
    """The vector of these lexemes, in UTF-8; each place is a position from 1 plus the bits of its weight."""
    parts = [_COUNT.pack(len(places))]
    for lexeme in sorted(places):
        found = places[lexeme]
        parts.append(lexeme)
        if len(found) == 1:
            parts.append(_one_position(found[0]))
        elif found:
            kept = _heaviest_places(found)
            parts.append(pack(f">xH{len(kept)}H", len(kept), *kept))
        else:
            parts.append(_NO_POSITION)
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


def _heaviest_places(found: Sequence[int]) -> list[int]:
    """The places in order, the heaviest at each position."""
    heaviest = dict[int, int]()
    for place in found:
        position = place & MAX_POSITION
        heaviest[position] = max(place, heaviest.get(position, 0))
    return [heaviest[position] for position in sorted(heaviest)[:MAX_POSITIONS]]


@lru_cache(maxsize=100_000)
def _quoted(lexeme: bytes) -> str:
    return quote_lexeme(lexeme.decode())


@lru_cache(maxsize=4 * (MAX_POSITION + 1))
def _place_text(place: int) -> str:
    return f"{place & MAX_POSITION}{_LETTERS[place >> 14]}"
