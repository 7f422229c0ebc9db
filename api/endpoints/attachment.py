"""Attachments of tasks over HTTP."""

from http import HTTPStatus
from typing import Final
from uuid import UUID

from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from msgspec.structs import replace

from api.command_endpoint import command
from api.function_endpoint import get, post
from api.http.attachment_file import MEDIA_TYPE, PASSIVE_MEDIA_TYPES, file_response, is_unchanged, media_type_of
from api.http.body import JSONRequest
from api.http.byte_range import requested_range
from api.http.command_results import WriteResult
from api.http.content_disposition import sent_file_name
from api.http.parameters import PastPageQuery, ReadQuery
from api.http.response import Response
from api.http.upload import check_upload_head, receive_upload
from api.ledger import AuthedRequest, Ledger, write_response
from api.question_endpoint import question
from commands.attachment import AddAttachment, RemoveAttachment
from commands.command import require_found
from domain.attachment import Attachment
from domain.errors import Purged
from domain.task import Task
from infra.blobs.blob_store import BlobKey
from infra.blobs.threads import Upload
from infra.ids import new_id
from infra.reading.progress import ProjectionBehind
from projections import attachment_list
from projections.attachment_list import AttachmentShown
from projections.pagination import Page

MIB: Final = 2**20
_NO_BYTES: Final = Upload.sha256_of(b"")
"""Stands for the hash of a file that has not arrived yet."""


@post("/tasks/{task}/attachments", takes_bytes=True)
async def add_attachment(request: JSONRequest, ledger: Ledger, task: UUID) -> Response[WriteResult]:
    """Attach a file to a task: its bytes are the body, and `Content-Disposition` has its name.

    The request is refused before the bytes are sent if the client sends `Expect: 100-continue` and waits.
    """
    max_bytes = ledger.settings.attachment_mib * MIB
    name, media_type = sent_file_name(request), media_type_of(request)
    check_upload_head(request, max_bytes)
    workspace = require_found(await ledger.log.load_state(Task, task)).workspace_id
    planned = AddAttachment(task_id=task, name=name, media_type=media_type, size=0, sha256=_NO_BYTES)
    await ledger.require_allowed(request, new_id(), planned)
    async with ledger.blobs.upload() as upload:
        await receive_upload(request, upload, max_bytes)
        sent = replace(planned, size=upload.size, sha256=upload.sha256)
        key = BlobKey(workspace, new_id())
        content = f"{sent.name}\n{sent.media_type}\n{sent.sha256}".encode()
        outcome = await ledger.carry_out_with_blob(request, key, sent, upload, content)
    return write_response(sent, outcome)


@get(
    "/attachments/{attachment}",
    media_type=MEDIA_TYPE,
    other_media_types=sorted(PASSIVE_MEDIA_TYPES),
    responses={
        HTTPStatus.PARTIAL_CONTENT.value: ResponseSpec(bytes, description="The bytes that `Range` names."),
        HTTPStatus.NOT_MODIFIED.value: ResponseSpec(None, description="Your copy is still current."),
    },
    response_headers=[
        ResponseHeader(name=name, description=text, documentation_only=True)
        for name, text in {
            "Accept-Ranges": "`bytes`: a download that broke off can be resumed.",
            "Content-Disposition": "The name of the file, to save it under.",
            "ETag": "The SHA-256 of the file, for `If-None-Match` and `If-Range`.",
        }.items()
    ],
)
async def download_attachment(
    request: AuthedRequest, ledger: Ledger, attachment: UUID, query: ReadQuery
) -> Response[bytes]:
    """Download the file of an attachment, or the part of it that `Range` names.

    The answer has the type of the file only if a browser runs nothing in it, such as that of a picture.
    """
    found = await _find_attachment(request, ledger, attachment, query.min_position)
    etag = f'"{found.sha256}"'
    if is_unchanged(request, etag):
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED.value, headers={"ETag": etag})
    part = requested_range(request, etag, found.size)
    start, stop = (part.start, part.stop) if part else (0, found.size)
    download = await ledger.download(BlobKey(found.workspace_id, attachment), start, stop)
    return file_response(found, etag, part, download)


remove_attachment = command(
    "DELETE",
    "/attachments/{attachment}",
    RemoveAttachment,
    "Remove an attachment from its task; its bytes are deleted within hours.",
)
list_attachments = question(
    "/tasks/{task}/attachments",
    attachment_list.page,
    Page[AttachmentShown],
    "List the attachments of a task, oldest first.",
    PastPageQuery,
)


async def _find_attachment(
    request: AuthedRequest, ledger: Ledger, attachment: UUID, min_position: int | None
) -> Attachment:
    """From the log, which is never behind: ProjectionBehind is raised only for a position that it has not reached.

    Raises NotFound, or Purged if its task was purged.
    """
    if min_position and await ledger.log.head() < min_position:
        raise ProjectionBehind
    found = require_found(await ledger.log.load_state(Attachment, attachment))
    task = require_found(await ledger.log.load_state(Task, found.task_id))
    await ledger.permissions.require_access(request.user.user_id, task.workspace_id, task.project_id)
    if task.purged:
        raise Purged
    return found
