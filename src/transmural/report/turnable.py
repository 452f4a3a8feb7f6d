"""A heart that the reader turns and plays: compact data for the page's script, which draws with plotly's WebGL mesh.

Potentials are sent once a node as eight-bit numbers between their lowest and highest value (a rounding of at most
0.2 % of that range) and spread to the vertices in the browser, instead of once a vertex and frame as decimal text:
about a hundredth of the bytes, once deflated.
"""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transmural.report.drawn_case import DrawnCase
from transmural.report.heart_view import Surface, heart_surface
from transmural.report.quantities import setting_label
from transmural.report.style import readable

_LEVELS = 254
_MOST_FRAMES = 120
_MISSING = 255


@dataclass(frozen=True)
class Layer:
    """One quantity on the nodes: a reference and other versions of it.

    Attributes
    ----------
    label, unit
        Name and unit.
    reference
        Shape (node,) or, for what is played through time, (time, node); NaN where there is no value.
    others
        The same by name of the method.
    colour_scale
        Name of a plotly colour scale, ``-reversed`` appended where it runs backwards.
    own_range
        Each version has its own colour range (else all have the reference's).
    """

    label: str
    unit: str
    reference: NDArray[np.floating]
    others: Mapping[str, NDArray[np.floating]]
    colour_scale: str = "Viridis"
    own_range: bool = False


@dataclass(frozen=True)
class PlayedCase:
    """One case: its surface's key, times of the frames, a marked site and its layers."""

    label: str
    surface: str
    time_ms: NDArray[np.floating]
    mark_mm: NDArray[np.floating]
    mark_label: str
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class TurnableHeart:
    """Cases to choose from, on surfaces by key."""

    surfaces: Mapping[str, Surface]
    cases: tuple[PlayedCase, ...]
    reference_label: str = "Truth"
    method_labels: Mapping[str, str] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """What the page's script needs, as JSON-serialisable values."""
        return {
            "reference": self.reference_label,
            "surfaces": {key: _surface(surface) for key, surface in self.surfaces.items()},
            "cases": [_case(case, self.surfaces[case.surface], self.method_labels) for case in self.cases],
        }


def turnable_heart(cases: list[DrawnCase], labels: Mapping[str, str] | None = None) -> TurnableHeart:
    """Potential over time, activation time and scar of the given cases, truth and every method."""
    surfaces = {case.choice.subject: heart_surface(case.anatomy) for case in cases}
    names = {method for case in cases for method in (*case.tmp, *case.activation_time, *case.scar)}
    return TurnableHeart(
        surfaces, tuple(_played(case) for case in cases), "Truth", {n: readable(n, labels) for n in sorted(names)}
    )


def _played(case: DrawnCase) -> PlayedCase:
    # More frames than the eye can tell apart in a beat only make the page heavy.
    kept = slice(None, None, -(-case.truth.sizes["time"] // _MOST_FRAMES))
    potentials = {name: potential[kept] for name, potential in case.tmp.items()}
    layers = [Layer("Transmembrane potential", "1", case.truth["tmp"].values[kept], potentials, own_range=True)]
    if case.activation_time:
        truth = case.truth["activation_time"].values
        layers.append(Layer("Activation time", "ms", truth, case.activation_time, "Viridis-reversed"))
    if case.scar:
        maps = {name: np.asarray(scar, dtype=float) for name, scar in case.scar.items()}
        layers.append(Layer("Scar", "1", case.truth["scar"].values.astype(float), maps, "Scar"))
    return PlayedCase(
        f"{readable(case.choice.subject)}, case {case.choice.case}: {setting_label(case.choice.setting).lower()}",
        case.choice.subject,
        case.truth["time"].values[kept],
        case.truth["origin"].values,
        "true origin",
        tuple(layers),
    )


def _surface(surface: Surface) -> dict[str, Any]:
    weights = surface.weights.tocsr()
    width = int(np.diff(weights.indptr).max())
    nodes = np.zeros((weights.shape[0], width), dtype=np.uint16)
    shares = np.zeros((weights.shape[0], width), dtype=np.float32)
    row = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    column = np.arange(len(row)) - weights.indptr[row]
    nodes[row, column], shares[row, column] = weights.indices, weights.data
    return {
        "vertices": _encode(np.round(surface.vertices * 10).astype(np.int16)),
        "faces": _encode(surface.faces.astype(np.uint32)),
        "width": width,
        "nodes": _encode(nodes),
        "shares": _encode(np.round(shares * 255).astype(np.uint8)),
    }


def _case(case: PlayedCase, surface: Surface, labels: Mapping[str, str]) -> dict[str, Any]:
    nearest = int(np.argmin(np.linalg.norm(surface.vertices - np.asarray(case.mark_mm, dtype=float), axis=1)))
    return {
        "label": case.label,
        "surface": case.surface,
        "time": [round(float(value), 2) for value in case.time_ms],
        "mark": nearest,
        "markLabel": case.mark_label,
        "layers": [
            {
                "label": layer.label,
                "unit": "" if layer.unit == "1" else layer.unit,
                "scale": layer.colour_scale,
                "ownRange": layer.own_range,
                "moving": np.ndim(layer.reference) == 2,
                "reference": _map(layer.reference),
                "others": [{"label": labels.get(name, name), **_map(v)} for name, v in layer.others.items()],
            }
            for layer in case.layers
        ],
    }


def _map(values: NDArray[np.floating]) -> dict[str, Any]:
    values = np.asarray(values, dtype=float)
    finite = np.isfinite(values)
    low, high = (float(values[finite].min()), float(values[finite].max())) if finite.any() else (0.0, 1.0)
    span = high - low or 1.0
    levels = np.full(values.shape, _MISSING, dtype=np.uint8)
    levels[finite] = np.round((values[finite] - low) / span * _LEVELS).astype(np.uint8)
    return {"low": round(low, 5), "high": round(low + span, 5), "levels": _encode(levels)}


def _encode(array: NDArray[Any]) -> str:
    """Little-endian bytes, deflated, as base64."""
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    return base64.b64encode(zlib.compress(little.tobytes(), 9)).decode()
