"""The oracle of boards: the snapshot of an export, and what it was earlier, by taking its actions back from the end.

It knows nothing of the importer, which goes forward. A task is a tuple of what a person sees of it.
"""

from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

Export = dict[str, Any]
Task = tuple[Any, ...]
_FIELDS = ("name", "desc", "due", "closed", "dueComplete", "idList")
CREATES = ("createCard", "copyCard", "convertToCardFromCheckItem", "emailCard", "moveCardToBoard")


def board_at(export: Export, at: datetime | None = None) -> Counter[Task]:
    """The cards that the board had after all that had happened up to a time; as the snapshot has them without one."""
    cards = {card["id"]: deepcopy(card) for card in export["cards"]}
    comments: dict[str, list[str]] = {card: [] for card in cards}
    for action in newest_first(export):
        card = cards.get(action["data"].get("card", {}).get("id"))
        if card is None:
            continue
        if at is None or time_of(action) <= at:
            if action["type"] == "commentCard":
                comments[card["id"]].insert(0, action["data"]["text"])
        else:
            take_back(cards, card, action)
    columns, people = names_of_lists(export, at), names_of_people(export)
    return Counter(
        (
            " ".join(card["name"].split()),
            card["desc"],
            instant(card["due"]),
            columns[card["idList"]],
            card["closed"],
            card["dueComplete"],
            tuple(sorted(people[member] for member in card["idMembers"])),
            tuple(comments[card["id"]]),
        )
        for card in cards.values()
    )


def take_back(cards: dict[str, Any], card: dict[str, Any], action: dict[str, Any]) -> None:
    """The card as it was before an action."""
    data = action["data"]
    if action["type"] in CREATES:
        del cards[card["id"]]
    elif action["type"] == "updateCard":
        card.update({name: data["old"][name] for name in _FIELDS if name in data.get("old", {})})
    elif action["type"] == "addMemberToCard":
        card["idMembers"] = [each for each in card["idMembers"] if each != data["idMember"]]
    elif action["type"] == "removeMemberFromCard":
        card["idMembers"] = [*card["idMembers"], data["idMember"]]


def names_of_lists(export: Export, at: datetime | None) -> dict[str, str]:
    """The names of the lists, of which none has the name of another one."""
    names = {one["id"]: one["name"] for one in export["lists"]}
    for action in newest_first(export):
        if at and time_of(action) > at and action["type"] == "updateList" and "name" in action["data"]["old"]:
            names[action["data"]["list"]["id"]] = action["data"]["old"]["name"]
    return names


def names_of_people(export: Export) -> dict[str, str]:
    people: dict[str, str] = {}
    for action in export["actions"]:
        for one in (action.get("memberCreator"), action.get("member")):
            people |= {one["id"]: one["fullName"]} if one else {}
    return people | {one["id"]: one["fullName"] for one in export["members"]}


def labels_of(export: Export) -> Counter[tuple[str, ...]]:
    """The labels of the cards: a label without a name is its colour."""
    return Counter(
        tuple(sorted({(one["name"] or one["color"]).casefold() for one in card["labels"]})) for card in export["cards"]
    )


def checklists_of(export: Export) -> Counter[tuple[tuple[str, bool], ...]]:
    """The items of the cards, those of all checklists of one card in their order."""
    found: dict[str, list[tuple[str, bool]]] = {card["id"]: [] for card in export["cards"]}
    for one in sorted(export["checklists"], key=lambda each: each["pos"]):
        for item in sorted(one["checkItems"], key=lambda each: each["pos"]):
            found[one["idCard"]].append((item["name"].strip(), item["state"] == "complete"))
    return Counter(map(tuple, found.values()))


def order_of(export: Export) -> dict[str, list[str]]:
    """The titles of the open cards of each list, in their order."""
    names, found = names_of_lists(export, None), dict[str, list[str]]()
    for card in sorted(export["cards"], key=lambda each: each["pos"]):
        if not card["closed"]:
            found.setdefault(names[card["idList"]], []).append(" ".join(card["name"].split()))
    return found


def newest_first(export: Export) -> list[dict[str, Any]]:
    return sorted(export["actions"], key=lambda action: (action["date"], action["id"]), reverse=True)


def time_of(action: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(action["date"])


def instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
