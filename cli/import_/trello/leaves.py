"""Every value of an export: carried over, noise, or neither, which the report counts by field."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from cli.import_.trello import cards, checklists, columns

CARRIED_ACTIONS: Final = frozenset(
    {
        *cards.CREATES,
        cards.DELETES,
        cards.LEAVES,
        cards.ADDS_MEMBER,
        cards.REMOVES_MEMBER,
        *checklists.ADDS,
        checklists.TICKS,
        *columns.CREATES,
        "commentCard",
        "createBoard",
        "updateBoard",
        "updateCard",
        "updateList",
    }
)
"""The types of actions that become commands; all others are counted as they are."""
_CARD_FIELDS: Final = ("name", "desc", "due", "start", "pos", "closed", "dueComplete", "idList")
MAPPED: Final = frozenset(
    {
        "id",
        "name",
        *(f"cards[].{name}" for name in (*_CARD_FIELDS, "id", "idMembers[]", "labels[].name", "idLabels[]")),
        *(f"lists[].{name}" for name in ("id", "name", "pos")),
        *(f"members[].{name}" for name in ("id", "fullName", "username", "email")),
        *(f"checklists[].{name}" for name in ("id", "idCard", "pos")),
        *(f"checklists[].checkItems[].{name}" for name in ("id", "name", "state", "pos")),
        *(f"actions[].{name}" for name in ("id", "type", "date", "idMemberCreator")),
        *(f"actions[].memberCreator.{name}" for name in ("id", "fullName", "username", "email")),
        *(f"actions[].member.{name}" for name in ("id", "fullName", "username", "email")),
        *(f"actions[].data.{part}.{name}" for part in ("card", "old") for name in _CARD_FIELDS),
        *(
            f"actions[].data.{part}.id"
            for part in ("card", "list", "listBefore", "listAfter", "checkItem", "checklist")
        ),
        *(f"actions[].data.list.{name}" for name in ("name", "pos")),
        *("actions[].data.checkItem.state", "actions[].data.text", "actions[].data.idMember"),
        "actions[].data.board.name",
    }
)
"""The fields that become values of our own, their times, or their people."""
NOISE: Final = frozenset(
    {
        # what else the members of an object say of it, or of its neighbours
        *(f"cards[].{name}" for name in ("badges", "dateLastActivity", "idBoard", "idChecklists", "checkItemStates")),
        *("cards[].descData", "cards[].labels[].id", "cards[].labels[].idBoard", "cards[].labels[].uses"),
        *("cards[].labels[].color", "labels[].id", "labels[].idBoard", "labels[].uses"),
        *("lists[].idBoard", "checklists[].idBoard", "checklists[].checkItems[].idChecklist"),
        *("checklists[].checkItems[].nameData", "checklists[].checkItems[].idShort", "dateLastActivity", "descData"),
        *("actions[].data.board", "actions[].data.card", "actions[].data.checkItem", "actions[].data.checklist.name"),
        *("actions[].data.listBefore", "actions[].data.listAfter", "actions[].data.member", "actions[].data.textData"),
        *("actions[].data.deactivated", "actions[].memberCreator", "actions[].member", "actions[].data.boardSource"),
        *("actions[].display", "actions[].appCreator", "actions[].data.list.name"),
        # addresses in Trello, and what one who exports sees
        *(f"cards[].{name}" for name in ("email", "shortLink", "shortUrl", "url", "subscribed", "nodeId", "pinned")),
        *("shortLink", "shortUrl", "url", "subscribed", "starred", "pinned", "invited", "dateLastView", "nodeId"),
        *("lists[].subscribed", "lists[].nodeId", "labels[].nodeId", "ixUpdate", "idOrganization", "idEnterprise"),
        *("idMemberCreator", "enterpriseOwned", "creationMethod", "idBoardSource", "lists[].creationMethod"),
        # limits and settings of Trello
        *("limits", "cards[].limits", "lists[].limits", "checklists[].limits", "actions[].limits", "labelNames"),
        *("prefs", "premiumFeatures", "cards[].manualCoverAttachment", "cards[].isTemplate", "cards[].creationMethod"),
        *("lists[].softLimit", "labels[].limits", "powerUps", "invitations"),
        # of members, what is theirs in Trello
        *(f"members[].{name}" for name in ("activityBlocked", "avatarHash", "avatarUrl", "bioData", "confirmed")),
        *(f"members[].{name}" for name in ("initials", "memberType", "nonPublic", "nonPublicAvailable", "products")),
        *("members[].status", "members[].url", "members[].idEnterprise", "members[].idEnterprisesDeactivated"),
        *("members[].idMemberReferrer", "members[].idPremOrgsAdmin", "memberships[].id", "memberships[].idMember"),
        *("memberships[].unconfirmed", "memberships[].deactivated"),
    }
)
"""Fields, and all that is in them, which say nothing of the board that is not carried over from another field."""


def count_not_carried(value: dict[str, Any]) -> Counter[str]:
    """The values that are neither carried over nor noise, by field; of an action of another type, the action."""
    found: Counter[str] = Counter()
    used = {label for card in value["cards"] for label in card.get("idLabels", ())}
    unused = [label for label in value.get("labels", ()) if label.get("id") not in used]
    for name, inner in {**value, "labels": unused}.items():
        if name != "actions":
            found.update(path for path in _leaves(inner, name) if not _is_known(path))
    for action in value["actions"]:
        if action.get("type") not in CARRIED_ACTIONS:
            found[f"actions[] of type {action.get('type')}"] += 1
        else:
            found.update(path for path in _leaves(action, "actions[]") if not _is_known(path))
    return found


def _leaves(value: object, path: str) -> Iterator[str]:
    """The path of each value that says something: an empty one and `false` do not."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{path}[]")
    elif value not in {None, "", False}:
        yield path


def _is_known(path: str) -> bool:
    if path in MAPPED:
        return True
    parts = path.split(".")
    return any(
        prefix in NOISE or prefix.removesuffix("[]") in NOISE
        for prefix in (".".join(parts[: length + 1]) for length in range(len(parts)))
    )
