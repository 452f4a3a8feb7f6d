"""Transfer matrices: what every lead records of the transmembrane potential.

In the bidomain view of the beating heart in a passive body (Geselowitz & Miller 1983, Ann. Biomed. Eng. 11:191),

    div((sigma_i + sigma_e) grad phi) = -div(sigma_i grad v)   in the ventricular wall,
    div(sigma grad phi) = 0                                    elsewhere, no flux through the skin,

the potential of a lead with lead field Z is phi = -integral of grad Z . sigma_i grad v, which on the voxels is
phi = Z^T (h^3 A) v with A v = div(sigma_i grad v) without flux through the wall's surface. A wavefront that moves
towards an electrode gives it a positive deflection.
"""

import numpy as np
import scipy.sparse as sp
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.image import LIMB_ELECTRODES, LabelImage
from transmural.stores.config.physics import Torso
from transmural.stores.errors import GeometryError
from transmural.tissue.diffusion import diffusion_operator, transversely_isotropic
from transmural.torso.coarsening import nodal_transfer
from transmural.torso.conductivity import bulk_conductivity
from transmural.torso.electrodes import attach_to_skin
from transmural.torso.lead_field import lead_fields
from transmural.torso.leads import REFERENCE, leads
from transmural.torso.octree import graded_hexahedra


def transfer(anatomy: xr.Dataset, config: Torso) -> xr.Dataset:
    """Transfer matrices of a subject, from voxels and from inference nodes to all its leads.

    Parameters
    ----------
    anatomy
        As `transmural.stores.contracts.ANATOMY` says, with attributes ``spacing_mm`` and ``origin_mm``.
    config
        Conductivities (S/m) and element sizes (mm).

    Returns
    -------
    xarray.Dataset
        As `transmural.stores.contracts.TRANSFER` says: ``transfer_fine`` (lead, voxel) and ``transfer``
        (lead, node), from the nodes' means, in mV per mV; rows sum to zero. Also ``lead_field``
        (lead, voxel) in 1 / (S/m * mm) and ``electrode_on_skin`` (skin_electrode, xyz) in mm.

    Raises
    ------
    ConfigurationError
        If the element sizes are in the wrong order or ask for too large a mesh.
    GeometryError
        If the anatomy lacks the 12-lead electrodes, or the body is not one connected piece.
    """
    matrices = voxel_transfer(anatomy, config)
    fine = matrices["transfer_fine"].values
    coarse = nodal_transfer(
        fine,
        _source(anatomy, config),
        anatomy["voxel_node"].values.astype(np.int64),
        anatomy.sizes["node"],
        image_of(anatomy).position(anatomy["voxel_index"].values.astype(np.int64)),
    )
    return matrices.assign(transfer=(("lead", "node"), balanced(coarse)))


def voxel_transfer(anatomy: xr.Dataset, config: Torso) -> xr.Dataset:
    """All of `transfer` but the matrix from the inference nodes, for whoever only makes ECGs on the fine grid."""
    image = image_of(anatomy)
    voxel_index = anatomy["voxel_index"].values.astype(np.int64)
    fibre = anatomy["fibre"].values.astype(float)
    montage = leads(tuple(str(name) for name in anatomy["electrode"].values))
    skin = attach_to_skin(image, electrode_positions(anatomy))

    mesh = graded_hexahedra(image, config.heart_element_mm, config.body_element_mm)
    bulk = bulk_conductivity(mesh, image, voxel_index, fibre, config.conductivity)
    at_electrodes = mesh.interpolation(skin, "electrodes")
    field = lead_fields(mesh, bulk, at_electrodes, montage.weights)
    field = (mesh.interpolation(image.position(voxel_index), "myocardial voxels") @ field).T

    fine = balanced(np.asarray((_source(anatomy, config).T @ field.T).T))
    return xr.Dataset(
        {
            "transfer_fine": (("lead", "voxel"), fine),
            "montage": (("lead",), np.array(montage.montage)),
            "lead_field": (
                ("lead", "voxel"),
                field,
                {"units": "1/(S/m mm)", "long_name": "potential per unit current through the lead's electrodes"},
            ),
            "electrode_on_skin": (
                ("skin_electrode", "xyz"),
                skin,
                {"units": "mm", "long_name": "point of the body surface to which the electrode is attached"},
            ),
        },
        coords={"lead": np.array(montage.names)},
        attrs={
            "reference": REFERENCE,
            "elements": len(mesh.lower),
            "unknowns": mesh.prolongation.shape[1],
            "element_mm": sorted({float(mesh.unit_mm * 2.0**level) for level in np.unique(mesh.level)}),
        },
    )


def image_of(anatomy: xr.Dataset) -> LabelImage:
    """The label image of an anatomy."""
    return LabelImage(
        np.asarray(anatomy["labels"].values, dtype=np.uint8),
        float(anatomy.attrs["spacing_mm"]),
        np.asarray(anatomy.attrs["origin_mm"], dtype=float),
    )


def cardiac_source(
    voxel_index: NDArray[np.integer], spacing_mm: float, fibre: NDArray[np.floating], config: Torso
) -> sp.csr_matrix:
    """Current that every voxel gives off, from the transmembrane potentials of all voxels.

    Parameters
    ----------
    voxel_index, spacing_mm, fibre
        Myocardial voxels on their grid, and unit vectors along their fibres.
    config
        Has the intracellular conductivities in S/m.

    Returns
    -------
    scipy.sparse.csr_matrix
        Current in (S/m * mm) mV per mV, shape (voxel, voxel), symmetric, zero row sums.
    """
    intracellular = transversely_isotropic(
        fibre, config.conductivity.intracellular_along, config.conductivity.intracellular_across
    )
    return sp.csr_matrix(spacing_mm**3 * diffusion_operator(voxel_index, spacing_mm, intracellular))


def _source(anatomy: xr.Dataset, config: Torso) -> sp.csr_matrix:
    fibre = anatomy["fibre"].values.astype(float)
    return cardiac_source(
        anatomy["voxel_index"].values.astype(np.int64), float(anatomy.attrs["spacing_mm"]), fibre, config
    )


def electrode_positions(anatomy: xr.Dataset) -> NDArray[np.float64]:
    """Body-surface electrodes, then those of the 12-lead ECG in the order of `LIMB_ELECTRODES`."""
    names = [str(name) for name in anatomy["limb_electrode"].values]
    missing = [name for name in LIMB_ELECTRODES if name not in names]
    if missing:
        raise GeometryError(
            f"anatomy: limb_electrode lacks {', '.join(missing)}; the leads need all of {', '.join(LIMB_ELECTRODES)}"
        )
    limb = anatomy["limb_electrode_position"].values[[names.index(name) for name in LIMB_ELECTRODES]]
    return np.concatenate([anatomy["electrode_position"].values, limb]).astype(float)


def balanced(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take what rounding left of the row sums off the rows, evenly: a constant potential gives nothing."""
    return np.asarray(matrix - matrix.mean(axis=1, keepdims=True))
