"""The page: self-contained, escaped, complete, and the same from run to run."""

import base64
import json
import re
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transmural.report.early_activation import early_activation_figure
from transmural.report.html import Item, Listing, Png, Section, Svg, render_report
from transmural.report.style import png_bytes, svg_text
from transmural.report.table import Block, Cell, Column, Row, Table
from transmural.report.turnable import turnable_heart

NASTY = """</script><script>alert(1)</script><img src=x onerror=alert(2)> "quoted" & 'single' {{ 7*7 }} {% raw %}"""


class Page(HTMLParser):
    """Tags, links, ids and the text of the page; scripts and styles apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.ids, self.loads, self.text, self.within = [], [], [], [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.within = tag
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif tag == "a" and name == "href":
                self.links.append(value)
            elif name in {"src", "href", "srcset", "data", "action", "poster"}:
                self.loads.append(value)
            assert not name.startswith("on"), f"{tag} has handler {name}"

    def handle_data(self, data):
        if self.within not in {"script", "style"}:
            self.text += data


def nasty_sections():
    rows = (Row(NASTY, NASTY, (Cell(NASTY),), NASTY),)
    table = Table("t", NASTY, NASTY, (Column("c", NASTY, NASTY, True),), (Block("b", NASTY, rows),), (NASTY,))
    items = (Item(NASTY, table, NASTY, NASTY), Item(NASTY, Listing(NASTY)), Item(NASTY, Listing(NASTY, folded=False)))
    return [Section(NASTY, items, NASTY)]


@pytest.fixture(scope="module")
def page(cases):
    figure, caption = early_activation_figure(cases)
    sections = [
        Section("Study", (Item("Heart", turnable_heart(cases), "Turn it."), Item("Early activation", figure, caption))),
        Section("Pictures", (Item("Svg", Svg(svg_text(figure))), Item("Png", Png(png_bytes(figure, dpi=40))))),
    ]
    return render_report("Title", "Subtitle", sections, [("run", "smoke")])


def test_no_text_of_a_study_becomes_markup():
    page = Page(render_report(NASTY, NASTY, nasty_sections(), [(NASTY, NASTY)]))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert page.text.count("alert(1)") >= 10


@given(st.text(max_size=60))
def test_any_title_is_shown_as_it_is(title):
    page = render_report(title, "", [Section("s", (Item("i", Listing("x")),))])
    parsed = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert parsed is not None
    assert "<" not in parsed[1]


def test_data_for_scripts_cannot_close_the_script(cases):
    nasty = turnable_heart(cases, {"greensite": NASTY})
    page = render_report("t", "", [Section("s", (Item("Heart", nasty),))])
    data = re.search(r'<script type="application/json" id="heart-data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    labels = [other["label"] for other in json.loads(data[1])["cases"][0]["layers"][0]["others"]]
    assert NASTY in labels


def test_nothing_is_loaded_from_anywhere(page):
    parsed = Page(page)
    assert parsed.loads
    assert all(link.startswith("data:image/") for link in parsed.loads)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_the_policy_forbids_requests(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")
    assert "http" not in policy[1]
    assert "connect-src" not in policy[1]


def test_every_section_and_item_is_in_the_contents_and_every_link_leads_somewhere(page):
    parsed = Page(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert all(link.startswith("#") and link[1:] in parsed.ids for link in parsed.links)
    for anchor in ("study", "heart", "early-activation", "pictures", "svg", "png"):
        assert f"#{anchor}" in parsed.links


def test_equal_titles_get_different_anchors():
    items = tuple(Item("Same", Listing("x")) for _ in range(3))
    assert {"#same", "#same-2", "#same-3"} <= set(Page(render_report("t", "", [Section("s", items)])).links)


def test_plotly_is_embedded_once_and_only_where_a_heart_turns(page):
    assert page.count("plotly.js v") == 1
    assert "plotly.js v" not in render_report("t", "", [Section("s", (Item("i", Listing("x")),))])


def test_captions_and_commands_are_shown():
    page = render_report(
        "t", "", [Section("s", (Item("i", Listing("x"), "See this.", "snakemake --cores all figures"),))]
    )
    assert "See this." in page
    assert "snakemake --cores all figures" in page


def test_the_same_report_gives_the_same_bytes(cases):
    sections = [Section("s", (Item("Heart", turnable_heart(cases)),))]
    assert render_report("t", "u", sections) == render_report("t", "u", sections)


def test_a_report_without_sections_is_refused():
    with pytest.raises(ValueError, match="at least one section"):
        render_report("t", "u", [])


def decode(text, dtype):
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=dtype)


def test_played_potentials_are_those_of_the_case_to_eight_bits(cases):
    data = turnable_heart(cases).data()
    layer = data["cases"][0]["layers"][0]
    for sent, truth in (
        (layer["reference"], cases[0].truth["tmp"].values),
        (layer["others"][1], cases[0].tmp["greensite"]),
    ):
        values = sent["low"] + (sent["high"] - sent["low"]) * decode(sent["levels"], np.uint8) / 254
        np.testing.assert_allclose(values.reshape(truth.shape), truth, atol=0.003 * (truth.max() - truth.min()) + 1e-5)


def test_missing_activation_is_sent_as_missing(cases):
    layer = turnable_heart(cases).data()["cases"][0]["layers"][1]
    missing = decode(layer["reference"]["levels"], np.uint8) == 255
    np.testing.assert_array_equal(missing, np.isnan(cases[0].truth["activation_time"].values))


def test_the_sent_surface_is_the_hearts_own_to_a_tenth_of_a_millimetre(cases, heart):
    surface = turnable_heart(cases).data()["surfaces"]["slender"]
    vertices = decode(surface["vertices"], "<i2").reshape(-1, 3) / 10
    np.testing.assert_allclose(vertices, heart["heart_vertex"].values, atol=0.051)
    shares = decode(surface["shares"], np.uint8).reshape(len(vertices), surface["width"])
    np.testing.assert_allclose(shares.sum(axis=1), 255, atol=2)


def test_long_beats_are_thinned_for_the_page(cases, heart, transfer):
    import synthetic

    from transmural.report.drawn_case import Choice, drawn_case

    long = synthetic.beats(heart, transfer, cases=1, frames=401)
    case = drawn_case(Choice("slender", "unseen_scar", 0, "r"), heart, long, {}, {})
    played = turnable_heart([case]).data()["cases"][0]
    assert len(played["time"]) <= 120
    assert (
        decode(played["layers"][0]["reference"]["levels"], np.uint8).size == len(played["time"]) * heart.sizes["node"]
    )
