"""A subject of the configuration becomes the same anatomy, whichever way it is described."""

import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import scipy.io
import yaml
from pydantic import TypeAdapter, ValidationError
from skimage.measure import marching_cubes

from transmural.anatomy.image import LIMB_ELECTRODES, Label
from transmural.anatomy.phantom import phantom
from transmural.anatomy.subjects import load_subject
from transmural.stores import config as configuration
from transmural.stores.config import Anatomy, Subject
from transmural.stores.errors import ConfigurationError, GeometryError

PHANTOM = {
    "source": "phantom",
    "lv_length_mm": 70,
    "lv_radius_mm": 22,
    "lv_wall_mm": 10,
    "rv_radius_mm": 24,
    "rv_wall_mm": 4,
    "heart_centre_mm": [25, -25, 0],
    "azimuth_deg": -40,
    "elevation_deg": 45,
    "roll_deg": 10,
    "torso_semi_axes_mm": [150, 110],
    "torso_height_mm": 300,
    "lung_scale": 0.9,
}
ANATOMY = Anatomy(voxel_mm=3.0, nodes=100, electrodes=16, fibre_endocardium_deg=60, fibre_epicardium_deg=-60)
# Right, front, head; and centimetres with the head along y and the left along -z: neither is the project's frame.
TO_WORLD = np.diag([-1.0, -1.0, 1.0])
TO_FILE = 0.1 * np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])


def subject(**content):
    return TypeAdapter(Subject).validate_python(content)


def load(content, base, name="lab"):
    return load_subject(name, subject(**content), ANATOMY, base)


@pytest.fixture(scope="module")
def reference():
    return phantom(subject(**PHANTOM), 3.0, 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, reference):
    """The phantom as a lab would bring it: NIfTI with CSV in RAS millimetres, and surfaces in centimetres."""
    image, electrodes = reference
    base = tmp_path_factory.mktemp("lab")
    affine = np.eye(4)
    affine[:3, :3] = 3.0 * TO_WORLD
    affine[:3, 3] = TO_WORLD @ image.origin_mm
    nib.save(nib.Nifti1Image(image.labels, affine), base / "heart.nii.gz")
    table(base / "leads.csv", electrodes.names, electrodes.positions_mm @ TO_WORLD.T)
    limbs = electrodes.positions_mm[:10] @ TO_WORLD.T
    table(base / "limbs.csv", LIMB_ELECTRODES, limbs)
    wall = np.isin(image.labels, (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM))
    for name, mask in (("heart", wall), ("torso", image.labels > 0), ("lung", image.labels == Label.LUNG)):
        points, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(float), 0.5)
        points = ((points - 1) * 3.0 + image.origin_mm) @ TO_FILE.T
        scipy.io.savemat(base / f"{name}.mat", {name: {"points": points, "cells": faces + 1}})
    table(base / "leads_cm.csv", electrodes.names, electrodes.positions_mm @ TO_FILE.T)
    scipy.io.savemat(base / "leads.mat", {"nodes": np.arange(1, 41)})
    return base


def table(path, names, positions):
    rows = [f"{name},{x:.6f},{y:.6f},{z:.6f}" for name, (x, y, z) in zip(names, positions, strict=True)]
    path.write_text("name,x,y,z\n" + "\n".join(rows))


IMAGE = {
    "source": "label_image",
    "image": "heart.nii.gz",
    "labels": {"torso": 1, "lung": 2, "lv_myocardium": 3, "rv_myocardium": 4, "lv_blood": 5, "rv_blood": 6},
    "electrodes": "leads.csv",
}
SURFACES = {
    "source": "surfaces",
    "heart": "heart.mat",
    "torso": "torso.mat",
    "electrodes": "leads_cm.csv",
    "millimetres_per_unit": 10,
    "left": tuple(TO_FILE[:, 0]),
    "head": tuple(TO_FILE[:, 2]),
}


def test_a_phantom_is_itself(reference):
    image, electrodes = load(PHANTOM, None)
    assert (image.labels == reference[0].labels).all()
    assert np.array_equal(electrodes.positions_mm, reference[1].positions_mm)


def test_a_label_image_in_world_coordinates_comes_back_in_the_frame(folder, reference):
    image, electrodes = load({**IMAGE, "limb_electrodes": "limbs.csv"}, folder)
    first = np.argwhere(reference[0].labels > 0).min(axis=0)
    shift = np.argwhere(image.labels > 0).min(axis=0) - first
    assert image.origin_mm + 3.0 * shift == pytest.approx(reference[0].origin_mm, abs=1e-3)
    filled = np.argwhere(reference[0].labels > 0)
    assert (image.labels[tuple((filled + shift).T)] == reference[0].labels[tuple(filled.T)]).all()
    assert electrodes.names == reference[1].names
    assert electrodes.positions_mm == pytest.approx(reference[1].positions_mm, abs=1e-4)
    assert electrodes.limb_positions_mm == pytest.approx(reference[1].positions_mm[:10], abs=1e-4)


def test_surfaces_in_other_units_and_axes_come_back_in_the_frame(folder, reference):
    image, electrodes = load({**SURFACES, "lungs": ["lung.mat"]}, folder)
    assert electrodes.positions_mm == pytest.approx(reference[1].positions_mm, abs=1e-4)
    for label in ("LUNG", "LV_MYOCARDIUM", "LV_BLOOD", "RV_BLOOD"):
        before, after = (np.argwhere(each.labels == Label[label]) for each in (reference[0], image))
        assert len(after) == pytest.approx(len(before), rel=0.08), label
        assert image.position(after).mean(axis=0) == pytest.approx(
            reference[0].position(before).mean(axis=0), abs=1.5
        ), label


def test_node_numbers_mean_vertices_of_the_torso_file(folder):
    _, electrodes = load({**SURFACES, "electrodes": "leads.mat"}, folder)
    points = scipy.io.loadmat(folder / "torso.mat", squeeze_me=True)["torso"]["points"].item()
    assert electrodes.positions_mm @ TO_FILE.T == pytest.approx(points[:40], abs=1e-6)


BAD = {
    "absent image": ({**IMAGE, "image": "none.nii"}, r"subject 'lab': image: there is no file .*none\.nii"),
    "absent electrodes": ({**IMAGE, "electrodes": "none.csv"}, r"subject 'lab': electrodes: there is no file"),
    "image with node numbers": ({**IMAGE, "electrodes": "leads.mat"}, r"node numbers of a body surface, but there is"),
    "absent surface": ({**SURFACES, "heart": "none.stl"}, r"subject 'lab': heart: there is no file"),
    "absent lung": ({**SURFACES, "lungs": ["lung.mat", "none.stl"]}, r"lungs\.1: there is no file"),
    "wrong units": ({**SURFACES, "millimetres_per_unit": 1}, r"torso \(torso\.mat\) is [\d.]+ mm across.*_per_unit"),
    "wrong axes": ({**SURFACES, "left": (1, 0, 0), "head": (1, 0, 0)}, r"are 0° apart, expected 90°"),
    "heart and torso swapped": ({**SURFACES, "heart": "torso.mat", "torso": "heart.mat"}, r"torso \(heart\.mat\) is"),
    "incomplete limbs": ({**IMAGE, "limb_electrodes": "leads.csv"}, r"limb_electrodes: .* lacks RA, LA"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_with_subject_and_object(folder, case):
    content, message = BAD[case]
    with pytest.raises(GeometryError, match=message) as caught:
        load(content, folder)
    assert "\n" not in str(caught.value)


def test_an_unknown_public_file_is_a_configuration_error(folder):
    with pytest.raises(ConfigurationError, match=r"no public file 'kit/heart\.ply'"):
        load({**SURFACES, "heart": "public:kit/heart.ply"}, folder)


def test_an_stl_torso_has_no_node_numbers(folder, tmp_path):
    (tmp_path / "torso.stl").write_text("solid\nendsolid\n")
    content = {**SURFACES, "torso": str(tmp_path / "torso.stl"), "electrodes": "leads.mat"}
    with pytest.raises(GeometryError, match="STL"):
        load(content, folder)


@pytest.mark.parametrize(
    "change",
    [{"lv_endocardium": "lv.stl"}, {"rv_endocardium": "rv.stl"}, {"heart": []}, {"millimetres_per_unit": 0}],
)
def test_the_configuration_refuses_incomplete_surfaces(change):
    with pytest.raises(ValidationError):
        subject(**{**SURFACES, **change})


def test_the_configuration_refuses_unknown_tissues():
    with pytest.raises(ValidationError, match="labels"):
        subject(**{**IMAGE, "labels": {"heart": 1}})


def test_the_examples_of_the_documentation_are_valid():
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    examples = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    sources = [subject(**each).source for example in examples for each in example.get("subjects", {}).values()]
    assert sources == ["surfaces", "label_image"]
    config = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text(encoding="utf-8"))
    archive = next(example for example in examples if "sequence_models" in example)
    config["sequence_models"] |= archive["sequence_models"]
    assert configuration.load(config).sequence_models.archive == "/data/intracardiac"
