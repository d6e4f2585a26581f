"""An HTML page read back: its elements, its text as a reader sees it, its tables."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr", "base", "embed", "source"}


@dataclass
class Page(HTMLParser):
    """`elements` in order, each with its attributes; `rows` has the cells of every table row."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    raw: dict[str, str] = field(default_factory=dict)
    """Content of `style` and `script`."""
    open_tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @classmethod
    def read(cls, text: str) -> "Page":
        """Raises AssertionError for a page whose elements are not closed in order."""
        page = cls()
        page.feed(text)
        page.close()
        assert page.open_tags == []
        return page

    @property
    def text(self) -> str:
        """What a reader sees, blanks as one."""
        return " ".join("".join(self.pieces).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def attributes(self) -> list[tuple[str, str, str]]:
        """(element, attribute, value)"""
        return [(tag, name, value) for tag, found in self.elements for name, value in found.items()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute of {tag} is given twice"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open_tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open_tags.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        inside = self.open_tags[-1] if self.open_tags else ""
        if inside in ("style", "script"):
            self.raw[inside] = self.raw.get(inside, "") + data
            return
        self.pieces.append(data)
        if self.rows and self.rows[-1] and {"td", "th"} & set(self.open_tags):
            self.rows[-1][-1] = " ".join((self.rows[-1][-1] + data).split())
