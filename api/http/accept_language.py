"""The language of a response: of those that there are, the one that the request likes best (RFC 9110, 12.5.4)."""

import re
from typing import Any, Final, get_args

from litestar import Request

from api.http import headers
from domain.sentences.wording import Language

_LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
_RANGE: Final = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?")


def preferred_language(request: Request[Any, Any, Any]) -> Language:
    """The language that `Accept-Language` asks for, English by default; what is no language range is ignored."""
    weights = dict[str, float]()
    for text in ",".join(headers.lines(request, b"accept-language")).split(","):
        if found := _RANGE.fullmatch(text):
            name, weight = found[1].lower(), float(found[2] or 1)
            weights[name] = max(weight, weights.get(name, 0.0))
    return max(_LANGUAGES, key=lambda name: weights.get(name, weights.get("*", 0.0)))
