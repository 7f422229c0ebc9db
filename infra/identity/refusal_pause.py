"""The pause before a refusal: a client that ignores Retry-After asks only once a second on each connection."""

import asyncio

from infra.admission import waiting

REFUSAL_PAUSE_S = 1.0


async def pause_before_refusal() -> None:
    """Wait; a request that waits costs almost nothing, and one that is answered at once comes again at once."""
    with waiting():
        await asyncio.sleep(REFUSAL_PAUSE_S)
