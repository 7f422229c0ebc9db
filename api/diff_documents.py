"""The documents of a page of a diff, read from the read models some at a time."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from api.diff_span import DiffCursor
from api.ledger import AuthedRequest, Ledger
from domain.field_names import FieldNames
from infra.reading.reader import ReadResult
from projections import page_bytes
from projections.diff import KINDS, DiffKind, DiffTarget, changed_ids, decode_changes, decode_ids, document_changes
from projections.found_document import FoundDocument
from projections.question import Question
from projections.span import Span

_CHUNK_DOCUMENTS: Final = 20
_MAX_CHUNKS, _MAX_READ_BYTES = 50, 8 * page_bytes.MAX_PAGE_BYTES
"""What a page reads at most: documents may have new versions that differ in nothing that clients see, or in little."""


class FoundPage(Struct):
    """Documents that differ, in order, and the position of the read models; the last one read, if there may be more."""

    documents: list[FoundDocument]
    position: int
    last: tuple[DiffKind, UUID] | None = None


class DiffReader(Struct, frozen=True):
    """Reads what differs in a target at the two ends of a span, for a caller."""

    request: AuthedRequest
    ledger: Ledger
    target: DiffTarget
    span: Span
    min_position: int | None

    async def find_documents(self, cursor: DiffCursor | None, count: int) -> FoundPage:
        """The next documents that differ, `count` or more; fewer if they fill a page, or if most differ in nothing."""
        found, chunks, read_bytes, shown_bytes = FoundPage([], self.span.end.position), 0, 0, 0
        last: tuple[DiffKind, UUID] | None = None
        async for kind, ids in self._chunks(cursor, count):
            is_full = len(found.documents) >= count or shown_bytes > page_bytes.MAX_PAGE_BYTES
            if is_full or read_bytes > _MAX_READ_BYTES or chunks == _MAX_CHUNKS:
                found.last = last
                break
            read = await self._fetch(document_changes(kind, self.target, ids))
            for changes in decode_changes(read.answer):
                document = FoundDocument(kind, changes)
                if fields := document.compare(FieldNames()):
                    found.documents.append(document)
                    shown_bytes += len(msgspec.json.encode(fields))
            read_bytes += len(read.answer.body) if read.answer else 0
            found.position, chunks, last = read.position, chunks + 1, (kind, ids[-1])
        return found

    async def _chunks(self, cursor: DiffCursor | None, count: int) -> AsyncIterator[tuple[DiffKind, list[UUID]]]:
        """The documents with other versions after a cursor, of one kind after the other."""
        first = [kind.name for kind in KINDS].index(cursor.kind) if cursor else 0
        for kind in KINDS[first:]:
            after = cursor.id if cursor and kind.name == cursor.kind else None
            has_more = self.target.scope in kind.columns
            while has_more:
                ids = decode_ids((await self._fetch(changed_ids(kind, self.target, after, count))).answer)
                has_more = len(ids) == count
                for start in range(0, len(ids), _CHUNK_DOCUMENTS):
                    after = ids[start : start + _CHUNK_DOCUMENTS][-1]
                    yield kind, ids[start : start + _CHUNK_DOCUMENTS]

    async def _fetch(self, question: Question) -> ReadResult:
        return await self.ledger.fetch(self.request, question.as_of(self.span), self.min_position)
