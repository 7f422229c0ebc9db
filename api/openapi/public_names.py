"""Public names: the schema names of the OpenAPI document, independent of the class names in the code.

Generated clients have classes of these names, so a class that is renamed keeps its public name here.
"""

from typing import Final

_BY_CLASS: Final = {
    "Acceptance": "InvitationAcceptance",
    "ActorInfo": "Actor",
    "AttachmentShown": "Attachment",
    "BoardColumn": "Column",
    "ColumnSpec": "ColumnInput",
    "FieldSpec": "CustomFieldInput",
    "ForgottenPassword": "PasswordResetRequest",
    "IndependentResult": "IndependentCommandResult",
    "IndependentResults": "IndependentBatchResult",
    "InterveningEventSchema": "InterveningEvent",
    "InvitationRecord": "Invitation",
    "Invite": "NewInvitation",
    "Invited": "Invitation",
    "IssuedToken": "IssuedPersonalToken",
    "Job": "Operation",
    "Me": "CurrentUser",
    "NewPassword": "PasswordChange",
    "NewToken": "NewPersonalToken",
    "RecurrenceSpec": "RecurrenceInput",
    "OptionSpec": "FieldOptionInput",
    "ProposalInfo": "Proposal",
    "Refresh": "TokenRefresh",
    "SavedFilterShown": "SavedFilter",
    "SessionInfo": "Session",
    "ShownColumn": "BoardColumn",
    "TokenInfo": "PersonalToken",
    "TokenList": "PersonalTokenList",
    "TokenPair": "Tokens",
    "Trashed": "TrashedItem",
    "Verification": "EmailVerification",
}
"""The public names of classes with another name in the code."""


def public_name(name: str) -> str:
    """`TaskRow` is `Task`; a class name that two modules share is prefixed with its module's."""
    module, _, plain = name.rpartition(".")
    before = module.rpartition(".")[2].title().replace("_", "")
    return before + (_BY_CLASS.get(plain) or plain.removesuffix("Row"))
