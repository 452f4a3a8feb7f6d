"""ECGs of a sheet without a network: what a surrogate must beat to have learnt something.

The ECG of a sheet is linear in its potentials (`torso.sheet_leads`), so that a linear map of the frames is the natural
baseline. The closed form is the linear map that one knows with the tissue; the sum of the frames' currents needs
nothing but the frames. Ridge weights are chosen by the squared
error on validation sheets, never on test sheets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from transmural.networks.sheet_currents import currents
from transmural.stores.errors import InferenceError

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]

# Relative to the mean eigenvalue of the inputs' second moments.
_RIDGE_WEIGHTS = 10.0 ** np.arange(-9, 3)


def class_mean(ecg: Floats, classes: Sequence[str], test_classes: Sequence[str]) -> Doubles:
    """Mean training ECG of the test sheet's tissue class.

    Parameters
    ----------
    ecg
        Training ECGs, shape (case, time).
    classes, test_classes
        Tissue class of every training and every test sheet.

    Returns
    -------
    Shape (test case, time), in the unit of ``ecg``.

    Raises
    ------
    InferenceError
        If no training sheet is of a test sheet's class.
    """
    known = np.asarray(classes)
    absent = sorted(set(test_classes) - set(known))
    if absent:
        raise InferenceError(
            f"class mean: no training sheet is of class {absent}; trained on {sorted(set(map(str, known)))}"
        )
    means = {name: np.mean(ecg[known == name], axis=0, dtype=np.float64) for name in set(test_classes)}
    return np.stack([means[name] for name in test_classes])


def ridge_on_mean_voltage(
    tmp: Floats, ecg: Floats, validation_tmp: Floats, validation_ecg: Floats, test_tmp: Floats
) -> Doubles:
    """ECG trace by ridge regression from the trace of the mean potential: all frames of one to all frames of the other.

    Parameters
    ----------
    tmp, validation_tmp, test_tmp
        Frames, shape (case, time, row, column).
    ecg, validation_ecg
        Shape (case, time).

    Returns
    -------
    Shape (test case, time), in the unit of ``ecg``.
    """
    trace, validation_trace, test_trace = (
        frames.mean(axis=(2, 3), dtype=np.float64) for frames in (tmp, validation_tmp, test_tmp)
    )
    centre, mean_ecg = trace.mean(axis=0), np.mean(ecg, axis=0, dtype=np.float64)
    inputs, outputs = trace - centre, ecg - mean_ecg
    candidates = _ridge_path(inputs.T @ inputs, inputs.T @ outputs)
    errors = [_squared_error(validation_ecg, mean_ecg + (validation_trace - centre) @ map_) for map_ in candidates]
    found: Doubles = mean_ecg + (test_trace - centre) @ candidates[int(np.argmin(errors))]
    return found


@dataclass(frozen=True, eq=False)
class LearntLeadField:
    """A linear map from the cells of a frame to the ECG at that frame.

    Attributes
    ----------
    field
        Weight of every cell, shape (row, column), in the unit of the ECG.
    constant
        Potential of a sheet at rest. There is none in Eq. 1, but in z-scored ECGs there is.
    """

    field: Doubles
    constant: float

    def ecg(self, tmp: Floats) -> Doubles:
        """Potential in every frame of ``tmp``, shape (case, time, row, column); shape (case, time)."""
        return self.constant + closed_form(tmp, self.field)


def learnt_lead_field(tmp: Floats, ecg: Floats, validation_tmp: Floats, validation_ecg: Floats) -> LearntLeadField:
    """Ridge regression from the cells of a frame to the ECG at that frame, the same for every frame and sheet.

    Parameters
    ----------
    tmp, ecg, validation_tmp, validation_ecg
        As for `ridge_on_mean_voltage`.
    """
    frame = np.mean(tmp, axis=(0, 1), dtype=np.float64)
    centre, mean_ecg = frame.ravel(), float(np.mean(ecg, dtype=np.float64))
    second, moment = np.zeros((frame.size, frame.size)), np.zeros((frame.size, 1))
    for sheet, trace in zip(tmp, ecg, strict=True):  # one at a time: all of them in double precision are large
        frames = _flat(sheet) - centre
        second += frames.T @ frames
        moment[:, 0] += frames.T @ (np.asarray(trace, dtype=np.float64) - mean_ecg)
    candidates = np.concatenate(_ridge_path(second, moment), axis=1)
    constants = mean_ecg - centre @ candidates
    errors = np.zeros(constants.size)
    for sheet, trace in zip(validation_tmp, validation_ecg, strict=True):
        errors += np.sum((constants + _flat(sheet) @ candidates - np.asarray(trace)[:, None]) ** 2, axis=0)
    best = int(np.argmin(errors))
    return LearntLeadField(candidates[:, best].reshape(frame.shape), float(constants[best]))


def tissue_potentials(tmp: Floats, conductive_share: Floats) -> Doubles:
    """Mean potentials over the conductive nodes of every cell, zero where there are none.

    Parameters
    ----------
    tmp
        Means over all nodes, those of patches counting as zero, shape (case, time, row, column).
    conductive_share
        Share of a cell's nodes that conduct, shape (case, row, column).
    """
    share = np.asarray(conductive_share, dtype=np.float64)[:, None]
    return np.divide(tmp, share, out=np.zeros(tmp.shape), where=share > 0)


def frame_currents(tmp: Floats, cell_mm: float, electrode_mm: Floats) -> Doubles:
    """ECGs from the currents that the frames show (`networks.sheet_currents`), up to a factor: D.

    Integrated by parts, Eq. 1 of Ogbomo-Harmitt et al. (2025) is −∫ D∇V · ∇(1/|r − r_e|) dA: a sum of the currents
    between cells, each weighted by its place. Nothing is learnt, and neither D nor patches are given.

    Parameters
    ----------
    tmp
        Frames, shape (case, time, row, column).
    cell_mm
        Edge of a cell.
    electrode_mm
        Position of the electrode, x along columns, y along rows, shape (3,).

    Returns
    -------
    Shape (case, time).
    """
    rows, columns = tmp.shape[2:]
    y, x = np.meshgrid((np.arange(rows) + 0.5) * cell_mm, (np.arange(columns) + 0.5) * cell_mm, indexing="ij")
    weights = []
    for half_x, half_y, axis in ((0.5 * cell_mm, 0.0, 0), (0.0, 0.5 * cell_mm, 1)):
        place = np.stack([x + half_x, y + half_y, np.zeros_like(x)]) - np.asarray(electrode_mm)[:, None, None]
        weights.append(place[axis] / np.linalg.norm(place, axis=0) ** 3)
    field = np.stack(weights).ravel()
    found = []
    for sheet in tmp:
        flows = currents(torch.from_numpy(np.asarray(sheet, dtype=np.float64))[None])[0]
        found.append(flows.flatten(1).numpy() @ field)
    return np.stack(found)


def closed_form(tmp: Floats, lead_field: Floats) -> Doubles:
    """Σ lead field · mean potential of a cell, in every frame (`torso.sheet_leads.cell_lead_fields`).

    Parameters
    ----------
    tmp
        Frames, shape (case, time, row, column); of the tissue, where cells hold patches (`tissue_potentials`).
    lead_field
        Of every sheet, shape (case, row, column), or one for all, shape (row, column).

    Returns
    -------
    Shape (case, time), in the unit of ``lead_field``.
    """
    fields = np.broadcast_to(np.asarray(lead_field, dtype=np.float64), (len(tmp), *tmp.shape[2:]))
    # In double precision: a lead field sums to zero, so that most of the sum cancels.
    return np.stack([_flat(sheet) @ field.ravel() for sheet, field in zip(tmp, fields, strict=True)])


def _ridge_path(second: Doubles, moment: Doubles) -> list[Doubles]:
    """Ridge solutions for all weights from XᵀX, shape (input, input), and XᵀY, shape (input, output)."""
    values, vectors = np.linalg.eigh(second)
    values, turned = np.maximum(values, 0.0), vectors.T @ moment
    scale = max(float(values.mean()), np.finfo(np.float64).tiny)
    return [vectors @ (turned / (values + weight * scale)[:, None]) for weight in _RIDGE_WEIGHTS]


def _flat(sheet: Floats) -> Doubles:
    return np.asarray(sheet, dtype=np.float64).reshape(len(sheet), -1)


def _squared_error(truth: Floats, predicted: Doubles) -> float:
    return float(np.mean((truth - predicted) ** 2))
