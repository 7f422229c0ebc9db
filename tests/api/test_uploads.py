"""Uploads and downloads over real connections: slow ones, broken ones, large ones, and what they hold of a process."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from api.connections import registry, request_clock
from api.connections.response_writer import ResponseWriter
from infra.blobs.folder import FolderBlobs
from infra.blobs.threads import MAX_THREADS
from infra.settings import Settings
from tests.api.connections.raw_http import raw_client, read_response, read_until_closed
from tests.api.running_server import running_server
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.e2e.running_instance import poll_until
from tests.infra.blobs.s3_server import s3_server
from tests.law import planted_defect

pytestmark = pytest.mark.slow

DISPOSITION = {"Content-Disposition": 'attachment; filename="large.bin"'}
LARGE = 24 * 2**20
"""More than all bodies of one network may hold in memory."""


class Site(Struct, frozen=True):
    """A user with a task on a running server, and the folder of its files."""

    user: BlockingApiUser
    task: str
    folder: Path

    @property
    def port(self) -> int:
        return self.user.http.base_url.port or 0

    def upload(self, content: bytes) -> httpx.Response:
        return self.user.http.post(f"/tasks/{self.task}/attachments", content=content, headers=DISPOSITION)

    def attach(self, content: bytes) -> str:
        answer = self.upload(content)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def head_of_upload(self, *more: str) -> bytes:
        lines = [f"POST /api/v1/tasks/{self.task}/attachments HTTP/1.1", "Host: localhost", *more]
        lines += [f"Authorization: Bearer {self.user.token}", 'Content-Disposition: attachment; filename="x"']
        return "\r\n".join([*lines, "", ""]).encode()

    def files(self) -> list[Path]:
        """All files, of uploads in progress too."""
        return [file for file in self.folder.rglob("*") if file.is_file()]


def site_at(url: str, folder: Path) -> Site:
    user = BlockingApiUser.register(url.removesuffix("/api/v1"), f"{uuid4()}@example.com")
    workspace = user.post("/workspaces", name="Home")["id"]
    project = user.post(f"/workspaces/{workspace}/projects", name="Kitchen", key="KIT")["id"]
    return Site(user, user.post(f"/projects/{project}/tasks", title="Milk")["id"], folder)


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Iterator[Site]:
    with running_server(replace(settings, blobs=str(tmp_path))) as (_, url):
        yield site_at(url, tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_clock, "BODY_TIMEOUT_S", 0.6)
    monkeypatch.setattr(request_clock, "MIN_UPLOAD_BYTES", 1)
    monkeypatch.setattr(registry, "CHECK_INTERVAL_S", 0.1)


def a_large_file_is_uploaded_and_downloaded(site: Site) -> None:
    content = os.urandom(LARGE)
    attachment = site.attach(content)
    assert site.user.http.get(f"/attachments/{attachment}").content == content


def test_a_large_file_is_uploaded_and_downloaded(site: Site) -> None:
    a_large_file_is_uploaded_and_downloaded(site)


def test_bodies_that_are_held_are_noticed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResponseWriter, "_stream_body", lambda _: None)
    with planted_defect(), pytest.raises((AssertionError, httpx.TransportError)):
        a_large_file_is_uploaded_and_downloaded(site)


def a_slow_client_is_waited_for(site: Site) -> None:
    """It sends a little all the time, for longer than a body may take."""
    with raw_client(site.port) as client:
        client.sendall(site.head_of_upload("Content-Length: 16"))
        for _ in range(16):
            time.sleep(0.1)
            client.sendall(b"x")
        status, answer = read_response(client)
    assert status == 201, answer


@pytest.mark.usefixtures("impatient")
def test_a_slow_client_is_waited_for(site: Site) -> None:
    a_slow_client_is_waited_for(site)


@pytest.mark.usefixtures("impatient")
def test_a_clock_that_forgets_progress_is_noticed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_clock.RequestClock, "note_progress", lambda *_: None)
    with planted_defect(), pytest.raises((AssertionError, OSError)):
        a_slow_client_is_waited_for(site)


@pytest.mark.usefixtures("impatient")
def test_a_client_that_stops_is_cut_and_leaves_nothing(site: Site) -> None:
    with raw_client(site.port) as client:
        client.sendall(site.head_of_upload("Content-Length: 100") + b"half")
        received = read_until_closed(client)
    assert b"408 Request Timeout" in received
    poll_until(lambda: not site.files())


def test_a_client_that_goes_leaves_nothing(site: Site) -> None:
    with raw_client(site.port) as client:
        client.sendall(site.head_of_upload("Content-Length: 1000000") + b"x" * 300_000)
        poll_until(lambda: len(site.files()) == 1)
    poll_until(lambda: not site.files())


def test_a_refused_client_is_not_asked_for_the_file(site: Site) -> None:
    wanted = ("Content-Length: 4", "Expect: 100-continue")
    with raw_client(site.port) as client:
        client.sendall(site.head_of_upload(*wanted))
        assert client.recv(100).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(b"oats")
        assert read_response(client)[0] == 201
    with raw_client(site.port) as client:
        client.sendall(replace(site, task=str(uuid4())).head_of_upload(*wanted))
        assert client.recv(100).startswith(b"HTTP/1.1 404")


def test_head_sends_no_byte_and_the_connection_goes_on(site: Site) -> None:
    attachment = site.attach(b"oats")
    with httpx.Client(base_url=site.user.http.base_url, headers=site.user.http.headers) as client:
        for method, content in (("HEAD", b""), ("GET", b"oats"), ("HEAD", b"")):
            answer = client.request(method, f"/attachments/{attachment}")
            assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, content, "4")


def test_a_download_that_broke_off_is_resumed(site: Site) -> None:
    content = os.urandom(LARGE)
    attachment, received = site.attach(content), bytearray()
    with site.user.http.stream("GET", f"/attachments/{attachment}") as answer:
        etag = answer.headers["etag"]
        for piece in answer.iter_bytes():
            received += piece
            if len(received) > LARGE // 3:
                break
    headers = {"Range": f"bytes={len(received)}-", "If-Range": etag}
    rest = site.user.http.get(f"/attachments/{attachment}", headers=headers)
    assert rest.status_code == 206
    assert bytes(received) + rest.content == content


def test_clients_that_do_not_read_hold_no_thread(site: Site) -> None:
    attachment = site.attach(os.urandom(LARGE))
    request = f"GET /api/v1/attachments/{attachment} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
    clients = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(2 * MAX_THREADS)]
    try:
        for client in clients:
            client.sendall(f"{request}{site.user.token}\r\n\r\n".encode())
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        answer = site.user.http.get(f"/attachments/{attachment}", headers={"Range": "bytes=0-9"})
        assert len(answer.content) == 10
    finally:
        for client in clients:
            client.close()


def test_the_file_of_a_gone_client_is_closed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, open_blob = list[object](), FolderBlobs.open

    def noting(store: FolderBlobs, *arguments: object) -> object:
        opened.append(open_blob(store, *arguments))  # type: ignore[arg-type]
        return opened[-1]

    attachment = site.attach(os.urandom(LARGE))
    monkeypatch.setattr(FolderBlobs, "open", noting)
    with site.user.http.stream("GET", f"/attachments/{attachment}") as answer:
        next(answer.iter_bytes())
    poll_until(lambda: opened[0]._file.closed)  # type: ignore[attr-defined]  # noqa: SLF001 - nothing else tells


def test_files_are_kept_in_a_bucket(settings: Settings, tmp_path: Path) -> None:
    content = os.urandom(LARGE)
    with s3_server() as bucket, running_server(replace(settings, blobs=bucket)) as (_, url):
        site = site_at(url, tmp_path)
        attachment = site.attach(content)
        assert site.user.http.get(f"/attachments/{attachment}").content == content
        part = site.user.http.get(f"/attachments/{attachment}", headers={"Range": "bytes=-5"})
        assert (part.status_code, part.content) == (206, content[-5:])
        assert site.attach(b"")
