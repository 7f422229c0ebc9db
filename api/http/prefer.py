"""The Prefer header: how long a read may wait for the position that it needs."""

import re
from typing import Any

from litestar import Request

from api.http import headers

DEFAULT_WAIT_S, MAX_WAIT_S = 2.0, 10.0
_PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,6})(?:$|[,;\s])")


def preferred_wait_s(request: Request[Any, Any, Any]) -> float:
    """How many seconds to wait for a position: `Prefer: wait=<s>` (RFC 7240), at most 10."""
    match = _PREFER_WAIT.search(headers.first(request, b"prefer"))
    return min(float(match[1]), MAX_WAIT_S) if match else DEFAULT_WAIT_S
