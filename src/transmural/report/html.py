"""One self-contained page from sections of items: it needs no network, no server and no other file.

The page knows nothing of studies: a study adds a `Section` with its `Item`. All text is escaped; images are embedded;
the content security policy in the page's head forbids every request to anywhere.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from transmural.report.style import svg_text
from transmural.report.table import Table
from transmural.report.table_forms import to_html
from transmural.report.turnable import TurnableHeart


@dataclass(frozen=True)
class Svg:
    """An SVG document as text."""

    text: str


@dataclass(frozen=True)
class Png:
    """A PNG image."""

    data: bytes


@dataclass(frozen=True)
class Listing:
    """Text shown as it is: a configuration, a log."""

    text: str
    folded: bool = True


@dataclass(frozen=True)
class Item:
    """One thing to look at.

    Attributes
    ----------
    title
        Heading.
    content
        Matplotlib figure, SVG, PNG, table, heart to turn, or listing.
    caption
        What it shows and what to look for.
    reproduce
        Command that makes it again; empty when there is none.
    """

    title: str
    content: Figure | Svg | Png | Table | TurnableHeart | Listing
    caption: str = ""
    reproduce: str = ""


@dataclass(frozen=True)
class Section:
    """Items under one heading."""

    title: str
    items: tuple[Item, ...]
    introduction: str = ""


@dataclass(frozen=True)
class _Placed:
    anchor: str
    title: str
    kind: str
    body: str
    caption: str
    reproduce: str
    data: object = None


def render_report(title: str, subtitle: str, sections: Sequence[Section], facts: Sequence[tuple[str, str]] = ()) -> str:
    """The page as one HTML document.

    Parameters
    ----------
    title, subtitle
        Head of the page.
    sections
        What it holds, in order.
    facts
        Short (name, value) pairs shown below the head: run, commit, seed.

    Raises
    ------
    ValueError
        If there is no section.
    """
    if not sections:
        raise ValueError("a report needs at least one section")
    anchors: set[str] = set()
    placed = [
        (_anchor(section.title, anchors), section, [_place(item, anchors) for item in section.items])
        for section in sections
    ]
    turnable = any(item.kind == "turnable" for *_, items in placed for item in items)
    environment = Environment(
        loader=PackageLoader("transmural.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    source = environment.loader
    assert source is not None
    style, script = (Markup(source.get_source(environment, name)[0]) for name in ("report.css", "turnable.js"))
    return environment.get_template("report.html.j2").render(
        title=title,
        subtitle=subtitle,
        facts=facts,
        sections=placed,
        style=style,
        script=script if turnable else "",
        plotly=_plotly() if turnable else "",
    )


def _place(item: Item, anchors: set[str]) -> _Placed:
    anchor = _anchor(item.title, anchors)
    content, kind, body, data = item.content, "image", "", None
    if isinstance(content, Figure):
        body = _data_uri(svg_text(content).encode(), "image/svg+xml")
    elif isinstance(content, Svg):
        body = _data_uri(content.text.encode(), "image/svg+xml")
    elif isinstance(content, Png):
        body = _data_uri(content.data, "image/png")
    elif isinstance(content, Table):
        # `to_html` has escaped every text already.
        kind, body = "table", Markup(to_html(content))
    elif isinstance(content, TurnableHeart):
        kind, data = "turnable", content.data()
    else:
        kind, body = ("folded" if content.folded else "listing"), content.text
    return _Placed(anchor, item.title, kind, body, item.caption, item.reproduce, data)


def _data_uri(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def _anchor(title: str, taken: set[str]) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "item"
    anchor, number = stem, 2
    while anchor in taken:
        anchor, number = f"{stem}-{number}", number + 1
    taken.add(anchor)
    return anchor


def _plotly() -> Markup:
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())
