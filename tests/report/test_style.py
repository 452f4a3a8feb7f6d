"""One look: a method has one colour, files are the same from run to run, captions travel with them."""

import re

import matplotlib as mpl
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transmural.inverse.registry import methods
from transmural.report.style import (
    axis_label,
    method_colour,
    method_marker,
    new_figure,
    png_bytes,
    styled,
    svg_caption,
    svg_text,
)


def simple_figure():
    with styled():
        figure = new_figure(3, 2)
        figure.subplots().plot([0, 1], [1, 0])
    return figure


@given(st.text(min_size=1))
def test_any_method_name_has_a_valid_colour_that_never_changes(name):
    assert mpl.colors.is_color_like(method_colour(name))
    assert method_colour(name) == method_colour(name)
    assert method_marker(name) in mpl.lines.Line2D.markers


def test_registered_methods_are_told_apart_by_colour_and_marker():
    names = list(methods())
    assert len({method_colour(name) for name in names}) == len(names)
    assert len({method_marker(name) for name in names}) == len(names)


def test_a_dimensionless_quantity_has_no_unit():
    assert axis_label("Dice coefficient", "1") == "Dice coefficient"
    assert axis_label("distance", "mm") == "distance / mm"


def test_the_same_figure_gives_the_same_bytes():
    assert svg_text(simple_figure(), "a") == svg_text(simple_figure(), "a")
    assert png_bytes(simple_figure(), "a") == png_bytes(simple_figure(), "a")


def test_a_layout_that_differs_by_rounding_gives_the_same_bytes():
    """Matplotlib's constrained layout isn't the same to the last bit in every process."""
    texts = []
    for shift in (0.0, 1e-13):
        figure = simple_figure()
        figure.axes[0].set_position((0.1 + shift, 0.1, 0.8, 0.8))
        texts.append(svg_text(figure, "a"))
    assert texts[0] == texts[1]
    (named,) = re.findall(r'<clipPath id="(\w+)"', texts[0])
    assert f'clip-path="url(#{named})"' in texts[0]


def test_text_stays_text_in_vector_figures():
    figure = simple_figure()
    figure.axes[0].set_xlabel("time / ms")
    assert "time / ms</text>" in svg_text(figure)


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"])))
def test_a_caption_travels_with_its_figure(caption):
    figure = new_figure(1, 1)
    assert svg_caption(svg_text(figure, caption)) == caption


def test_a_callers_settings_neither_leak_in_nor_change():
    with mpl.rc_context({"font.size": 30.0, "axes.facecolor": "red"}):
        before = dict(mpl.rcParams)
        figure = simple_figure()
        assert dict(mpl.rcParams) == before
        assert figure.axes[0].get_facecolor() == (1, 1, 1, 1)
    assert np.isclose(figure.axes[0].xaxis.label.get_size(), 8.0)
