"""A Trello board as a history: the board as it began, then what its actions say, then what only its snapshot has."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import UNSET

from cli.import_.history.dates import Dates
from cli.import_.history.ids import ForeignIds
from cli.import_.history.intention import Beginning, ImportedBoard, Intention, Notes, Person
from cli.import_.history.texts import Texts
from cli.import_.trello.card_replay import CardReplay, ReplayParts
from cli.import_.trello.cards import CREATES, CardStory, people_in, read_stories
from cli.import_.trello.checklists import CardChecklists
from cli.import_.trello.columns import Columns
from cli.import_.trello.corrections import Corrections
from cli.import_.trello.export import Action, Export, Member
from cli.import_.trello.replay import UNNAMED_BOARD, Replay

_UNNAMED_PERSON: Final = "Unnamed member"


def read_people(export: Export) -> Mapping[str, Person]:
    """The people of the file, by id: members, and those who left, as actions name them."""
    named: dict[str, Member] = {}
    for action in export.actions:
        named |= {one.id: one for one in (action.member_creator, action.member) if one}
    named |= {one.id: one for one in export.members}
    texts = Texts(Notes())
    people = {}
    for each in dict.fromkeys(people_in(export)):
        member = named.get(each) or Member(each)
        name = texts.clean(member.full_name or member.username or "", "name", _UNNAMED_PERSON)
        people[each] = Person(name, member.username or "", member.email or "")
    return people


def read_board(export: Export, ids: ForeignIds, person_ids: Mapping[str, UUID], now: datetime) -> ImportedBoard:
    """The board with the ids that its project and its people have here. Times after `now` are taken for now."""
    notes = Notes()
    actions = sorted(export.actions, key=lambda action: (action.date, action.id))
    start = min((action.date for action in actions), default=now)
    stories, texts = read_stories(export, actions), Texts(notes)
    parts = ReplayParts(
        ids,
        person_ids,
        stories,
        Columns(export, actions, texts),
        CardChecklists(export, actions, texts),
        texts,
        Dates(notes),
    )
    first = next((action for action in actions if action.type == "createBoard"), None)
    names = (action.data.old.name for action in actions if action.type == "updateBoard" and action.data.old)
    name = next((name for name in names if name is not UNSET), export.name)
    beginning = Beginning(
        min(start, now),
        first.id_member_creator if first else None,
        texts.clean(str(name), "name", UNNAMED_BOARD),
        parts.columns.current,
    )
    told = [story for story in stories.values() if story.is_told]
    return ImportedBoard(beginning, read_people(export), len(told), _intentions(export, actions, parts, start), notes)


def _intentions(export: Export, actions: Sequence[Action], parts: ReplayParts, start: datetime) -> Iterator[Intention]:
    cards = CardReplay(parts)
    replay = Replay(parts, cards)
    older = sorted(
        (story.begins_at(start), story.first_list, story.first("pos"), story.id, story)
        for story in parts.stories.values()
        if story.is_told and not (story.actions and story.actions[0].type in CREATES)
    )
    if older:
        parts.notes.remarks["cards whose creation the file does not tell: created by the import"] += len(older)
    waiting = [(at, story) for at, _, _, _, story in reversed(older)]
    for action in actions:
        while waiting and waiting[-1][0] <= action.date:
            yield from _created(*waiting.pop(), cards)
        yield from replay.replay(action)
    while waiting:
        yield from _created(*waiting.pop(), cards)
    yield from Corrections(parts, cards).of(export)


def _created(at: datetime, story: CardStory, cards: CardReplay) -> Iterator[Intention]:
    if story.id not in cards.cards:
        yield Intention(at, None, tuple(cards.create(story, at)), f"card {story.id}")
