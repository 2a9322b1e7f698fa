"""XML from a school's server: no DTD, no depth, GBK where it says so."""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from adapters.sso.api import ProtocolViolation

DEPTH = 16
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]{0,150}\?>")
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([\w.-]{1,20})")
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.-]{1,20})", re.IGNORECASE)
_CODECS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "us-ascii": "ascii",
    "iso-8859-1": "latin-1",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
}


class _Reader:
    """Builds elements named without their prefix, and remembers where it is."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.builder = TreeBuilder()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if len(self.open) == DEPTH:
            raise ProtocolViolation("the answer is XML of too many levels")
        self.open.append(name)
        self.builder.start(name.rpartition(":")[2], attributes)

    def end(self, name: str) -> None:
        """An element ends."""
        self.open.pop()
        self.builder.end(name.rpartition(":")[2])

    def doctype(self, *_declared: object) -> None:
        """A DTD begins."""
        raise ProtocolViolation("the answer is XML with a DTD")


def read_xml(body: bytes, content_type: str = "") -> Element:
    """The root element; names have lost their prefix.

    Raises: ProtocolViolation, naming the element in which the text stops being XML.
    """
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.builder.data
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(_text(body, content_type).encode(), True)
    except expat.ExpatError:
        raise ProtocolViolation(_advice(reader.open)) from None
    root: Element = reader.builder.close()
    return root


def texts_in(parent: Iterable[Element]) -> dict[str, tuple[str, ...]]:
    """The texts of some elements by name; what is nested has a dotted name."""
    found: dict[str, tuple[str, ...]] = {}
    for child in parent:
        inner = {f"{child.tag}.{name}": value for name, value in texts_in(child).items()}
        for name, values in (inner or {child.tag: (text_of(child),)}).items():
            found[name] = (*found.get(name, ()), *values)
    return found


def text_of(element: Element) -> str:
    """Its text, without the white space around it."""
    return (element.text or "").strip()


def _text(body: bytes, content_type: str) -> str:
    declared = _DECLARATION.match(body[:200].removeprefix(b"\xef\xbb\xbf"))
    encoding = _ENCODING.search(declared[0]) if declared else None
    named = encoding[1].decode() if encoding else None
    if named is None and (charset := _CHARSET.search(content_type)):
        named = charset[1]
    codec = _CODECS.get((named or "utf-8").lower())
    if codec is None:
        raise ProtocolViolation("the answer is XML in a character set we do not read")
    try:
        text = body.decode(codec)
    except UnicodeDecodeError:
        raise ProtocolViolation(f"the answer is not the {named or 'utf-8'} it claims") from None
    return re.sub(r"^\s*<\?xml[^>]{0,150}\?>", "", text).strip()


def _advice(path: list[str]) -> str:
    if not path:
        return "the answer is not XML"
    return f"the answer stops being XML in <{path[-1]}>: the server does not escape this value"
