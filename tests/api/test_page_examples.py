"""The examples of the /docs page: each works after the commands that set their variables."""

import html
import re
import shlex
from typing import Any

import pytest

from api.openapi.page import render_page
from tests.api.openapi.test_document import DOCUMENT
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

EXAMPLES = [html.unescape(text) for text in re.findall(r"<pre>(curl .*?)</pre>", render_page(DOCUMENT), re.DOTALL)]
WANTING_MORE = {
    "forbidden",
    "invalid_mail_token",
    "invalid_refresh_token",
    "invitation_is_closed",
    "last_owner",
    "makes_a_cycle",
    "mail_is_not_set_up",
    "not_found",
    "not_trashed",
    "task_does_not_recur",
    "wrong_credentials",
}
"""Answers of examples that need a mail, a second user or task, an older state, or to be the administrator."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: " ".join(text.split()[2:5]))
async def test_an_example_of_the_page_works_after_its_set_up(ann: ApiUser, example: str) -> None:
    saved = (await ann.post("/filters", name="Due today", filter="assignee:me due<now"))["id"]
    values = {
        "user": ann.id,
        "workspace": ann.workspace,
        "project": ann.project,
        "task": await ann.create_task(),
        "saved_filter": saved,
        "api": "http://test/api/v1",
        "server": "http://test",
        "token": ann.token,
    }
    ann.fold()
    method, address, headers, content = parse(re.sub(r"\$([a-z_]+)", lambda found: values[found[1]], example))
    answer = await ann.client.request(method, address, headers=headers, content=content)
    if answer.is_error:
        assert answer.json()["code"] in WANTING_MORE, answer.text


def parse(command: str) -> tuple[str, str, dict[str, str], str | None]:
    """The request that a curl command sends."""
    words: list[Any] = shlex.split(command.replace("\\\n", " "))[2:]
    method, headers, content, address = "GET", dict[str, str](), None, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word in {"-d", "-T"}:
            content = words.pop(0)
        else:
            address = word
    return method, address, headers, content
