"""The language of a response."""

from typing import Any

import pytest
from litestar import Request

from api.http.accept_language import preferred_language


def language_of(*lines: str) -> str:
    headers = [(b"accept-language", line.encode()) for line in lines]
    scope: Any = {"type": "http", "headers": headers}
    return preferred_language(Request(scope))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("RU-ru", "ru"),
        ("ru-RU, ru;q=0.9, en-US;q=0.8", "ru"),
        ("en-GB, en;q=0.9, ru;q=0.8", "en"),
        ("de, ru;q=0.1", "ru"),
        ("de", "en"),
        ("*", "en"),
        ("en;q=0, *", "ru"),
        ("ru;q=0", "en"),
        ("en;q=0.5,ru;q=0.51", "ru"),
        ("ru;q=2, en", "en"),
        ("ru;q=x, ,;;, \xa0", "en"),
    ],
)
def test_the_best_language_that_there_is_is_taken(text: str, language: str) -> None:
    assert language_of(text) == language


def test_several_lines_are_one_list() -> None:
    assert language_of("en;q=0.2", "ru;q=0.3") == "ru"
