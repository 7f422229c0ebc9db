"""The guided tour: every file that it links to exists, and defines the names in the link."""

import pytest

from tests.page_links import DOCS, links_in, undefined_names

LINKS = links_in((DOCS / "tour.md").read_text())


@pytest.mark.parametrize(("text", "path"), LINKS)
def test_every_definition_on_the_tour_exists(text: str, path: str) -> None:
    assert not undefined_names(text, path)


def test_the_tour_leads_through_every_layer() -> None:
    layers = {path.split("/")[1] for _, path in LINKS}
    assert layers >= {"api", "commands", "domain", "infra", "projections"}


def test_a_definition_that_is_gone_is_noticed() -> None:
    assert undefined_names("`CommandHandler.gone`", "../commands/handling/handler.py") == {"CommandHandler.gone"}
    with pytest.raises(AssertionError, match="does not exist"):
        undefined_names("`Lane`", "../commands/handling/gone.py")
