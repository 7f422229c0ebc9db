"""Public names: the schema names of the OpenAPI document, independent of the class names in the code.

Generated clients have classes of these names, so a class that is renamed keeps its public name here.
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
"""The public names of classes with another name in the code."""


def public_name(name: str) -> str:
    """`TaskRow` is `Task`; a class name that two modules share is prefixed with its module's."""
    module, _, plain = name.rpartition(".")
    before = module.rpartition(".")[2].title().replace("_", "")
    return before + (_BY_CLASS.get(plain) or plain.removesuffix("Row"))
