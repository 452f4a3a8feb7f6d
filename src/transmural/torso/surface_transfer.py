"""Transfer matrices from the closed surface of the ventricular wall to body-surface electrodes.

Two matrices, which differ in what is given on the surface; both in mV per mV, against Wilson's central terminal.

``transmembrane``: the transmembrane potential v. A lead with lead field Z records −∫ ∇Z · σᵢ∇v dV over the wall, and by
Green's identity

    −∫ ∇Z · σᵢ∇v dV = −∮ v n·σᵢ∇Z dS + ∫ v ∇·(σᵢ∇Z) dV.

Where intracellular and extracellular conductivity have the same anisotropy ratio, ∇·(σᵢ∇Z) is zero: only the double
layer on the surface is left, and any v inside the wall with the same values on the surface gives the same potentials
(D. B. Geselowitz, Biophys J 7, 1–11, 1967). We take the smoothest, ∇·(σᵢ∇v) = 0, with the project's own lead fields on
the voxels: the double layer without any gradient at a border between tissues, exactly zero for a constant v.

``potential``: the extracellular potential φ just outside the muscle. In the rest of the body, blood included, φ solves
∇·(σ∇φ) = 0 without flux through the skin, and is what is given on the surface. That is imposed by a penalty (I.
Babuška, Math Comp 27, 221–228, 1973) on finite elements that don't follow the surface, from which the wall is cut out.
"""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.image import MYOCARDIUM, Label, LabelImage
from transmural.anatomy.montage import body_surface_montage
from transmural.anatomy.surface_points import nearest_on_surface, spread_points
from transmural.stores.config.physics import Torso
from transmural.tissue.neighbours import FACES, neighbours
from transmural.torso.conductivity import bulk_conductivity
from transmural.torso.electrodes import attach_to_skin
from transmural.torso.lead_field import stiffness
from transmural.torso.leads import REFERENCE, leads
from transmural.torso.octree import graded_hexahedra
from transmural.torso.solver import solve_positive_definite
from transmural.torso.transfer import balanced, cardiac_source, electrode_positions, image_of, voxel_transfer

Floats = NDArray[np.float64]

# Penalty, in conductivities of the torso over the elements' edge: the error of potentials is one over it, and large
# values make potentials between the elements' corners stiff.
_PENALTY = 30.0
_POINTS_PER_ELEMENT = 2


def surface_transfer(
    anatomy: xr.Dataset, surface: xr.Dataset, config: Torso, electrodes: Sequence[int] = (120, 352)
) -> xr.Dataset:
    """Both transfer matrices of a heart's surface, and the one of its voxels, to montages of electrodes.

    Parameters
    ----------
    anatomy
        Of the subject (`transmural.stores.contracts.ANATOMY`).
    surface
        From `transmural.anatomy.heart_surface.heart_surface`.
    config
        Conductivities (S/m) and element sizes (mm).
    electrodes
        Sizes of the montages (`transmural.anatomy.montage.body_surface_montage`), which share one dimension ``lead``.

    Returns
    -------
    xarray.Dataset
        Fulfils `transmural.stores.contracts.SURFACE_TRANSFER`: the surface, ``transmembrane`` and ``potential``
        (lead, vertex), ``transfer_fine`` (lead, voxel), ``montage_size`` (lead,) and ``electrode_position`` (lead, xyz)
        in mm; rows of all matrices sum to zero.

    Raises
    ------
    ConfigurationError
        As `transmural.torso.transfer.transfer`.
    GeometryError
        Likewise.
    """
    body = with_montages(anatomy, electrodes)
    fine = voxel_transfer(body, config)
    fine = fine.isel(lead=fine["montage"].values == "body_surface")
    vertex, face = surface["vertex_position"].values.astype(float), surface["face"].values
    matrix = fine["transfer_fine"].values
    size = np.repeat(electrodes, electrodes)
    return surface.assign(
        {
            "transmembrane": (("lead", "vertex"), transmembrane_matrix(body, matrix, vertex, face, config)),
            "potential": (("lead", "vertex"), potential_matrix(body, vertex, face, config)),
            "transfer_fine": (("lead", "voxel"), matrix),
            "montage_size": ("lead", size),
            "electrode_position": (("lead", "xyz"), body["electrode_position"].values),
        }
    ).assign_coords(lead=fine["lead"].values).assign_attrs(reference=REFERENCE)  # fmt: skip


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
    anatomy: xr.Dataset, vertex_mm: NDArray[np.floating], face: NDArray[np.integer], config: Torso
) -> Floats:
    """Lead potential (mV) per extracellular potential (mV) at each vertex of the wall's surface, shape (lead, vertex).

    Parameters
    ----------
    anatomy
        Has the labels and the electrodes.
    vertex_mm, face
        The wall's surface, shapes (vertex, 3) and (face, 3).
    config
        Conductivities and element sizes.
    """
    image = image_of(anatomy)
    montage = leads(tuple(str(name) for name in anatomy["electrode"].values))
    weights = montage.weights[np.array(montage.montage) == "body_surface"]
    mesh = graded_hexahedra(image, config.heart_element_mm, config.body_element_mm)
    outside = LabelImage(_without_muscle(image), image.spacing_mm, image.origin_mm)
    bulk = bulk_conductivity(mesh, outside, np.zeros((0, 3), dtype=np.int64), np.zeros((0, 3)), config.conductivity)

    interpolation, area = spread_points(vertex_mm, face, config.heart_element_mm / _POINTS_PER_ELEMENT)
    on_surface = mesh.interpolation(interpolation @ np.asarray(vertex_mm, dtype=float), "heart surface")
    penalty = sp.diags(_PENALTY * config.conductivity.torso / config.heart_element_mm * area)
    system = sp.csr_matrix(stiffness(mesh, bulk) + on_surface.T @ penalty @ on_surface)

    electrodes = mesh.interpolation(attach_to_skin(image, electrode_positions(anatomy)), "electrodes")
    response = solve_positive_definite(system, np.asarray(electrodes.T @ weights.T), mesh.unknown_mm)
    given = sp.csr_matrix(on_surface.T @ penalty @ interpolation)
    return balanced((given.T @ response).T)


def _without_muscle(image: LabelImage) -> NDArray[np.uint8]:
    labels = image.labels.copy()
    labels[np.isin(labels, MYOCARDIUM)] = Label.AIR
    return labels
