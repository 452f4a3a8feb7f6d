"""The written forms of a table: Markdown, LaTeX (booktabs), tidy CSV at full precision, HTML, and a terminal's."""

import csv
import io
from html import escape
from pathlib import Path

from transmural.report.table import Cell, Column, Table
from transmural.stores.files import write_whole

_LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": r"$-$",
    "<": r"$<$",
    ">": r"$>$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "²": r"$^2$",
    "³": r"$^3$",
    "–": "--",
    "°": r"$^\circ$",
}
_MARKDOWN_SPECIAL = str.maketrans({c: "\\" + c for c in "\\|*_`<>[]"} | {"\n": " "})


def to_markdown(table: Table) -> str:
    """GitHub Markdown: block headings are bold rows, the best cell is bold, published cells are italic."""
    heads = [_md(table.stub)] + [
        f"{_md(column.label)}" + (f"<br>*{_md(column.group)}*" if column.group else "") for column in table.columns
    ]
    lines = [f"**{_md(table.title)}**", "", _md_row(heads), _md_row([":--", *["--:"] * len(table.columns)])]
    for block in table.blocks:
        if block.label:
            lines.append(_md_row([f"**{_md(block.label)}**", *[""] * len(table.columns)]))
        for row in block.rows:
            cells = [_md_cell(cell, column) for cell, column in zip(row.cells, table.columns, strict=True)]
            lines.append(_md_row([_md(row.heading), *cells]))
    lines += ["", *[f"- {_md(note)}" for note in table.notes]]
    return "\n".join(lines).rstrip() + "\n"


def write_table(table: Table, folder: Path) -> None:
    """Write ``{name}.md``, ``.tex`` and ``.csv`` below ``folder``, each whole or not at all."""
    for ending, form in {"md": to_markdown, "tex": to_latex, "csv": to_csv}.items():
        write_whole(folder / f"{table.name}.{ending}", form(table))


def to_text(table: Table) -> str:
    """Aligned columns for a terminal; published columns are in parentheses, the best cell has a star."""
    published = [column.published for column in table.columns]
    heads = [table.stub, *(f"({c.label})" if c.published else c.label for c in table.columns)]
    lines: list[list[str]] = [heads]
    for block in table.blocks:
        if block.label:
            lines.append([block.label])
        for row in block.rows:
            shown = [
                f"({cell.text})" if there else cell.text + ("*" if cell.best else "")
                for cell, there in zip(row.cells, published, strict=True)
            ]
            lines.append(["  " * bool(block.label) + row.heading, *shown])
    widths = [max(len(line[i]) for line in lines if len(line) > 1) for i in range(len(heads))]
    aligned = [
        line[0].ljust(widths[0])
        + "".join(cell.rjust(width + 2) for cell, width in zip(line[1:], widths[1:], strict=False))
        for line in lines
    ]
    return "\n".join([table.title, "", aligned[0], "-" * len(aligned[0]), *aligned[1:]]) + "\n"


def to_latex(table: Table) -> str:
    """A ``table`` environment with booktabs rules; needs the package booktabs only."""
    width = len(table.columns) + 1
    lines = [
        r"\begin{table}",
        r"\centering\scriptsize\setlength{\tabcolsep}{3pt}" if width > 8 else r"\centering\footnotesize",
        rf"\caption{{{_tex(table.title)}}}",
        rf"\label{{tab:{table.name.replace('_', '-')}}}",
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
    ]
    if any(column.group for column in table.columns):
        spans, rules, first = [], [], 2
        for group, count in table.groups:
            spans.append(rf"\multicolumn{{{count}}}{{c}}{{{_tex(group)}}}")
            if group:
                rules.append(rf"\cmidrule(lr){{{first}-{first + count - 1}}}")
            first += count
        lines += [" & " + " & ".join(spans) + r" \\", "".join(rules)]
    lines.append(" & ".join([_tex(table.stub), *[_tex(column.label) for column in table.columns]]) + r" \\")
    for block in table.blocks:
        lines.append(r"\midrule")
        if block.label:
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{\textbf{{{_tex(block.label)}}}}} \\")
        for row in block.rows:
            cells = [_tex_cell(cell, column) for cell, column in zip(row.cells, table.columns, strict=True)]
            lines.append(" & ".join([_tex(row.heading), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    if table.notes:
        notes = r"\\ ".join(_tex(note) for note in table.notes)
        lines += ["", rf"\smallskip\begin{{minipage}}{{\linewidth}}\scriptsize {notes}\end{{minipage}}"]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def to_csv(table: Table) -> str:
    """Tidy CSV: one line a cell, with all its numbers at full precision."""
    cells = [
        (block, row, column, cell)
        for block in table.blocks
        for row in block.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
    ]
    numbers = list(dict.fromkeys(key for *_, cell in cells for key in cell.numbers))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["block", "row", "unit", "column", "source", "published", *numbers, "text"])
    for block, row, column, cell in cells:
        values = [_number(cell.numbers.get(key, "")) for key in numbers]
        published = "true" if column.published else "false"
        names = [_one_line(text) for text in (block.key, row.key, row.unit, column.key, column.group)]
        writer.writerow([*names, published, *values, _one_line(cell.text)])
    return stream.getvalue()


def to_html(table: Table) -> str:
    """An HTML ``table`` element with every text escaped."""
    width = len(table.columns) + 1
    head = ""
    if any(column.group for column in table.columns):
        published = {column.group for column in table.columns if column.published}
        spans = "".join(
            f'<th colspan="{count}" class="group{" published" if group in published else ""}">{escape(group)}</th>'
            for group, count in table.groups
        )
        head = f"<tr><td></td>{spans}</tr>"
    names = "".join(f'<th scope="col"{_published(column)}>{escape(column.label)}</th>' for column in table.columns)
    rows = []
    for block in table.blocks:
        if block.label:
            rows.append(f'<tr class="block"><th colspan="{width}" scope="rowgroup">{escape(block.label)}</th></tr>')
        for row in block.rows:
            cells = "".join(
                f"<td{_published(column)}>{_html_text(cell)}</td>"
                for cell, column in zip(row.cells, table.columns, strict=True)
            )
            rows.append(f'<tr><th scope="row">{escape(row.heading)}</th>{cells}</tr>')
    notes = "".join(f"<li>{escape(note)}</li>" for note in table.notes)
    return (
        f'<div class="scroll"><table{" class=wide" if width > 9 else ""}><thead>{head}'
        f'<tr><th scope="col">{escape(table.stub)}</th>{names}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>" + (f'<ul class="notes">{notes}</ul>' if notes else "")
    )


def _html_text(cell: Cell) -> str:
    return f"<strong>{escape(cell.text)}</strong>" if cell.best else escape(cell.text)


def _published(column: Column) -> str:
    return ' class="published"' if column.published else ""


def _md(text: str) -> str:
    return text.translate(_MARKDOWN_SPECIAL)


def _md_row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _md_cell(cell: Cell, column: Column) -> str:
    mark = "**" if cell.best else "*" if column.published and cell.text else ""
    return f"{mark}{_md(cell.text)}{mark}"


def _tex(text: str) -> str:
    return "".join(_LATEX_SPECIAL.get(character, character) for character in text)


def _tex_cell(cell: Cell, column: Column) -> str:
    text = _tex(cell.text)
    if cell.best:
        return rf"\textbf{{{text}}}"
    return rf"\textit{{{text}}}" if column.published and text else text


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


def _number(value: float | int | str) -> str:
    return repr(float(value)) if isinstance(value, float) else str(value)
