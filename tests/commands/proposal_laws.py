"""The laws of proposals: each is a check that fails if its law does not hold."""

import asyncio
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from commands.command import Command, all_commands
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.permissions import REQUIRED_PERMISSIONS
from commands.proposal import AcceptProposal, MakeProposal, digest_of, is_proposable
from domain import codec
from domain.errors import Refusal
from domain.event import Actor
from domain.planned_event import PlannedEvent
from domain.proposal import ProposalMade, ProposedCommand
from domain.task import Task
from tests.commands.decision_laws import at_current_version, edits, initial_history
from tests.examples import ADA, AGENT, CAT, COMMAND_ID, TASK, Fact, fixed_uuid7
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law
from tests.strategies import command_sequences

_OF_CAT = Actor(AGENT.id, "agent", on_behalf_of=CAT.id)


@law(command_sequences, examples=60)
def what_is_proposed_is_what_is_written(walk: list[CommandOn]) -> None:
    """Nothing but the proposal is written before it is accepted, then what its command would have written at once."""
    asyncio.run(_propose_and_accept(walk))


@law(edits, edits, examples=150)
def what_changed_since_is_not_overwritten(theirs: list[Command[Task]], mine: list[Command[Task]]) -> None:
    """Edits of a task are accepted if nothing was written since; if it was to the task, they are refused."""
    asyncio.run(_propose_and_interfere(theirs, mine))


async def _propose_and_accept(walk: list[CommandOn]) -> None:
    log = InMemoryEventLog(initial_history().facts)
    handler = CommandHandler(log)
    for number, drawn in enumerate(walk):
        one = at_current_version(drawn, log.history)
        needs = REQUIRED_PERMISSIONS[type(one.command).__name__]
        if not one.command.is_batchable or needs.role is None or needs.scope != "write":
            continue
        before, wanted = len(log.history.facts), CommandRequest([one], AGENT, fixed_uuid7(1_000 + number))
        try:
            tried = await handler.dry_run(wanted)
            made = await _propose(handler, log, wanted)
        except Refusal:
            assert len(log.history.facts) == before
            continue
        written = [event for _, event in log.history.facts[before:] if is_proposable(event)]
        assert written == [made]
        after = len(log.history.facts)
        try:
            await handler.handle(_acceptance(made, wanted, AGENT))
        except Refusal as refusal:
            raise AssertionError(f"{refusal.code()} though nothing has changed") from refusal
        accepted = [fact for fact in log.history.facts[after:] if is_proposable(fact[1])]
        assert digest_of(_planned(accepted[:-1])) == digest_of(filter(_is_proposable, tried.planned_events))


async def _propose_and_interfere(theirs: list[Command[Task]], mine: list[Command[Task]]) -> None:
    log = InMemoryEventLog(initial_history().facts)
    handler = CommandHandler(log)
    wanted = CommandRequest([CommandOn(TASK, one) for one in mine], AGENT, fixed_uuid7(1_000))
    try:
        made = await _propose(handler, log, wanted)
    except Refusal:
        return
    seen = len(log.history.facts)
    for one in theirs:
        command_on = at_current_version(CommandOn(TASK, one), log.history)
        try:
            await handler.handle(CommandRequest([command_on], ADA, COMMAND_ID))
        except Refusal:
            continue
    before = list(log.history.facts)
    try:
        await handler.handle(_acceptance(made, wanted, _OF_CAT))
    except Refusal:
        assert log.history.facts == before != before[:seen]
    else:
        assert all(stream != TASK for stream, _ in before[seen:])


async def _propose(handler: CommandHandler, log: InMemoryEventLog, wanted: CommandRequest) -> ProposalMade:
    proposed = tuple(
        ProposedCommand(type(one.command).__name__, one.target, msgspec.to_builtins(one.command))
        for one in wanted.commands
    )
    making, own_id = CommandOn(wanted.command_id, MakeProposal(commands=proposed)), fixed_uuid7(999)
    await handler.handle(replace(wanted, command_id=own_id, proposal=making, decided_as=wanted.command_id))
    made = log.history.events(wanted.command_id)[0]
    assert isinstance(made, ProposalMade)
    return made


def _acceptance(made: ProposalMade, wanted: CommandRequest, actor: Actor) -> CommandRequest:
    commands = [CommandOn(one.target, msgspec.convert(one.data, all_commands()[one.type])) for one in made.commands]
    accepting = CommandOn(wanted.command_id, AcceptProposal())
    return CommandRequest([*commands, accepting], actor, fixed_uuid7(998), decided_as=wanted.command_id)


def _planned(facts: Iterable[Fact]) -> list[PlannedEvent]:
    return [PlannedEvent.of(stream, event, 0) for stream, event in facts if is_proposable(event)]


def _is_proposable(planned: PlannedEvent) -> bool:
    return is_proposable(codec.decode(planned.type, msgspec.json.encode({"type": planned.type, **planned.data})))
