"""One look for every figure: type, sizes, colour-blind-safe colours, and a colour per method that never changes.

Method colours are those of Okabe and Ito (2008) and of Tol's muted scheme (2021), told apart under the three common
colour-vision deficiencies; a method's marker differs too, so that colour is never the only sign. A method that is not
listed gets colour and marker from a checksum of its name: the same everywhere, whichever other methods are drawn.
"""

import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure, FigureBase, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from transmural.stores.files import write_whole

POTENTIAL_MAP = "viridis"
TIME_MAP = "viridis_r"
SIGNED_MAP = "RdBu_r"
COUNT_MAP = "cividis"

TRUTH_COLOUR = "#000000"
PUBLISHED_COLOUR = "#6b6b6b"
SCAR_COLOUR = "#d55e00"
HEALTHY_COLOUR = "#d9d4c7"

PAGE_WIDTH_IN = 7.2
"""Width of a printed page's type area (183 mm), to which figures are drawn."""

_METHOD_COLOURS = {
    "tikhonov0": "#56b4e9",
    "tikhonov1": "#0072b2",
    "tikhonov2": "#332288",
    "greensite": "#009e73",
    "mean_beat": "#8c8c8c",
    "nearest_beat": "#e69f00",
    "ep_constrained": "#999933",
    "em": "#ddcc77",
    "marginal_map": "#661100",
    "activation_map": "#aa3377",
    # Of ECGs predicted from sheets, never drawn beside those above.
    "surrogate": "#d55e00",
    "no_cnn": "#56b4e9",
    "no_attention": "#009e73",
    "no_time_embedding": "#e69f00",
    "no_spectral_entropy": "#cc79a7",
    "no_currents": "#882255",
    "closed_form": "#0072b2",
    "frame_currents": "#44aa99",
    "ridge_frames": "#117733",
    "ridge_mean_voltage": "#999933",
    "class_mean": "#8c8c8c",
    # Of potentials from a standard ECG, never drawn beside those above.
    "cnn": "#0072b2",
    "cnn_lstm": "#56b4e9",
    "transformer": "#009e73",
    "unet": "#d55e00",
    "bilstm": "#aa3377",
    "ridge": "#e69f00",
    "nearest": "#999933",
    "mean_trace": "#8c8c8c",
    "cnn_zero_padded": "#332288",
    "cnn_lstm_zero_padded": "#88ccee",
    "transformer_teacher_forced": "#117733",
    "hold_last_segment": "#661100",
    # Of activation maps on images, with ridge, never drawn beside those above.
    "vae": "#d55e00",
    "pca": "#0072b2",
    "mean_bsp": "#8c8c8c",
    "cvae_conditioned": "#d55e00",
    "cvae": "#0072b2",
    "cvae_shown": "#56b4e9",
    "mean_map": "#8c8c8c",
    "nearest_map": "#999933",
    # Of potentials on a heart's surface, with Tikhonov's.
    "stre": "#009e73",
    "data_network": "#8c8c8c",
    "pinn_ad": "#aa3377",
    "ad_resnet": "#cc79a7",
    "ad_adaptive": "#882255",
    "nd_mlp": "#e69f00",
    "nd_resnet": "#999933",
    "eand_arn": "#d55e00",
}
_METHOD_MARKERS = {
    "tikhonov0": "o",
    "tikhonov1": "s",
    "tikhonov2": "D",
    "greensite": "^",
    "mean_beat": "X",
    "nearest_beat": "P",
    "ep_constrained": "v",
    "em": "<",
    "marginal_map": ">",
    "activation_map": "*",
    "surrogate": "o",
    "no_cnn": "s",
    "no_attention": "D",
    "no_time_embedding": "^",
    "no_spectral_entropy": "v",
    "no_currents": "h",
    "closed_form": "P",
    "frame_currents": "p",
    "ridge_frames": "<",
    "ridge_mean_voltage": ">",
    "class_mean": "X",
    "cnn": "s",
    "cnn_lstm": "D",
    "transformer": "^",
    "unet": "o",
    "bilstm": "*",
    "ridge": "P",
    "nearest": "<",
    "mean_trace": "X",
    "cnn_zero_padded": "p",
    "cnn_lstm_zero_padded": "d",
    "transformer_teacher_forced": "v",
    "hold_last_segment": ">",
    "vae": "o",
    "pca": "s",
    "mean_bsp": "X",
    "cvae_conditioned": "o",
    "cvae": "s",
    "cvae_shown": "D",
    "mean_map": "X",
    "nearest_map": "<",
    "stre": "^",
    "data_network": "X",
    "pinn_ad": "v",
    "ad_resnet": "<",
    "ad_adaptive": ">",
    "nd_mlp": "d",
    "nd_resnet": "h",
    "eand_arn": "P",
}
_OTHER_COLOURS = ("#cc79a7", "#882255", "#117733", "#44aa99", "#6699cc")
_OTHER_MARKERS = ("p", "h", "d", "8", "H")

_RC: dict[str, Any] = {
    # DejaVu Sans ships with matplotlib; the others have its widths, for readers who lack it.
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Bitstream Vera Sans", "Verdana", "sans-serif"],
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.1,
    "axes.grid": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 100.0,
    "savefig.dpi": 220.0,
    "svg.fonttype": "none",
    # Fixed, so that the identifiers inside an SVG file don't change from run to run.
    "svg.hashsalt": "transmural",
    "pdf.fonttype": 42,
    "image.cmap": POTENTIAL_MAP,
    "axes.unicode_minus": True,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw with the project's settings, whatever the caller's own matplotlib settings are."""
    settings: Any = {**dict(mpl.rcParamsDefault), **_RC, "backend": mpl.rcParams["backend"]}
    with mpl.rc_context(settings):
        yield


def method_colour(name: str) -> str:
    """Colour (hexadecimal RGB) of a method, the same in every figure."""
    known = {"truth": TRUTH_COLOUR, **_METHOD_COLOURS}
    return known.get(name) or _OTHER_COLOURS[zlib.crc32(name.encode()) % len(_OTHER_COLOURS)]


def method_marker(name: str) -> str:
    """Matplotlib marker of a method, the same in every figure."""
    return _METHOD_MARKERS.get(name) or _OTHER_MARKERS[zlib.crc32(name[::-1].encode()) % len(_OTHER_MARKERS)]


def ordered_methods(names: Iterable[str]) -> list[str]:
    """Each method once: those with a colour of their own in that order, then others in order of appearance."""
    present = list(dict.fromkeys(names))
    return [n for n in _METHOD_COLOURS if n in present] + [n for n in present if n not in _METHOD_COLOURS]


def readable(name: str, labels: Mapping[str, str] | None = None) -> str:
    """Label of a method, setting or subject: as given in ``labels``, else its name in words."""
    if labels and name in labels:
        return labels[name]
    return name.replace("_", " ")


def axis_label(quantity: str, unit: str) -> str:
    """Axis label with its unit; a dimensionless quantity (unit ``1`` or empty) says so by having none."""
    return quantity if unit in {"", "1"} else f"{quantity} / {unit}"


def svg_text(figure: Figure, caption: str = "") -> str:
    """The figure as an SVG document that carries its caption; the same figure gives the same bytes."""
    buffer = io.StringIO()
    metadata = {"Date": None, "Creator": "transmural"} | ({"Description": caption} if caption else {})
    with styled(), _resolution(figure, mpl.rcParams["savefig.dpi"]):
        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)  # type: ignore[no-untyped-call]
    return _with_lasting_names(buffer.getvalue())


def _with_lasting_names(text: str) -> str:
    """Clip paths of an SVG document, named as they are written: Matplotlib's names hold bits of a layout's rounding."""
    paths = re.findall(r'<clipPath id="(\w+)">(.*?)</clipPath>', text, re.DOTALL)
    names = {name: f"p{zlib.crc32(path.encode()):08x}_{number}" for number, (name, path) in enumerate(paths)}
    return re.sub(r'(?<=[#"])p[0-9a-f]{10}(?=[)"])', lambda found: names.get(found[0], found[0]), text)


def svg_caption(text: str) -> str:
    """The caption that `svg_text` put into an SVG document; empty where there is none."""
    found = ElementTree.fromstring(text).find(".//{http://purl.org/dc/elements/1.1/}description")
    return (found.text or "") if found is not None else ""


def png_bytes(figure: Figure, caption: str = "", dpi: float = 220.0) -> bytes:
    """The figure as a PNG image that carries its caption; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with styled(), _resolution(figure, dpi):
        metadata = {"Software": "transmural", "Description": caption}
        FigureCanvasAgg(figure).print_png(buffer, metadata=metadata)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


@contextmanager
def _resolution(figure: Figure, dpi: float) -> Iterator[None]:
    """The figure with this resolution; with a canvas' own writer it is drawn once, by `Figure.savefig` twice."""
    usual = figure.dpi
    figure.dpi = dpi
    try:
        yield
    finally:
        figure.dpi = usual


def new_figure(width_in: float = PAGE_WIDTH_IN, height_in: float = 4.0, pad_in: float = 0.02) -> Figure:
    """An empty figure that no window or pyplot state knows of, ``pad_in`` around its axes; call within `styled`."""
    layout = ConstrainedLayoutEngine(w_pad=pad_in, h_pad=pad_in, wspace=0.0, hspace=0.0)
    return Figure(figsize=(width_in, height_in), layout=layout)


def split(
    figure: FigureBase,
    rows: int = 1,
    columns: int = 1,
    heights: Sequence[float] | None = None,
    widths: Sequence[float] | None = None,
) -> list[SubFigure]:
    """Parts of a figure, row by row, each with a layout of its own."""
    parts = figure.subfigures(rows, columns, squeeze=False, height_ratios=heights, width_ratios=widths, hspace=0.03)
    return list(np.asarray(parts, dtype=object).flat)


def write_figure(figure: Figure, caption: str, stem: Path) -> None:
    """Write ``stem.svg`` and ``stem.png``, each whole or not at all, with the caption inside."""
    engine = figure.get_layout_engine()
    with styled():  # laid out once for both
        if engine is not None and figure.axes:
            engine.execute(figure)
        figure.set_layout_engine("none")
    write_whole(stem.with_suffix(".svg"), svg_text(figure, caption))
    write_whole(stem.with_suffix(".png"), png_bytes(figure, caption))
