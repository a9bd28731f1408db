"""Reading a report as a strict browser would: elements closed, identities and addresses noted."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "source", "br", "input", "hr"}


class Page(HTMLParser):
    """A parsed page.

    Attributes:
        addresses: everything that an element would load.
        texts: what is written, by the element that it is in.
        ids: of elements.
        links: where `<a>` leads.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "poster", "data", "srcset") or (name == "href" and tag != "a"):
                self.addresses.append(value or "")
            if name == "href" and tag == "a":
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open:
            self.texts.append((self._open[-1], " ".join(data.split())))

    def said(self, *elements: str) -> list[str]:
        """All texts directly in these elements; of all but scripts and styles, if none is named."""
        return [
            text
            for element, text in self.texts
            if (element in elements if elements else element not in ("script", "style"))
        ]
