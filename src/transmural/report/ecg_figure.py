"""One beat as it is recorded: the 12-lead ECG, all body-surface leads, and a body-surface potential map."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from transmural.report.body_map import body_surface_map
from transmural.report.early_activation import VIEWS
from transmural.report.heart_view import Surface, draw_surface, frame, orientation_marks, outward, plain_surface
from transmural.report.style import PAGE_WIDTH_IN, SIGNED_MAP, axis_label, new_figure, readable, split, styled

_LIMB_ORDER = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def ecg_figure(anatomy: xr.Dataset, transfer: xr.Dataset, beat: xr.Dataset, subject: str = "") -> tuple[Figure, str]:
    """12-lead ECG, body-surface leads with their root mean square, and the map at its peak within the QRS.

    Parameters
    ----------
    anatomy, transfer
        Stores of the subject.
    beat
        One case of the beats store (without dimension ``case``).
    subject
        Name for the caption.

    Returns
    -------
    figure and caption
    """
    montage, names = transfer["montage"].values.astype(str), transfer["lead"].values.astype(str)
    time, ecg = beat["time"].values.astype(float), beat["ecg"].values.astype(float)
    surface_leads = np.flatnonzero(montage == "body_surface")
    limb = {name: ecg[k] for k, name in enumerate(names) if montage[k] == "standard_12"}
    limb = {
        name: limb[name] for name in sorted(limb, key=lambda n: (_LIMB_ORDER.index(n) if n in _LIMB_ORDER else 99, n))
    }
    activation = beat["activation_time"].values.astype(float)
    end_of_qrs = max(int(np.searchsorted(time, np.nanmax(activation))), 1)
    power = np.sqrt((ecg[surface_leads] ** 2).mean(axis=0))
    peak = int(np.argmax(power[: end_of_qrs + 1]))
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 5.4)
        top, bottom = split(figure, 2, heights=[1.15, 1])
        if limb:
            _twelve_leads(top, time, limb)
        left, right = split(bottom, 1, 2, widths=[1, 1.05])
        _all_leads(left.subplots(), time, ecg[surface_leads], power, peak)
        potentials = _at_electrodes(anatomy, names[surface_leads], ecg[surface_leads, peak])
        _body_map(right, anatomy, potentials)
    caption = (
        f"One beat of {readable(subject) or 'the subject'} as recorded. Top: standard 12-lead ECG, all leads to the "
        f"same scale. Bottom left: all {surface_leads.size} body-surface leads (grey) and their root mean square "
        f"(black). Bottom right: body-surface potential at the peak of the QRS ({time[peak]:.0f} ms, dashed on the "
        "left) from the front and from the back; dots are electrodes, values between them are interpolated for "
        "display. Look for one positive and one negative pole, the sign of a single wave front. Noise-free, as "
        "simulated on the fine grid."
    )
    return figure, caption


def _twelve_leads(part: SubFigure, time: NDArray[np.float64], limb: dict[str, NDArray[np.float64]]) -> None:
    rows = 3
    columns = -(-len(limb) // rows)
    grid = part.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(limb) :]:
        axes.set_visible(False)
    # Down the columns, as ECGs are printed: limb leads, augmented leads, V1 to V3, V4 to V6.
    for axes, (name, trace) in zip(grid.T.flat, limb.items(), strict=False):
        axes.axhline(0, color="#bbbbbb", linewidth=0.5)
        axes.plot(time, trace, color="#0072b2")
        axes.set_title(name, loc="left", pad=1, weight="bold")
        axes.margins(x=0)
    part.supylabel(axis_label("potential", "mV"), fontsize=8)
    part.supxlabel(axis_label("time", "ms"), fontsize=8)


def _all_leads(
    axes: Axes, time: NDArray[np.float64], leads: NDArray[np.float64], power: NDArray[np.float64], peak: int
) -> None:
    axes.plot(time, leads.T, color="#9a9a9a", linewidth=0.35, alpha=0.7)
    axes.plot(time, power, color="black", linewidth=1.6)
    axes.axvline(time[peak], color="#d55e00", linestyle="--", linewidth=0.9)
    axes.set_xlabel(axis_label("time", "ms"))
    axes.set_ylabel(axis_label("potential", "mV"))
    axes.margins(x=0)


def _at_electrodes(anatomy: xr.Dataset, names: NDArray[np.str_], potentials: NDArray[np.float64]) -> xr.DataArray:
    known = {name: k for k, name in enumerate(anatomy["electrode"].values.astype(str))}
    rows = [known[name] for name in names if name in known]
    values = [value for name, value in zip(names, potentials, strict=True) if name in known]
    return xr.DataArray(values, dims="electrode", coords={"position": ("electrode", rows)})


def _body_map(part: SubFigure, anatomy: xr.Dataset, potentials: xr.DataArray) -> None:
    vertices = anatomy["torso_vertex"].values.astype(float)
    surface: Surface = plain_surface(vertices, outward(vertices, anatomy["torso_face"].values.astype(np.int64)))
    electrodes = anatomy["electrode_position"].values.astype(float)[potentials["position"].values]
    values = body_surface_map(vertices, surface.faces, electrodes, potentials.values)
    limit = float(np.abs(potentials.values).max()) or 1.0
    norm = Normalize(-limit, limit)
    grid = part.subplots(1, len(VIEWS))
    for axes, view in zip(grid, VIEWS, strict=True):
        draw_surface(axes, surface, values, view, SIGNED_MAP, norm)
        page = view.project(electrodes)
        near = page[:, 2] > view.project(vertices)[:, 2].mean()
        axes.plot(page[near, 0], page[near, 1], ".", color="black", markersize=1.6)
        frame(axes, surface, view, side_mm=24)
        orientation_marks(axes, surface, view)
        axes.set_title(view.name)
    part.colorbar(
        ScalarMappable(norm, SIGNED_MAP),
        ax=grid,
        fraction=0.05,
        aspect=22,
        shrink=0.8,
        label=axis_label("potential", "mV"),
    )
