"""Fractions: texts between texts, compared by code point, so that something can be put between any two others."""

DIGITS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
BASE = len(DIGITS)


def fraction_between(low: str, high: str | None) -> str:
    """A fraction between two: '' is before all others, None after all; as short as the first digits allow.

    A fraction never ends with the digit zero, so that there is one before each.
    """
    shared = 0
    while high is not None and shared < len(high) and _digit(low, shared) == _digit(high, shared):
        shared += 1
    prefix = low[:shared].ljust(shared, DIGITS[0])
    first, last = _digit(low, shared), BASE if high is None else _digit(high, shared)
    if last - first > 1:
        return prefix + DIGITS[first + 1 if low and high is None else (first + last) // 2]
    return prefix + DIGITS[first] + fraction_between(low[shared + 1 :], None)


def spread_fractions(count: int) -> list[str]:
    """So many fractions in order, about evenly spread, and as short as each other."""
    width = 1
    while BASE**width < 2 * (count + 1):
        width += 1
    step = BASE**width // (count + 1)
    return [_fraction_of(step * place, width) for place in range(1, count + 1)]


def _fraction_of(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, BASE)
        digits = DIGITS[digit] + digits
    return digits.rstrip(DIGITS[0])


def _digit(fraction: str, place: int) -> int:
    return DIGITS.index(fraction[place]) if place < len(fraction) else 0
