"""The text of an HTML body: block elements end a line, and tags are dropped."""

from html.parser import HTMLParser

_LINE_ENDS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6"})


def html_to_text(html: str) -> str:
    """The text without tags, with character references resolved."""
    parser = _TextParser()
    parser.feed(html)
    parser.close()
    lines = [" ".join(line.split()) for line in "".join(parser.parts).split("\n")]
    return "\n".join(line for at, line in enumerate(lines) if line or (at and lines[at - 1])).strip()


class _TextParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden += tag in ("script", "style", "head")
        self.parts.append("\n" if tag == "br" else "- " if tag == "li" else "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style", "head") and self._hidden > 0
        self.parts.append("\n" if tag in _LINE_ENDS and tag != "br" else "")

    def handle_data(self, data: str) -> None:
        self.parts.append("" if self._hidden else data.replace("\n", " "))
