"""Public names: what schemas are called in the HTTP description, whatever the classes are called in the code.

Clients generated from the description have classes of these names, so a class that is renamed keeps its name here.
"""

from typing import Final

_BY_CLASS: Final = {
    "ActorInfo": "Actor",
    "ColumnSpec": "ColumnWish",
    "CommandResult": "Result",
    "DryRun": "Planned",
    "InterveningEventSchema": "Since",
    "InvitationRecord": "Invitation",
    "Invited": "Invitation",
    "IssuedToken": "Issued",
    "Job": "Operation",
    "PlannedEvent": "Foreseen",
    "ProblemType": "Meaning",
    "RebuildRequest": "Rebuild",
    "SessionInfo": "LoggedIn",
    "SessionList": "LoggedInList",
    "TokenInfo": "Shown",
    "TokenList": "ShownList",
    "TokenPair": "Keys",
    "WipLimitWarning": "Warned",
    "WriteResult": "Written",
}
"""The classes that have another name in the code."""


def public_name(name: str) -> str:
    """`TaskRow` is `Task`; a class name that two modules share is preceded by its module's."""
    module, _, plain = name.rpartition(".")
    before = module.rpartition(".")[2].title().replace("_", "")
    return before + (_BY_CLASS.get(plain) or plain.removesuffix("Row"))
