"""Content-Disposition: a file keeps its name from one client to the next."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import strategies as st
from litestar import Request

from api.http import content_disposition
from api.http.content_disposition import attachment_disposition, sent_file_name
from api.http.malformed_request import MalformedRequest
from commands.text_patterns import LINE_PATTERN
from tests.law import law, planted_defect

_names = st.text(st.characters(exclude_characters="/\\", exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda name: bool(re.match(LINE_PATTERN, name)) and name == name.strip()
)


def request_with(disposition: str) -> Request[Any, Any, Any]:
    headers = [(b"content-disposition", disposition.encode("latin-1"))]
    scope: Any = {"type": "http", "headers": headers, "method": "POST", "path": "/"}
    return Request(scope)


@law(_names, examples=300)
def a_name_survives_the_header(name: str) -> None:
    header = content_disposition.attachment_disposition(name)
    assert re.fullmatch(r'attachment; filename="[ -~]*"(; filename\*=UTF-8\'\'[!-~]+)?', header), header
    assert sent_file_name(request_with(header)) == name, header


def test_a_name_survives_the_header() -> None:
    a_name_survives_the_header()


@pytest.mark.parametrize(
    "defect",
    [
        lambda name: f'attachment; filename="{name}"',
        lambda name: f"attachment; filename=\"x\"; filename*=UTF-8''{name}",
        lambda name: f"inline; filename=\"x\"; filename*=UTF-8''{quote(name)}",
        lambda name: f"attachment; filename=\"x\"; filename*=UTF-8''{quote(name.lower())}",
    ],
)
def test_a_header_that_loses_a_name_is_noticed(monkeypatch: pytest.MonkeyPatch, defect: Any) -> None:
    monkeypatch.setattr(content_disposition, "attachment_disposition", defect)
    with planted_defect(), pytest.raises((AssertionError, UnicodeError, MalformedRequest)):
        a_name_survives_the_header()


def test_a_plain_name_needs_no_other_form() -> None:
    assert attachment_disposition("plan (2).pdf") == 'attachment; filename="plan (2).pdf"'


@pytest.mark.parametrize("disposition", ["", "attachment", 'attachment; name="x"', 'attachment; filename=""'])
def test_a_file_has_a_name(disposition: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        sent_file_name(request_with(disposition))
    assert refused.value.code == "invalid_file_name"
