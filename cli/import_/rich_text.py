"""Plain text of rich texts: HTML, and documents as trees of nodes with `content` and `text`, as editors store them."""

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Final

from cli.import_.row_fields import EMPTY_VALUES

_TEXT_MEMBERS: Final = ("content", "text", "body", "plain", "markdown", "value", "raw", "html")
_HTML_TYPES: Final = ("html", "text/html")
_BLOCKS: Final = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6"})
_HIDDEN: Final = frozenset({"script", "style", "head"})
_BLOCK_NODES: Final = frozenset({"paragraph", "heading", "codeblock", "listitem", "hardbreak", "tablerow"})
MAX_NODES_DEEP: Final = 100


def plain_text_of(value: Mapping[str, object]) -> tuple[str, str] | None:
    """The text of an object, and what it was if it was not plain; None if there is no text in it."""
    if all(inner in EMPTY_VALUES for inner in value.values()):
        return "", ""
    member = next((name for name in _TEXT_MEMBERS if isinstance(value.get(name), str)), None)
    if member is None:
        text = "".join(_node_texts(value, 0)) if isinstance(value.get("content"), list) else ""
        return (text.strip(), "a rich text") if text.strip() else None
    text = str(value[member])
    if member == "html" or str(value.get("contentType") or value.get("format")).lower() in _HTML_TYPES:
        return html_to_text(text), "HTML"
    return text, ""


def html_to_text(html: str) -> str:
    """The text without tags, with character references resolved; a block ends a line."""
    parser = _TextParser()
    parser.feed(html)
    parser.close()
    lines = [" ".join(line.split()) for line in "".join(parser.parts).split("\n")]
    return "\n".join(line for at, line in enumerate(lines) if line or (at and lines[at - 1])).strip()


def _node_texts(node: object, depth: int) -> Iterator[str]:
    """The texts of a node and those in it, with a line end after each block."""
    if not isinstance(node, dict) or depth > MAX_NODES_DEEP:
        return
    if isinstance(text := node.get("text"), str):
        yield text
    for child in inner if isinstance(inner := node.get("content"), list) else ():
        yield from _node_texts(child, depth + 1)
    if str(node.get("type")).replace("_", "").lower() in _BLOCK_NODES:
        yield "\n"


class _TextParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden += tag in _HIDDEN
        self.parts.append("\n" if tag == "br" else "- " if tag == "li" else "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        self.parts.append("\n" if tag in _BLOCKS and tag != "br" else "")

    def handle_data(self, data: str) -> None:
        self.parts.append("" if self._hidden else data.replace("\n", " "))
