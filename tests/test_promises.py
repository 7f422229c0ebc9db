"""The page of promises: each has a test and a planted defect, which exist."""

import re

import pytest

from tests.page_links import DOCS, links_in, undefined_names

PAGE = (DOCS / "promises.md").read_text()
NOT_SHOWN = "Not shown yet."


def promises(page: str) -> dict[str, str]:
    """The text below each promise, by its title."""
    parts = re.split(r"^### (.+)$", re.sub(r"^## .+$", "", page, flags=re.MULTILINE), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def faults(text: str) -> list[str]:
    """What is wrong with the text below a promise."""
    if NOT_SHOWN in text:
        return ["it names tests"] if links_in(text) else []
    _, shown, rest = text.partition("\nShown by ")
    tests, planted, defects = rest.partition("\nPlanted: ")
    found = [] if shown and links_in(tests) else ["no test"]
    found += [] if planted and links_in(defects) else ["no planted defect"]
    found += [f"no test: {name}" for name, _ in links_in(text) if not name.startswith("`test_")]
    return found + [f"gone: {gone}" for name, path in links_in(text) for gone in undefined_names(name, path)]


@pytest.mark.parametrize("promise", promises(PAGE))
def test_every_promise_has_a_test_and_a_planted_defect(promise: str) -> None:
    assert not faults(promises(PAGE)[promise])


def test_every_promise_has_an_anchor() -> None:
    anchors = re.findall(r'^<a id="p(\d+)"></a>$', PAGE, flags=re.MULTILINE)
    assert len(set(anchors)) == len(promises(PAGE))


def test_a_promise_without_its_tests_is_noticed() -> None:
    link = "[`test_every_promise_has_an_anchor`](../tests/test_promises.py)"
    gone = "[`test_gone`](../tests/test_tour.py)"
    assert not faults(f"\nShown by {link}.\nPlanted: {link}.")
    assert faults(f"\nShown by {link}.") == ["no planted defect"]
    assert faults(f"\nShown by hope.\nPlanted: {link}.") == ["no test"]
    assert faults(f"\nShown by {gone}.\nPlanted: {link}.") == ["gone: test_gone"]
    assert faults(f"{NOT_SHOWN} {link}") == ["it names tests"]
