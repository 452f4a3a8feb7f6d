"""Properties that transfer matrices must have on any anatomy."""

import numpy as np
import pytest
from hearts import activation_front, beat, moved, small_body
from spheres import as_anatomy, settings

from transmural.anatomy.image import Label, LabelImage
from transmural.stores.config import Torso
from transmural.stores.contracts import TRANSFER, check
from transmural.stores.errors import ConfigurationError, GeometryError
from transmural.torso.coarsening import averaging
from transmural.torso.conductivity import bulk_conductivity
from transmural.torso.electrodes import attach_to_skin
from transmural.torso.lead_field import stiffness
from transmural.torso.leads import STANDARD_12, leads
from transmural.torso.octree import graded_hexahedra
from transmural.torso.solver import solve_up_to_constant
from transmural.torso.transfer import cardiac_source, transfer

ANISOTROPIC = Torso.model_validate(
    {
        "conductivity": {
            "torso": 0.22,
            "lung": 0.06,
            "blood": 0.6,
            "intracellular_along": 0.17,
            "intracellular_across": 0.06,
            "extracellular_along": 0.62,
            "extracellular_across": 0.24,
        },
        "heart_element_mm": 4.0,
        "body_element_mm": 16.0,
    }
)


def scaled_conductivities(config: Torso, factor: float) -> Torso:
    values = config.model_dump()
    values["conductivity"] = {key: factor * value for key, value in values["conductivity"].items()}
    return Torso.model_validate(values)


@pytest.fixture(scope="module")
def anatomy():
    return small_body()


@pytest.fixture(scope="module")
def matrices(anatomy):
    return transfer(anatomy, ANISOTROPIC)


def test_transfer_keeps_its_contract_and_states_its_reference(anatomy, matrices):
    check(matrices, TRANSFER, "transfer")
    assert "RA + LA + LL" in matrices.attrs["reference"]
    assert matrices["lead"].values[:2].tolist() == ["E001", "E002"]
    assert matrices["lead"].values[-12:].tolist() == list(STANDARD_12)
    assert STANDARD_12 == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    assert (matrices["montage"].values == "body_surface").sum() == anatomy.sizes["electrode"]


def test_rows_sum_to_zero(matrices):
    for name in ("transfer", "transfer_fine"):
        rows = matrices[name].values
        assert np.abs(rows.sum(axis=1)).max() < 1e-13 * np.abs(rows).sum(axis=1).min()


def test_limb_leads_obey_einthoven_and_goldberger(matrices):
    lead = {str(name): row for name, row in zip(matrices["lead"].values, matrices["transfer"].values, strict=True)}
    assert lead["II"] == pytest.approx(lead["I"] + lead["III"], abs=1e-12)
    assert lead["aVR"] + lead["aVL"] + lead["aVF"] == pytest.approx(np.zeros_like(lead["I"]), abs=1e-12)
    assert lead["aVL"] == pytest.approx((lead["I"] - lead["III"]) / 2, abs=1e-12)


def test_wavefront_towards_an_electrode_gives_a_positive_deflection(anatomy, matrices):
    # Half of the wall is active, the front faces the left: +x.
    potential = matrices["transfer_fine"].values[:24] @ activation_front(anatomy, 4.0)
    x = anatomy["electrode_position"].values[:, 0]
    assert potential[x.argmax()] > 0 > potential[x.argmin()]
    assert np.corrcoef(potential, x)[0, 1] > 0.8


def test_transfer_is_without_unit(anatomy, matrices):
    # Potentials in mV per mV can't depend on the unit of conductivity, nor on that of length.
    fivefold = transfer(anatomy, scaled_conductivities(ANISOTROPIC, 5.0))
    assert fivefold["transfer_fine"].values == pytest.approx(matrices["transfer_fine"].values, abs=1e-10)
    larger = anatomy.copy()
    for name in ("voxel_position", "electrode_position", "limb_electrode_position"):
        larger[name] = anatomy[name] * 2
    larger.attrs = {"spacing_mm": 6.0, "origin_mm": [2 * value for value in anatomy.attrs["origin_mm"]]}
    config = ANISOTROPIC.model_copy(update={"heart_element_mm": 8.0, "body_element_mm": 32.0})
    assert transfer(larger, config)["transfer_fine"].values == pytest.approx(
        matrices["transfer_fine"].values, abs=1e-10
    )


def test_forward_solve_of_a_source_gives_what_the_lead_fields_give(anatomy, matrices):
    image = LabelImage(anatomy["labels"].values, 3.0, np.array(anatomy.attrs["origin_mm"]))
    mesh = graded_hexahedra(image, ANISOTROPIC.heart_element_mm, ANISOTROPIC.body_element_mm)
    index, fibre = anatomy["voxel_index"].values, anatomy["fibre"].values
    conduction = stiffness(mesh, bulk_conductivity(mesh, image, index, fibre, ANISOTROPIC.conductivity))
    v = np.random.default_rng(3).normal(size=(len(index), 4))
    current = cardiac_source(index, 3.0, fibre, ANISOTROPIC) @ v
    load = mesh.interpolation(anatomy["voxel_position"].values, "voxels").T @ current
    potential = solve_up_to_constant(conduction, load, mesh.unknown_mm)
    position = np.concatenate([anatomy["electrode_position"].values, anatomy["limb_electrode_position"].values])
    electrode = mesh.interpolation(attach_to_skin(image, position), "electrodes") @ potential
    forward = leads(tuple(anatomy["electrode"].values)).weights @ electrode
    assert forward == pytest.approx(matrices["transfer_fine"].values @ v, abs=1e-9)


@pytest.mark.parametrize(
    ("permutation", "signs"),
    [((0, 1, 2), (-1, 1, 1)), ((1, 0, 2), (-1, 1, 1)), ((2, 0, 1), (1, 1, 1))],
    ids=["mirrored", "turned about z", "axes cycled"],
)
def test_moving_the_whole_body_changes_no_lead(anatomy, matrices, permutation, signs):
    other = transfer(moved(anatomy, permutation, signs), ANISOTROPIC)
    largest = np.abs(matrices["transfer_fine"].values).max()
    assert other["transfer_fine"].values == pytest.approx(matrices["transfer_fine"].values, abs=1e-7 * largest)


def test_shifting_the_body_against_the_origin_changes_no_lead(anatomy, matrices):
    shifted = anatomy.copy()
    shift = np.array([100.3, -7.7, 55.1])
    for name in ("voxel_position", "electrode_position", "limb_electrode_position"):
        shifted[name] = anatomy[name] + shift
    shifted.attrs = {**anatomy.attrs, "origin_mm": (np.array(anatomy.attrs["origin_mm"]) + shift).tolist()}
    largest = np.abs(matrices["transfer_fine"].values).max()
    assert transfer(shifted, ANISOTROPIC)["transfer_fine"].values == pytest.approx(
        matrices["transfer_fine"].values, abs=1e-7 * largest
    )


def test_nodes_of_one_voxel_have_the_transfer_of_voxels():
    fine = transfer(small_body(node_voxels=1), ANISOTROPIC)
    largest = np.abs(fine["transfer_fine"].values).max()
    # Voxels are numbered alike in both: blocks of one voxel are sorted as voxels are.
    assert fine["transfer"].values == pytest.approx(fine["transfer_fine"].values, abs=0.02 * largest)


def test_transfer_from_nodes_gives_the_leads_of_a_beat(anatomy, matrices):
    tmp = beat(anatomy)
    assert tmp.max(axis=1).min() > 0.9
    mean = averaging(anatomy["voxel_node"].values, anatomy.sizes["node"])
    fine = matrices["transfer_fine"].values @ tmp

    def error(leads):
        return np.linalg.norm(leads - fine) / np.linalg.norm(fine)

    smooth = error(matrices["transfer"].values @ (mean @ tmp))
    constant_in_nodes = error(matrices["transfer_fine"].values @ (mean > 0).T @ (mean @ tmp))
    assert smooth < 0.05
    assert smooth < 0.5 * constant_in_nodes


def test_refining_the_elements_hardly_changes_the_leads(anatomy, matrices):
    finer = transfer(anatomy, ANISOTROPIC.model_copy(update={"heart_element_mm": 3.0, "body_element_mm": 6.0}))
    wave = activation_front(anatomy, 4.0)
    a, b = matrices["transfer_fine"].values @ wave, finer["transfer_fine"].values @ wave
    assert np.linalg.norm(a - b) < 0.05 * np.linalg.norm(b)


def test_missing_limb_electrode_is_named(anatomy):
    with pytest.raises(GeometryError, match="limb_electrode lacks V6"):
        transfer(anatomy.isel(limb_electrode=slice(0, 9)), ANISOTROPIC)


def test_heart_elements_larger_than_the_body_s_are_refused(anatomy):
    config = ANISOTROPIC.model_copy(update={"heart_element_mm": 9.0, "body_element_mm": 4.0})
    with pytest.raises(ConfigurationError, match=r"torso\.heart_element_mm .* exceeds torso\.body_element_mm"):
        transfer(anatomy, config)


def test_myocardium_without_fibres_is_refused(anatomy):
    with pytest.raises(GeometryError, match="3 voxels of 'labels' are myocardium"):
        transfer(anatomy.isel(voxel=slice(3, None)), ANISOTROPIC)


def test_body_in_two_pieces_is_refused():
    labels = np.zeros((40, 12, 12), dtype=np.uint8)
    labels[2:10, 2:10, 2:10] = labels[28:38, 2:10, 2:10] = Label.TORSO
    labels[4:7, 4:7, 4:7] = Label.LV_MYOCARDIUM
    image = LabelImage(labels, 2.0, np.zeros(3))
    anatomy = as_anatomy(image, np.full((3, 3), 4.0), np.full((10, 3), 4.0))
    with pytest.raises(GeometryError, match="falls into 2 separate pieces"):
        transfer(anatomy, settings(2, 4))
