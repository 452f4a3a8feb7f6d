"""A subject of the configuration as label image and electrodes, whatever it was made from."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from transmural.anatomy import segmentation, surfaces
from transmural.anatomy.downloads import resolve
from transmural.anatomy.electrode_files import read_electrodes, read_limb_electrodes
from transmural.anatomy.image import Electrodes, LabelImage
from transmural.anatomy.phantom import phantom
from transmural.anatomy.surface_files import read_surface
from transmural.anatomy.triangles import TriangleMesh, merged
from transmural.stores.config import Anatomy, Subject
from transmural.stores.config import subjects as config
from transmural.stores.errors import GeometryError


def load_subject(name: str, subject: Subject, anatomy: Anatomy, base: Path) -> tuple[LabelImage, Electrodes]:
    """Label image and electrodes of a subject.

    Parameters
    ----------
    name
        Name of the subject, for messages.
    subject
        Its section of the configuration: phantom, label image or surfaces.
    anatomy
        Resolution and number of electrodes.
    base
        Folder to which relative file names refer.

    Raises
    ------
    GeometryError
        Naming the subject and what is wrong with which of its objects.
    """
    try:
        if isinstance(subject, config.Phantom):
            return phantom(subject, anatomy.voxel_mm, anatomy.electrodes)
        if isinstance(subject, config.LabelImage):
            return _from_label_image(subject, anatomy.voxel_mm, base)
        return _from_surfaces(subject, anatomy.voxel_mm, base)
    except GeometryError as error:
        raise GeometryError(f"subject '{name}': {error}") from None


def _from_label_image(subject: config.LabelImage, voxel_mm: float, base: Path) -> tuple[LabelImage, Electrodes]:
    values, affine = segmentation.read_segmentation(resolve(subject.image, base))
    named = segmentation.named_tissues(values, subject.labels)
    names, positions = read_electrodes(resolve(subject.electrodes, base))
    limbs = read_limb_electrodes(resolve(subject.limb_electrodes, base)) if subject.limb_electrodes else None
    electrodes = Electrodes(
        names,
        positions * segmentation.WORLD_TO_FRAME,
        None if limbs is None else limbs * segmentation.WORLD_TO_FRAME,
    )
    return segmentation.label_image(named, affine, voxel_mm), electrodes


def _from_surfaces(subject: config.Surfaces, voxel_mm: float, base: Path) -> tuple[LabelImage, Electrodes]:
    to_frame = surfaces.frame_rotation(subject.left, subject.head) * subject.millimetres_per_unit

    def read(value: str, what: str) -> TriangleMesh:
        mesh = read_surface(resolve(value, base), what)
        return replace(mesh, points=mesh.points @ to_frame.T)

    def closed(value: str | list[str] | None, what: str) -> TriangleMesh | None:
        if value is None:
            return None
        parts = [read(part, what) for part in ([value] if isinstance(value, str) else value)]
        return merged(parts, parts[0].name if len(parts) == 1 else f"{what} ({len(parts)} patches)")

    torso = read(subject.torso, "torso")
    heart = closed(subject.heart, "heart")
    if heart is None:
        raise GeometryError("there is no heart")
    parts = surfaces.HeartAndTorso(
        heart,
        merged([torso], torso.name),
        closed(subject.lv_endocardium, "lv_endocardium"),
        closed(subject.rv_endocardium, "rv_endocardium"),
        [merged([lung], lung.name) for lung in (read(value, f"lungs.{n}") for n, value in enumerate(subject.lungs))],
    )
    path = resolve(subject.electrodes, base)
    numbered = path.suffix.lower() == ".mat"
    if numbered and resolve(subject.torso, base).suffix.lower() == ".stl":
        raise GeometryError(
            "electrodes: an STL torso has no node numbers; use a .csv, or a torso as PLY, VTK or MATLAB"
        )
    names, positions = read_electrodes(path, torso.points)
    limbs = read_limb_electrodes(resolve(subject.limb_electrodes, base)) if subject.limb_electrodes else None
    electrodes = Electrodes(
        names,
        positions if numbered else positions @ to_frame.T,
        None if limbs is None else np.asarray(limbs @ to_frame.T),
    )
    return surfaces.label_image(parts, voxel_mm), electrodes
