"""The pause before a refusal: a client that ignores Retry-After asks only once a second on each connection."""

import asyncio
import contextlib

from domain.errors import Overloaded
from infra.admission import waiting

REFUSAL_PAUSE_S = 1.0


async def pause_before_refusal() -> None:
    """Wait; a request that waits costs almost nothing, and one that is answered at once comes again at once.

    Nothing waits if too many refusals do already.
    """
    with contextlib.suppress(Overloaded), waiting("refusal"):
        await asyncio.sleep(REFUSAL_PAUSE_S)
