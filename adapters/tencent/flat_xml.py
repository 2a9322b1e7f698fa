"""The XML of Tencent's older interfaces: one element of elements that hold text, and no more."""

from collections.abc import Mapping
from xml.parsers import expat
from xml.sax.saxutils import escape

MAXIMUM = 65_536


class XmlOdd(ValueError):
    """Not such XML, or it holds what could say one thing twice."""


class _Reader:
    """Collects the children of the root; a document type, depth or a repeated name ends it.

    Where a `deep` text may have depth, children that hold elements are left out.
    """

    def __init__(self, *, deep: bool = False) -> None:
        self.found: dict[str, str] = {}
        self._deep = deep
        self._nested = False
        self._depth = 0
        self._pieces: list[str] = []

    def doctype(self, *_about: object) -> None:
        """Entities come with it, and nobody sends one."""
        raise XmlOdd("document type")

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._depth += 1
        if self._depth > 2 and self._deep:
            self._nested = True
        elif self._depth > 2 or (self._depth == 1 and name != "xml") or name in self.found:
            raise XmlOdd("shape")
        self._pieces.clear()

    def text(self, piece: str) -> None:
        """Text, or a CDATA section."""
        self._pieces.append(piece)

    def end(self, name: str) -> None:
        """An element ends."""
        if self._depth == 2:
            if not self._nested:
                self.found[name] = "".join(self._pieces)
            self._nested = False
        self._depth -= 1


def read_xml(body: bytes, *, deep: bool = False) -> dict[str, str]:
    """The names and texts below `<xml>`; of a `deep` one those that hold nothing but text.

    Raises: XmlOdd.
    """
    if len(body) > MAXIMUM:
        raise XmlOdd("too long")
    reader, parser = _Reader(deep=deep), expat.ParserCreate(encoding="utf-8")
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise XmlOdd("not XML") from None
    return reader.found


def write_xml(fields: Mapping[str, str]) -> bytes:
    """The fields as children of `<xml>`, in their order."""
    children = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
    return f"<xml>{children}</xml>".encode()
