"""A command handler that relays to the writer while it is there, and decides itself while it is not."""

from typing import Any

from commands.handling.handler import CommandHandler
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from infra.writer.client import WriterClient
from infra.writer.frames import is_relayable


class RelayingHandler(CommandHandler):
    """Two processes that decide on the same streams know each other's versions too late: most of their appends fail.

    So one decides for all, in groups as large as the machine's load. A request that it refuses is decided here again,
    where its refusal has all that an answer needs: it wrote nothing.
    """

    def __init__(self, writer: WriterClient, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._writer = writer

    async def handle(self, request: CommandRequest) -> Committed:
        """Relay, or decide and append. Raises what the base class raises."""
        if self._writer.is_up and is_relayable(request):
            committed = await self._writer.carry_out(request)
            if committed is not None:
                return committed
        return await super().handle(request)
