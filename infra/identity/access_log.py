"""The access log: records sign-ins and -outs, refusals, exports and rebuilds as events that only the audit lists."""

from commands.access import AccessCommand
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from domain.event import Actor
from domain.instance import INSTANCE_STREAM_ID
from infra.ids import new_id
from infra.messaging.hints import HintSender


class AccessLog:
    """Appends to the event log: what is recorded has happened, or is about to."""

    def __init__(self, command_handler: CommandHandler, hints: HintSender) -> None:
        self._command_handler = command_handler
        self._hints = hints

    async def record(self, actor: Actor, command: AccessCommand) -> None:
        """Append; raises TooBusy, OutcomeUnknown, or what psycopg raises."""
        request = CommandRequest([CommandOn(INSTANCE_STREAM_ID, command)], actor, new_id())
        committed = await self._command_handler.handle(request)
        self._hints.hint(committed.position)
