"""The embedded phantoms at a few resolutions and poses, each built once a session."""

from functools import cache
from pathlib import Path

import numpy as np
import yaml

from transmural.anatomy.build import build_anatomy
from transmural.anatomy.coordinates import ventricular_coordinates
from transmural.anatomy.fibres import rule_based_fibres
from transmural.anatomy.image import LabelImage
from transmural.anatomy.landmarks import find_landmarks
from transmural.anatomy.phantom import phantom
from transmural.anatomy.phantom_heart import heart_frame
from transmural.anatomy.wall import Wall
from transmural.stores.config import load

STUDY = load(yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text()))
EMBEDDED = ("slender", "broad")


def subject(name, **changes):
    return STUDY.subjects[name].model_copy(update=changes)


def settings(nodes=300, voxel_mm=3.0):
    return STUDY.anatomy.model_copy(update={"nodes": nodes, "voxel_mm": voxel_mm})


@cache
def image_and_electrodes(name, voxel_mm=3.0, **changes):
    return phantom(subject(name, **changes), voxel_mm, 120)


@cache
def anatomy(name, voxel_mm=3.0, nodes=300):
    return build_anatomy(*image_and_electrodes(name, voxel_mm), settings(nodes, voxel_mm), name)


@cache
def solved(name, voxel_mm=3.0, **changes):
    """Wall, landmarks, coordinates and fibres of a phantom in any pose."""
    image, _ = image_and_electrodes(name, voxel_mm, **changes)
    wall = Wall.of(image)
    landmarks = find_landmarks(image, wall)
    coordinates = ventricular_coordinates(wall, landmarks)
    return wall, landmarks, coordinates, rule_based_fibres(wall, landmarks, coordinates, 60.0, -60.0)


def heart_coordinates(name, positions, **changes):
    """Distances (r, s, t) in mm of the phantom's own frame, shape (point, 3)."""
    return np.stack(heart_frame(subject(name, **changes)).local(*np.asarray(positions, float).T), axis=1)


def relabelled(image, change):
    """The image after ``change`` has altered a copy of its labels in place."""
    labels = image.labels.copy()
    change(labels)
    return LabelImage(labels, image.spacing_mm, image.origin_mm)
