"""The four written forms of a table hold the same cells, escape what is special, and are the same from run to run."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transmural.report.table import Block, Cell, Column, Row, Table
from transmural.report.table_forms import to_csv, to_html, to_latex, to_markdown, to_text

NASTY = r"""a_b & 50% of $x$ #1 {y} ~^ \z | * ` <script>alert("1")</script> ± – ²"""


def table(text=NASTY, number=0.1):
    columns = (Column("ours", text, "This run"), Column("theirs", "Greensite", text, published=True))
    rows = (Row("nrmse", text, (Cell("0.1 ± 0.2", {"mean": number}, best=True), Cell(text, {"mean": 0.3})), "mm"),)
    return Table("accuracy", text, "Metric", columns, (Block("unseen", text, rows),), (text,))


def test_a_row_must_have_a_cell_for_every_column():
    with pytest.raises(ValueError, match="row 'r' has 1 cells for 2 columns"):
        Table("t", "t", "m", (Column("a", "a"), Column("b", "b")), (Block("x", "", (Row("r", "r", (Cell("1"),)),)),))


@given(st.text(max_size=20), st.floats(allow_nan=False, allow_infinity=False))
def test_csv_gives_back_every_text_and_number(text, number):
    rows = list(csv.DictReader(io.StringIO(to_csv(table(text, number)), newline="")))
    assert [row["published"] for row in rows] == ["false", "true"]
    assert float(rows[0]["mean"]) == number
    assert rows[1]["text"] == " ".join(text.splitlines())
    assert rows[1]["source"] == " ".join(text.splitlines())


def test_text_is_aligned_marks_the_best_and_brackets_what_was_published():
    lines = to_text(table("Tikhonov")).splitlines()
    head, rule, block, row = lines[2:]
    assert block == "Tikhonov".ljust(len(block))
    assert len(head) == len(rule) == len(row)
    assert "0.1 ± 0.2*" in row
    assert row.endswith("(Tikhonov)")
    assert head.endswith("(Greensite)")


def test_markdown_rows_have_as_many_cells_as_the_head():
    lines = [line for line in to_markdown(table()).splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "<script>" not in to_markdown(table()).replace(r"\<script\>", "")


def test_latex_braces_and_environments_balance_and_specials_are_escaped():
    latex = to_latex(table())
    bare = re.sub(r"\\[\\{}&%$#_]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\begin\{(\w+)\}", latex).count("tabular") == re.findall(r"\\end\{(\w+)\}", latex).count(
        "tabular"
    )
    assert sorted(re.findall(r"\\begin\{(\w+)\}", latex)) == sorted(re.findall(r"\\end\{(\w+)\}", latex))
    assert not re.search(r"(?<!\\)[%#]", latex)
    assert r"50\% of \$x\$ \#1 \{y\}" in latex


def test_latex_rows_have_as_many_cells_as_the_head():
    body = re.sub(r"\\multicolumn\{(\d)\}", lambda m: "&" * (int(m[1]) - 1), to_latex(table()).replace(r"\&", ""))
    rows = [line for line in body.splitlines() if line.endswith(r" \\")]
    assert {line.count("&") for line in rows} == {2}


class Collector(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.classes = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.classes += [(tag, value) for name, value in attrs if name == "class"]


def test_html_holds_no_tag_that_a_text_brought_in():
    parser = Collector()
    parser.feed(to_html(table()))
    assert "script" not in parser.tags
    assert ("td", "published") in parser.classes


def test_published_cells_are_set_apart_in_every_form():
    published = table("x")
    assert "*x*" in to_markdown(published)
    assert r"\textit{x}" in to_latex(published)
    assert '<td class="published">x</td>' in to_html(published)
    assert '<td class="published">0.1' not in to_html(published)


@pytest.mark.parametrize("write", [to_markdown, to_latex, to_csv, to_html])
def test_the_same_table_gives_the_same_text(write):
    assert write(table()) == write(table())
