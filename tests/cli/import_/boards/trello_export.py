"""An export of a Trello board, made up, with all that is odd in real ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

BEGAN = datetime(2019, 3, 1, 9, 0, tzinfo=UTC)
ANN, BOB = "ann00000000000000000000a", "bob00000000000000000000b"
PEOPLE = {ANN: ("Ann Other", "ann"), BOB: ("Bob Gone", "bob")}
BOARD = "5c7900000000000000000001"
TODO, DOING, TWIN, LATER = (f"5c790000000000000000010{number}" for number in range(4))


def at(minutes: float) -> datetime:
    """So many minutes after the board began."""
    return BEGAN + timedelta(minutes=minutes)


def made(minutes: float, number: int) -> str:
    """An id of that time."""
    return f"{int(at(minutes).timestamp()):08x}{number:016x}"


OLD, MAIN, CLOSED, LONG, GONE, MOVED_AWAY = (
    made(minutes, number) for number, minutes in enumerate((-90, 1, 2, 3, 4, 5), 20)
)


def action(minutes: float, kind: str, person: str = ANN, **data: Any) -> dict[str, Any]:
    """An action, with the ids of the board as they stand in one."""
    name, username = PEOPLE[person]
    creator = {"id": person, "fullName": name, "username": username, "initials": "X"}
    extra = {"member": {"id": data["idMember"], "fullName": PEOPLE[data["idMember"]][0]}} if "idMember" in data else {}
    when = at(minutes).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": made(minutes, 0),
        "idMemberCreator": person,
        "type": kind,
        "date": when,
        "data": {"board": {"id": BOARD, "name": "Kitchen"}, **data},
        "memberCreator": creator,
        **extra,
    }


def update(minutes: float, card: str, old: dict[str, Any], person: str = ANN, **new: Any) -> dict[str, Any]:
    """An action that changes fields of a card; the new values of a list stand in `listAfter` too."""
    moved = {"listBefore": {"id": old["idList"]}, "listAfter": {"id": new["idList"]}} if "idList" in old else {}
    return action(minutes, "updateCard", person, card={"id": card, **new}, old=old, **moved)


def create(minutes: float, card: str, list_id: str, person: str = ANN, kind: str = "createCard") -> dict[str, Any]:
    return action(minutes, kind, person, card={"id": card, "name": "?"}, list={"id": list_id, "name": "?"})


def card(card_id: str, name: str, list_id: str, pos: float, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "desc": "",
        "due": None,
        "closed": False,
        "dueComplete": False,
        "idMembers": [],
        "labels": [],
    }
    labels = {"idLabels": [label["id"] for label in more.get("labels", ())]}
    return {"id": card_id, "name": name, "idList": list_id, "pos": pos, "idShort": 1, **plain, **more, **labels}


LABELS = [
    {"id": "l1", "name": "Urgent", "color": "red"},
    {"id": "l2", "name": "", "color": "green"},
    {"id": "l3", "name": "unused", "color": "blue"},
]


def lists() -> list[dict[str, Any]]:
    """Two lists with one name, one of them closed; and one that was renamed and created late."""
    return [
        {"id": TODO, "name": "To do", "pos": 1, "closed": False},
        {"id": DOING, "name": "Doing", "pos": 2, "closed": False},
        {"id": TWIN, "name": "doing", "pos": 3, "closed": True},
        {"id": LATER, "name": "Done", "pos": 4, "closed": False},
    ]


def story() -> list[dict[str, Any]]:
    """The actions, in the order of their times; those of the first minute are in one millisecond."""
    check = {"id": "i1", "name": "Buy", "state": "complete"}
    actions = [
        action(0, "createBoard"),
        create(1, MAIN, TODO),
        update(1, MAIN, {"desc": ""}, desc="with a\n\tdescription"),
        create(2, CLOSED, DOING, BOB),
        create(3, LONG, TODO, kind="copyCard"),
        create(5, MOVED_AWAY, TODO),
        action(6, "createList", list={"id": LATER, "name": "Finished"}),
        update(7, OLD, {"name": "Old"}, BOB, name="Old, renamed"),
        update(8, MAIN, {"name": "First"}, name="Second"),
        action(9, "addMemberToCard", BOB, card={"id": MAIN}, idMember=BOB),
        action(10, "addChecklistToCard", card={"id": MAIN}, checklist={"id": "c1", "name": "Steps"}),
        action(11, "updateCheckItemStateOnCard", BOB, card={"id": MAIN}, checkItem=check, checklist={"id": "c1"}),
        action(12, "commentCard", BOB, card={"id": MAIN}, text="First!\u0007"),
        update(13, MAIN, {"idList": TODO}, idList=DOING),
        update(14, MAIN, {"due": None}, due="2019-04-01T10:00:00.000Z"),
        update(15, MAIN, {"dueComplete": False}, dueComplete=True),
        action(16, "removeMemberFromCard", card={"id": MAIN}, idMember=BOB),
        update(17, CLOSED, {"closed": False}, closed=True),
        action(18, "commentCard", card={"id": CLOSED}, text="In the archive"),
        update(19, CLOSED, {"idList": DOING}, idList=TWIN),
        action(20, "deleteCard", card={"id": GONE}, list={"id": TODO}),
        action(21, "moveCardFromBoard", BOB, card={"id": MOVED_AWAY, "name": "Elsewhere"}, list={"id": TODO}),
        action(22, "updateList", list={"id": LATER, "name": "Done"}, old={"name": "Finished"}),
        action(22.5, "updateList", list={"id": TWIN, "name": "doing", "closed": True}, old={"closed": False}),
        update(23, OLD, {"pos": 5}, pos=0.5),
        action(24, "commentCard", card={"id": MAIN}, text="\u200b"),
        action(25, "enablePlugin", plugin={"id": "p"}),
        action(26, "updateCheckItemStateOnCard", card={"id": MAIN}, checkItem={**check, "id": "i9"}),
    ]
    return [{**one, "id": f"{one['id'][:8]}{number:016x}"} for number, one in enumerate(actions, 1_000)]


def export() -> dict[str, Any]:
    """The whole export."""
    items = [
        {"id": "i2", "name": "Cook", "state": "incomplete", "pos": 2},
        {"id": "i1", "name": "Buy", "state": "complete", "pos": 1},
    ]
    return {
        "id": BOARD,
        "name": "Kitchen",
        "desc": "What we cook",
        "actions": story()[::-1],
        "cards": [
            card(OLD, "Old, renamed", TODO, 0.5, labels=LABELS[:1]),
            card(
                MAIN,
                "Second",
                DOING,
                9,
                desc="with a\n\tdescription",
                due="2019-04-01T10:00:00.000Z",
                dueComplete=True,
                labels=LABELS[:2],
            ),
            card(CLOSED, "Put \u2028away", TWIN, 7, closed=True, labels=LABELS[:1]),
            card(LONG, "L" * 600, TODO, 3),
        ],
        "lists": lists(),
        "labels": LABELS,
        "members": [{"id": ANN, "fullName": "Ann Other", "username": "ann"}],
        "checklists": [{"id": "c1", "idCard": MAIN, "name": "Steps", "pos": 1, "checkItems": items}],
        "memberships": [{"idMember": ANN, "memberType": "admin"}],
    }


def regular_export() -> dict[str, Any]:
    """The same without what we do not have: names that are equal, too long or hidden, and cards that left."""
    whole = export()
    whole["lists"][2]["name"] = "Twin"
    whole["cards"][3]["name"] = "Short"
    kept = [one for one in whole["actions"] if one["data"].get("card", {}).get("id") not in {GONE, MOVED_AWAY}]
    whole["actions"] = [one for one in kept if one["data"].get("text") != "\u200b"]
    next(one for one in kept if one["data"].get("text") == "First!\u0007")["data"]["text"] = "First!"
    next(one for one in kept if one["type"] == "updateList" and one["data"]["list"]["id"] == TWIN)["data"]["list"][
        "name"
    ] = "Twin"
    return whole
