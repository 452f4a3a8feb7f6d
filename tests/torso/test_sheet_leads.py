"""The ECG of a sheet: one integral in three forms."""

import numpy as np
import pytest

from transmural.stores.errors import GeometryError
from transmural.tissue.sheets import Sheet
from transmural.torso.sheet_leads import cell_lead_fields, lead_fields, node_positions

ELECTRODES = np.array([[50.0, 50.0, 40.0], [20.0, 70.0, 25.0]])


def a_sheet(nodes=100, patches=True):
    draw = np.random.default_rng(0)
    diffusivity = draw.uniform(0.05, 0.1, (nodes, nodes))
    if patches:
        diffusivity[30:50, 20:60] = 0
    return Sheet(diffusivity, 100.0 / nodes)


def potential(sheet):
    x, y, _ = np.moveaxis(node_positions(sheet.diffusivity.shape, sheet.spacing_mm), -1, 0)
    return np.exp(-((x - 40) ** 2 + (y - 55) ** 2) / 400) * np.where(sheet.conducting, 1, 0)


def test_the_lead_field_gives_the_sum_of_equation_1():
    sheet = a_sheet()
    v, fields = potential(sheet), lead_fields(sheet, ELECTRODES)
    position = node_positions(sheet.diffusivity.shape, sheet.spacing_mm)
    for electrode, field in zip(ELECTRODES, fields, strict=True):
        distance = np.linalg.norm(position - electrode, axis=-1)
        direct = (sheet.divergence(v) / distance).sum() * sheet.spacing_mm**2
        assert (field * v).sum() == pytest.approx(direct, rel=1e-9)
        assert field.sum() == pytest.approx(0, abs=1e-12)
        assert (field[~sheet.conducting] == 0).all()


def test_it_agrees_with_the_dipole_form_and_converges_to_it():
    """φ = −∫ D∇V · ∇(1/r) dA, by parts with no flux through the edges in central differences."""
    errors = []
    for nodes in (100, 200):
        sheet = Sheet(np.full((nodes, nodes), 0.1), 100.0 / nodes)
        v = potential(sheet)
        position = node_positions((nodes, nodes), sheet.spacing_mm)
        offset = position - ELECTRODES[1]
        inverse_gradient = -offset / np.linalg.norm(offset, axis=-1, keepdims=True) ** 3
        down, across = np.gradient(v, sheet.spacing_mm)
        dipoles = 0.1 * (across * inverse_gradient[..., 0] + down * inverse_gradient[..., 1])
        expected = -dipoles.sum() * sheet.spacing_mm**2
        found = (lead_fields(sheet, ELECTRODES[1:])[0] * v).sum()
        errors.append(abs(found / expected - 1))
    assert errors[0] < 0.01
    assert errors[1] < 0.6 * errors[0]


def test_an_upright_wavefront_moving_towards_the_electrode_is_positive():
    sheet = Sheet(np.full((100, 100), 0.1), 1.0)
    x = node_positions((100, 100), 1.0)[..., 0]
    field = lead_fields(sheet, np.array([[80.0, 50.0, 10.0]]))[0]
    behind = 1 / (1 + np.exp((x - 40) / 2))
    assert (field * behind).sum() > 0
    assert (field * (1 - behind)).sum() < 0


def test_cells_sum_lead_fields():
    sheet = a_sheet()
    fields = lead_fields(sheet, ELECTRODES)
    cells = cell_lead_fields(fields, 10)
    assert cells.shape == (2, 10, 10)
    v = np.repeat(np.repeat(np.random.default_rng(1).random((10, 10)), 10, axis=0), 10, axis=1)
    np.testing.assert_allclose((cells * v[::10, ::10]).sum(axis=(1, 2)), (fields * v).sum(axis=(1, 2)), rtol=1e-9)


def test_an_electrode_in_the_plane_is_refused():
    with pytest.raises(GeometryError, match="lies in the sheet's plane"):
        lead_fields(a_sheet(), np.array([[50.0, 50.0, 0.0]]))
