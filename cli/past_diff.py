"""What differs between two moments, read from the read models without HTTP."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from cli.past_events import load_actor_names
from cli.read_models import query_read_models, run_question
from domain.diff import DiffChange
from domain.event import Actor, fold
from domain.field_names import FieldNames, names_in
from domain.project import Project
from domain.sentences.names import Names, TaskName
from domain.sentences.references import Projects, names_of, people_in, tasks_in
from domain.sentences.wording import Language
from infra import log
from projections import task_list
from projections.diff import DiffKind, DiffTarget, changed_ids, decode_changes, decode_ids, document_changes
from projections.found_document import FoundDocument
from projections.span import Span

_CHUNK_DOCUMENTS: Final = 50


class SaidDocument(Struct, frozen=True):
    """A document that differs, in sentences."""

    change: DiffChange
    sentences: list[str]


class PastDiff:
    """The documents of a target that differ at the two ends of a span."""

    def __init__(self, connection: Connection[TupleRow], target: DiffTarget, span: Span) -> None:
        self._connection = connection
        self._target = target
        self._span = span

    def say(self, language: Language) -> Iterator[SaidDocument]:
        """All of them, one kind after the other."""
        for kind in self._target.kinds():
            for ids in self._chunks(kind):
                question = document_changes(kind, self._target, ids).as_of(self._span)
                changes = decode_changes(run_question(self._connection, question))
                found = [FoundDocument(kind, one) for one in changes]
                yield from self._said([one for one in found if one.compare(FieldNames())], language)

    def _chunks(self, kind: DiffKind) -> Iterator[list[UUID]]:
        after: UUID | None = None
        while True:
            question = changed_ids(kind, self._target, after, _CHUNK_DOCUMENTS).as_of(self._span)
            ids = decode_ids(run_question(self._connection, question))
            if ids:
                yield ids
            if len(ids) < _CHUNK_DOCUMENTS:
                return
            after = ids[-1]

    def _said(self, found: Sequence[FoundDocument], language: Language) -> Iterator[SaidDocument]:
        states = [state for one in found for state in one.states]
        projects = self._load_projects({UUID(state["project_id"]) for state in states if "project_id" in state})
        field_names = names_in(projects.values())
        fields = [one.compare(field_names) for one in found]
        actors = self._load_actors({position for each in fields for one in each for position in one.events})
        names = self._load_names(states, projects, actors.values())
        for one, changed in zip(found, fields, strict=True):
            yield SaidDocument(one.change, one.sentences(language, changed, actors, names))

    def _load_projects(self, ids: set[UUID]) -> Projects:
        histories = {id_: log.load_stream(self._connection, id_) for id_ in ids}
        states = {id_: fold(Project, (one.event for one in history)) for id_, history in histories.items()}
        return {id_: state for id_, state in states.items() if state and not state.purged}

    def _load_actors(self, positions: set[int]) -> dict[int, Actor]:
        return {one.position: one.actor for one in log.load_at(self._connection, positions)}

    def _load_names(self, states: Sequence[Mapping[str, Any]], projects: Projects, actors: Collection[Actor]) -> Names:
        people = {Actor(UUID(person)) for state in states for person in people_in(state, projects)}
        tasks = sorted({UUID(task) for state in states for task in tasks_in(state)})
        rows = query_read_models(self._connection, task_list.KEYS_AND_TITLES_SQL, (self._target.workspace_id, tasks))
        names = load_actor_names(self._connection, {*actors, *people})
        year = self._span.clock.year if self._span.clock else 0
        return names_of(names, {task: TaskName(key, title) for task, key, title in rows}, projects, year)
