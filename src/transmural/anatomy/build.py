"""From a label image and electrodes to the anatomy that every later stage reads."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from transmural.anatomy.coordinates import ventricular_coordinates
from transmural.anatomy.fibres import rule_based_fibres
from transmural.anatomy.image import LIMB_ELECTRODES, MYOCARDIUM, Electrodes, Label, LabelImage
from transmural.anatomy.landmarks import Landmarks, find_landmarks, without_atria
from transmural.anatomy.montage import standard_electrodes
from transmural.anatomy.nodes import aggregate
from transmural.anatomy.segments import RIGHT_VENTRICLE, aha_segments
from transmural.anatomy.surface_mesh import mask_surface
from transmural.anatomy.validity import check_electrodes, check_labels, check_thickness, clean
from transmural.anatomy.wall import Wall
from transmural.stores.config import Anatomy
from transmural.stores.errors import GeometryError

_HEART_EDGE_MM = 3.3
_TORSO_EDGE_MM = 14.0
_TORSO_SAMPLING_MM = 10.0


def build_anatomy(image: LabelImage, electrodes: Electrodes, config: Anatomy, name: str) -> xr.Dataset:
    """Coordinates, fibres, segments, nodes, electrodes and surfaces of a subject.

    Parameters
    ----------
    image
        Labels with left and right ventricular walls and blood pools (open at the base) in a torso.
    electrodes
        Body-surface electrodes; the 12-lead ones are placed by rule where they are not given.
    config
        Number of nodes and helix angles.
    name
        The subject, for errors and attributes.

    Returns
    -------
    Dataset that fulfils `contracts.ANATOMY`, with ``rotational`` (radian) and ``ventricle`` (0 left, 1 right) besides;
    attributes ``subject``, ``spacing_mm``, ``origin_mm``, ``label_names``, ``apex_direction``, ``septal_direction``,
    ``axis_point_mm``, ``apex_mm``, ``long_axis_mm``.

    Raises
    ------
    GeometryError
        Naming the subject and what in the image or electrodes can't be used.
    """
    try:
        return _build(image, electrodes, config, name)
    except GeometryError as error:
        raise GeometryError(f"subject '{name}': {error}") from None


def _build(image: LabelImage, electrodes: Electrodes, config: Anatomy, name: str) -> xr.Dataset:
    check_labels(image)
    image = clean(image)
    ventricles = without_atria(image)
    wall = Wall.of(ventricles)
    landmarks = find_landmarks(ventricles, wall)
    check_thickness(wall, landmarks)
    limbs = electrodes.limb_positions_mm if electrodes.limb_positions_mm is not None else standard_electrodes(image)
    check_electrodes(image, electrodes.names, electrodes.positions_mm)
    check_electrodes(image, LIMB_ELECTRODES, limbs)

    coordinates = ventricular_coordinates(wall, landmarks)
    fibre = rule_based_fibres(wall, landmarks, coordinates, config.fibre_endocardium_deg, config.fibre_epicardium_deg)
    segment = aha_segments(wall, landmarks, coordinates)
    node = aggregate(wall, config.nodes)
    dataset = xr.Dataset(
        {
            "labels": (("x", "y", "z"), image.labels),
            "voxel_position": (("voxel", "xyz"), wall.position_mm),
            "voxel_index": (("voxel", "xyz"), wall.index.astype(np.int32)),
            "fibre": (("voxel", "xyz"), fibre),
            "transmural": ("voxel", coordinates.transmural),
            "apicobasal": ("voxel", coordinates.apicobasal),
            "rotational": ("voxel", coordinates.rotational),
            "ventricle": ("voxel", np.where(wall.left, 0, 1).astype(np.int8)),
            "segment": ("voxel", segment.astype(np.int32)),
            "voxel_node": ("voxel", node.astype(np.int32)),
            **_nodes(wall, node, segment, coordinates.transmural, coordinates.apicobasal),
            **_surfaces(image, wall, node),
            "electrode_position": (("electrode", "xyz"), electrodes.positions_mm),
            "limb_electrode_position": (("limb_electrode", "xyz"), limbs),
        },
        coords={"electrode": list(electrodes.names), "limb_electrode": list(LIMB_ELECTRODES)},
        attrs=_attributes(image, landmarks, name),
    )
    dataset["rotational"].attrs = {
        "units": "radian",
        "long_name": "angle about the long axis, 0 at mid septum, positive towards the anterior wall",
    }
    dataset["ventricle"].attrs = {"units": "1", "long_name": "0 left ventricle with septum, 1 right ventricle"}
    return dataset


def _nodes(
    wall: Wall,
    node: NDArray[np.int64],
    segment: NDArray[np.int64],
    transmural: NDArray[np.float64],
    apicobasal: NDArray[np.float64],
) -> dict[str, tuple[str | tuple[str, ...], NDArray[np.generic]]]:
    """Means over the voxels of each node, and the segment that most of them belong to."""
    voxels = np.bincount(node)
    position = np.stack([np.bincount(node, wall.position_mm[:, k]) for k in range(3)], axis=1) / voxels[:, None]
    votes = np.zeros((len(voxels), RIGHT_VENTRICLE + 1), int)
    np.add.at(votes, (node, segment), 1)
    return {
        "node_position": (("node", "xyz"), position),
        "node_volume": ("node", voxels * wall.spacing_mm**3),
        "node_transmural": ("node", np.bincount(node, transmural) / voxels),
        "node_apicobasal": ("node", np.bincount(node, apicobasal) / voxels),
        "node_segment": ("node", votes.argmax(axis=1).astype(np.int32)),
    }


def _surfaces(
    image: LabelImage, wall: Wall, node: NDArray[np.int64]
) -> dict[str, tuple[str | tuple[str, ...], NDArray[np.generic]]]:
    heart, heart_faces = mask_surface(np.isin(image.labels, MYOCARDIUM), image, _HEART_EDGE_MM)
    coarser = max(1, round(_TORSO_SAMPLING_MM / image.spacing_mm))
    torso, torso_faces = mask_surface(
        image.labels != Label.AIR, image, _TORSO_EDGE_MM, blur_voxels=0.5, coarser=coarser
    )
    # The node of the nearest voxel, not the nearest centroid, which may lie across a cavity.
    _, nearest = cKDTree(wall.position_mm).query(heart)
    return {
        "heart_vertex": (("heart_vertex", "xyz"), heart),
        "heart_face": (("heart_face", "corner"), heart_faces.astype(np.int32)),
        "heart_vertex_node": ("heart_vertex", node[nearest].astype(np.int32)),
        "torso_vertex": (("torso_vertex", "xyz"), torso),
        "torso_face": (("torso_face", "corner"), torso_faces.astype(np.int32)),
    }


def _attributes(image: LabelImage, landmarks: Landmarks, name: str) -> dict[str, object]:
    return {
        "subject": name,
        "spacing_mm": float(image.spacing_mm),
        "origin_mm": [float(v) for v in image.origin_mm],
        "label_names": {str(int(label)): label.name.lower() for label in Label},
        "apex_direction": landmarks.apex_direction.tolist(),
        "septal_direction": landmarks.septal_direction.tolist(),
        "axis_point_mm": landmarks.axis_point_mm.tolist(),
        "apex_mm": landmarks.apex_mm.tolist(),
        "long_axis_mm": landmarks.length_mm,
    }
