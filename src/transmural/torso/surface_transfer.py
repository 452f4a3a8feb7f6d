"""Transfer matrices from a closed surface of the ventricles to body-surface electrodes, in mV per mV.

Two matrices, which differ in what is given on the surface.

``transmembrane``, on the surface of the wall: the transmembrane potential v, seen against Wilson's central terminal. A
lead with lead field Z records −∫ ∇Z · σᵢ∇v dV over the wall, and by Green's identity

    −∫ ∇Z · σᵢ∇v dV = −∮ v n·σᵢ∇Z dS + ∫ v ∇·(σᵢ∇Z) dV.

Where intracellular and extracellular conductivity have the same anisotropy ratio, ∇·(σᵢ∇Z) is zero: only the double
layer on the surface is left, and any v inside the wall with the same values on the surface gives the same potentials
(D. B. Geselowitz, Biophys J 7, 1–11, 1967). We take the smoothest, ∇·(σᵢ∇v) = 0, with the project's own lead fields on
the voxels: the double layer without any gradient at a border between tissues, exactly zero for a constant v.

``potential``: the extracellular potential φ on the surface. Outside, φ solves ∇·(σ∇φ) = 0 without flux through the
skin, and is what is given on the surface. That is imposed by a penalty (I. Babuška, Math Comp 27, 221–228, 1973) on
finite elements that don't follow the surface, from which its inside is cut out: the muscle alone, and cavities if they
lie within. Potentials at electrodes have the reference of those on the heart, so that a constant φ is seen as that
constant. An electrocardiograph has no such reference; but it is what papers on heart-surface potentials assume.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import scipy.sparse as sp
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.image import MYOCARDIUM, Label, LabelImage
from transmural.anatomy.montage import body_surface_montage
from transmural.anatomy.surface_points import nearest_on_surface, spread_points
from transmural.stores.config.physics import Torso
from transmural.stores.errors import GeometryError
from transmural.tissue.neighbours import FACES, neighbours
from transmural.torso.conductivity import bulk_conductivity
from transmural.torso.electrodes import attach_to_skin
from transmural.torso.lead_field import stiffness
from transmural.torso.leads import REFERENCE
from transmural.torso.octree import graded_hexahedra
from transmural.torso.solver import solve_positive_definite
from transmural.torso.transfer import balanced, cardiac_source, image_of, voxel_transfer

Floats = NDArray[np.float64]
Matrix = Literal["transmembrane", "potential"]

# Penalty, in conductivities of the torso over the elements' edge: the error of potentials is one over it, and large
# values make potentials between the elements' corners stiff.
_PENALTY = 30.0
_POINTS_PER_ELEMENT = 2


def surface_transfer(
    anatomy: xr.Dataset,
    surface: xr.Dataset,
    config: Torso,
    matrix: Matrix = "transmembrane",
    electrodes: Sequence[int] = (120, 352),
) -> xr.Dataset:
    """The transfer matrix of a heart's surface to montages of electrodes.

    Parameters
    ----------
    anatomy
        Of the subject (`transmural.stores.contracts.ANATOMY`).
    surface
        From `transmural.anatomy.heart_surface.heart_surface`; the wall's for "transmembrane".
    config
        Conductivities (S/m) and element sizes (mm).
    matrix
        "transmembrane" or "potential"; see the module.
    electrodes
        Sizes of the montages (`transmural.anatomy.montage.body_surface_montage`), which share one dimension ``lead``.

    Returns
    -------
    xarray.Dataset
        Fulfils `transmural.stores.contracts.SURFACE_TRANSFER`: the surface, ``transfer`` (lead, vertex),
        ``montage_size`` (lead,) and ``electrode_position`` (lead, xyz) in mm; attributes ``matrix`` and ``reference``.
        With "transmembrane" also ``transfer_fine`` (lead, voxel). Rows sum to zero, those of "potential" to one.

    Raises
    ------
    ConfigurationError
        As `transmural.torso.transfer.transfer`.
    GeometryError
        Likewise; or if the surface isn't the wall's.
    """
    body = with_montages(anatomy, electrodes)
    vertex, face = surface["vertex_position"].values.astype(float), surface["face"].values
    if matrix == "transmembrane":
        if surface.attrs["surface"] != "wall":
            raise GeometryError("heart surface: a transmembrane matrix needs the surface of the wall")
        leads = voxel_transfer(body, config)
        fine = leads["transfer_fine"].values[leads["montage"].values == "body_surface"]
        found = {
            "transfer": (("lead", "vertex"), transmembrane_matrix(body, fine, vertex, face, config)),
            "transfer_fine": (("lead", "voxel"), fine),
        }
    else:
        cut = MYOCARDIUM if surface.attrs["surface"] == "wall" else (*MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD)
        found = {"transfer": (("lead", "vertex"), potential_matrix(body, vertex, face, config, cut))}
    return surface.assign(
        {
            **found,
            "montage_size": ("lead", np.repeat(electrodes, electrodes)),
            "electrode_position": (("lead", "xyz"), body["electrode_position"].values),
        }
    ).assign_coords(lead=body["electrode"].values.astype(str)).assign_attrs(
        matrix=matrix, reference=REFERENCE if matrix == "transmembrane" else "that of the heart's potentials"
    )  # fmt: skip


def with_montages(anatomy: xr.Dataset, electrodes: Sequence[int]) -> xr.Dataset:
    """The anatomy with montages of the given sizes for its body-surface electrodes, named ``120-E001`` and so on."""
    montages = [body_surface_montage(image_of(anatomy), count) for count in electrodes]
    names = [f"{count}-{name}" for count, one in zip(electrodes, montages, strict=True) for name in one.names]
    position = np.concatenate([one.positions_mm for one in montages])
    return anatomy.drop_dims("electrode").assign_coords(electrode=names).assign(
        electrode_position=(("electrode", "xyz"), position)
    )  # fmt: skip


def transmembrane_matrix(
    anatomy: xr.Dataset,
    transfer_fine: NDArray[np.floating],
    vertex_mm: NDArray[np.floating],
    face: NDArray[np.integer],
    config: Torso,
) -> Floats:
    """Lead potential (mV) per transmembrane potential (mV) at each vertex of the wall's surface, shape (lead, vertex).

    Parameters
    ----------
    anatomy
        Has the wall's voxels and fibres.
    transfer_fine
        Lead potential per transmembrane potential of a voxel, shape (lead, voxel), rows that sum to zero.
    vertex_mm, face
        The wall's surface, shapes (vertex, 3) and (face, 3).
    config
        Has the intracellular conductivities.
    """
    index, position = anatomy["voxel_index"].values.astype(np.int64), anatomy["voxel_position"].values.astype(float)
    spacing = float(anatomy.attrs["spacing_mm"])
    source = cardiac_source(index, spacing, anatomy["fibre"].values.astype(float), config)
    given = nearest_on_surface(position, vertex_mm, face)
    # From a voxel's centre to the surface there is a layer of muscle, across its fibres; its thickness is that of half
    # a voxel, but for the steps of the voxels.
    depth = np.linalg.norm(given @ np.asarray(vertex_mm, dtype=float) - position, axis=1)
    outer_faces = (neighbours(index, FACES) < 0).sum(axis=1)
    layer = config.conductivity.intracellular_across * spacing**2 * outer_faces
    coupling = sp.diags(layer / np.clip(depth, spacing / 4, spacing))
    # v = (K − S)⁻¹ K v_surface, S being the source and K the coupling; both are symmetric, so that one solve a lead
    # is enough instead of one a vertex.
    seen = solve_positive_definite(sp.csr_matrix(coupling - source), np.asarray(transfer_fine, dtype=float).T, position)
    return balanced((given.T @ (coupling @ seen)).T)


def potential_matrix(
    anatomy: xr.Dataset,
    vertex_mm: NDArray[np.floating],
    face: NDArray[np.integer],
    config: Torso,
    cut: Sequence[Label] = MYOCARDIUM,
) -> Floats:
    """Potential of electrodes (mV) per extracellular potential (mV) at each vertex, shape (electrode, vertex).

    Parameters
    ----------
    anatomy
        Has the labels and the electrodes.
    vertex_mm, face
        The closed surface, shapes (vertex, 3) and (face, 3).
    config
        Conductivities and element sizes.
    cut
        Tissues within the surface.
    """
    image = image_of(anatomy)
    mesh = graded_hexahedra(image, config.heart_element_mm, config.body_element_mm)
    labels = np.where(np.isin(image.labels, cut), np.uint8(Label.AIR), image.labels)
    outside = LabelImage(labels, image.spacing_mm, image.origin_mm)
    bulk = bulk_conductivity(mesh, outside, np.zeros((0, 3), dtype=np.int64), np.zeros((0, 3)), config.conductivity)

    interpolation, area = spread_points(vertex_mm, face, config.heart_element_mm / _POINTS_PER_ELEMENT)
    on_surface = mesh.interpolation(interpolation @ np.asarray(vertex_mm, dtype=float), "heart surface")
    penalty = sp.diags(_PENALTY * config.conductivity.torso / config.heart_element_mm * area)
    system = sp.csr_matrix(stiffness(mesh, bulk) + on_surface.T @ penalty @ on_surface)

    skin = attach_to_skin(image, anatomy["electrode_position"].values.astype(float))
    electrodes = mesh.interpolation(skin, "electrodes")
    response = solve_positive_definite(system, electrodes.T.toarray(), mesh.unknown_mm)
    given = sp.csr_matrix(on_surface.T @ penalty @ interpolation)
    found = np.asarray((given.T @ response).T)
    # What the solver's tolerance left: a constant is that constant everywhere.
    return np.asarray(found / found.sum(axis=1, keepdims=True))
