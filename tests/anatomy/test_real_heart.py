"""Real human hearts become plausible anatomies: chambers, septum, base and pose as a cardiologist expects them."""

import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import ndimage
from scipy.spatial import cKDTree

from transmural.anatomy.build import build_anatomy
from transmural.anatomy.cavities import find_ventricles
from transmural.anatomy.downloads import fetch, registry
from transmural.anatomy.image import MYOCARDIUM, Label
from transmural.anatomy.nodes import aggregate
from transmural.anatomy.subjects import load_subject
from transmural.anatomy.surface_files import read_surface
from transmural.anatomy.triangles import check_closed, merged, oriented_volume_mm3
from transmural.anatomy.voxelise import voxelise
from transmural.anatomy.wall import Wall
from transmural.stores.config import Anatomy
from transmural.stores.config.subjects import Surfaces
from transmural.stores.contracts import ANATOMY, check
from transmural.stores.errors import GeometryError

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("TRANSMURAL_DATA") or ROOT.parent / "shared" / "data")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="no real data: set TRANSMURAL_DATA to a folder with the public files (docs/data.md)"
)


@pytest.fixture(scope="module", autouse=True)
def local_data():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRANSMURAL_DATA", str(DATA))
        yield


@pytest.fixture(scope="module")
def anatomy():
    overlay = yaml.safe_load((ROOT / "config" / "real.yaml").read_text()).get("anatomy", {})
    return Anatomy(**{**yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["anatomy"], **overlay})


@pytest.fixture(scope="module")
def subject():
    return Surfaces(**yaml.safe_load((ROOT / "config" / "real.yaml").read_text())["subjects"]["kit"])


@pytest.fixture(scope="module")
def kit(subject, anatomy, local_data):
    return load_subject("kit", subject, anatomy, ROOT)


@pytest.fixture(scope="module")
def built(kit, anatomy):
    return build_anatomy(*kit, anatomy, "kit")


def centre(image, *labels):
    return image.position(np.argwhere(np.isin(image.labels, labels))).mean(axis=0)


def volume_ml(image, *labels):
    return np.isin(image.labels, labels).sum() * image.spacing_mm**3 / 1000


@pytest.mark.parametrize(
    "key", [f"{folder}/{file}" for folder, source in registry().items() for file in source["files"]]
)
def test_registered_files_are_those_of_the_local_folder(key):
    if not (DATA / key.split("/")[0]).is_dir():
        pytest.skip(f"{key.split('/')[0]} is not in the local folder")
    assert fetch(key) == DATA / key


def test_wall_volume_is_that_of_the_surface(kit):
    image, _ = kit
    heart = read_surface(fetch("kit-delay-regularization/ventricles/geometry/heart.ply"), "heart")
    assert volume_ml(image, *MYOCARDIUM) == pytest.approx(oriented_volume_mm3(heart) / 1000, rel=0.005)
    assert volume_ml(image, *MYOCARDIUM) == pytest.approx(281, rel=0.01)


def test_left_ventricle_is_thick_and_lies_left_and_behind_the_right_one(kit):
    image, _ = kit
    left, right = centre(image, Label.LV_BLOOD), centre(image, Label.RV_BLOOD)
    assert left[0] > right[0] + 20
    assert left[1] > right[1] + 10
    assert volume_ml(image, Label.LV_MYOCARDIUM) > 2 * volume_ml(image, Label.RV_MYOCARDIUM)


def test_heart_lies_left_of_the_midline_and_in_front(kit):
    image, _ = kit
    body = image.position(np.argwhere(image.labels > 0))
    heart = centre(image, *MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD)
    middle = (body.min(axis=0) + body.max(axis=0)) / 2
    assert 15 < heart[0] - middle[0] < 80
    assert heart[1] < middle[1] - 20


def test_the_body_stands_upright_and_faces_forward(kit):
    # Shoulders (the widest level) at the head's end; the back is flat, the chest recedes towards the neck.
    image, electrodes = kit
    body = image.labels > 0
    level = np.argwhere(body.any(axis=(0, 1))).ravel()
    width = np.array([np.ptp(np.flatnonzero(body[:, :, k].any(axis=1))) for k in level])
    upper = len(level) * 3 // 4
    assert width[upper:].max() > 1.1 * width[: len(level) // 2].max()
    slices = [np.flatnonzero(body[:, :, k].any(axis=0)) for k in level[[len(level) // 4, -len(level) // 6]]]
    front, back = (np.array([s[end] for s in slices]) * image.spacing_mm for end in (0, -1))
    assert front[1] - front[0] > 40
    assert abs(back[1] - back[0]) < 15
    assert len(electrodes.names) == 200


def test_apex_points_left_forward_and_down(built):
    apex = np.array(built.attrs["apex_direction"])
    assert apex[0] > 0.2
    assert apex[1] < -0.2
    assert apex[2] < -0.2


def test_cavities_are_whole_and_apart(kit):
    image, _ = kit
    for label, least in ((Label.LV_BLOOD, 150), (Label.RV_BLOOD, 150)):
        mask = image.labels == label
        _, count = ndimage.label(mask)
        assert count == 1, label.name
        assert least < volume_ml(image, label) < 300
    touching = ndimage.binary_dilation(image.labels == Label.LV_BLOOD) & (image.labels == Label.RV_BLOOD)
    assert touching.sum() < 5


def test_walls_are_whole_and_the_septum_lies_between_the_pools(kit):
    image, _ = kit
    for label in MYOCARDIUM:
        parts = ndimage.label(image.labels == label, np.ones((3, 3, 3)))[0]
        assert np.bincount(parts.ravel())[1:].max() > 0.99 * (parts > 0).sum(), label.name
    line = np.linspace(centre(image, Label.LV_BLOOD), centre(image, Label.RV_BLOOD), 200)
    labels = image.labels[tuple(np.rint((line - image.origin_mm) / image.spacing_mm).astype(int).T)]
    order = labels[np.flatnonzero(np.diff(labels, prepend=-1))]
    assert order.tolist() == [Label.LV_BLOOD, Label.LV_MYOCARDIUM, Label.RV_BLOOD]


def test_the_chambers_do_not_depend_on_the_resolution(subject, anatomy, kit):
    coarse, _ = load_subject("kit", subject, anatomy.model_copy(update={"voxel_mm": 3.5}), ROOT)
    for label in (Label.LV_BLOOD, Label.RV_BLOOD, Label.LV_MYOCARDIUM):
        assert volume_ml(coarse, label) == pytest.approx(volume_ml(kit[0], label), rel=0.05), label.name


def test_electrodes_lie_on_the_skin(kit):
    image, electrodes = kit
    body = image.labels > 0
    skin = image.position(np.argwhere(body & ~ndimage.binary_erosion(body)))
    distance, _ = cKDTree(skin).query(electrodes.positions_mm)
    assert distance.max() < 2 * image.spacing_mm


def test_the_anatomy_is_complete(built):
    check(built, ANATOMY, "kit")
    assert sorted(np.unique(built["segment"])) == list(range(1, 19))
    share = np.bincount(built["segment"].values, minlength=19)[1:18] / (built["segment"].values < 18).sum()
    assert share.min() > 0.005
    assert share.max() < 0.15


def test_the_outer_surface_away_from_the_mouths_is_epicardium(built):
    labels = built["labels"].values
    voxel = tuple(built["voxel_index"].values.T)
    outside, blood = (np.isin(labels, chosen) for chosen in ((0, 1, 2), (Label.LV_BLOOD, Label.RV_BLOOD)))
    mouth = blood & ndimage.binary_dilation(outside)
    away = ndimage.distance_transform_edt(~mouth)[voxel] * built.attrs["spacing_mm"] > 6
    thick = ~ndimage.binary_dilation(blood)[voxel]
    outer = ndimage.binary_dilation(outside)[voxel] & away & thick
    tau = built["transmural"].values[outer]
    assert outer.sum() > 6000
    assert (tau < 0.5).mean() < 0.01
    assert (tau < 0.3).mean() < 0.002


@pytest.mark.parametrize("nodes", [300, 900, 1900])
def test_nodes_of_a_real_heart_are_of_nearly_equal_volume_and_keep_to_one_ventricle(kit, nodes):
    wall = Wall.of(kit[0])
    node = aggregate(wall, nodes)
    voxels = np.bincount(node, minlength=nodes)
    assert voxels.min() > 0.35 * voxels.mean()
    assert voxels.std() < 0.15 * voxels.mean()
    left = np.bincount(node, wall.left) / voxels
    assert ((left == 0) | (left == 1)).mean() > 0.97


def test_matlab_and_ply_files_hold_the_same_heart():
    folder = "kit-delay-regularization/ventricles/geometry"
    for name in ("heart", "torso"):
        ply, mat = (read_surface(fetch(f"{folder}/{name}.{kind}"), name) for kind in ("ply", "mat"))
        assert ply.points == pytest.approx(mat.points, abs=1e-4)
        assert np.array_equal(ply.faces, mat.faces)


def test_chambers_of_the_mean_heart_are_found():
    if not (DATA / "cobiveco").is_dir():
        pytest.skip("cobiveco is not in the local folder")
    surface = read_surface(fetch("cobiveco/geo1/heart.vtp"), "heart")
    heart = merged([surface], surface.name)
    check_closed(heart)
    origin = heart.points.min(axis=0) - 4.0
    shape = tuple(np.ceil((heart.points.max(axis=0) - origin) / 2.0).astype(int) + 3)
    wall = voxelise(heart, origin, 2.0, shape)
    found = find_ventricles(wall, 2.0, "heart")
    assert wall.sum() * 0.008 == pytest.approx(oriented_volume_mm3(heart) / 1000, rel=0.01)
    assert found.lv_wall.sum() > 1.5 * found.rv_wall.sum()
    assert 60 < found.lv_blood.sum() * 0.008 < 200
    assert 60 < found.rv_blood.sum() * 0.008 < 250


def test_patches_with_gaps_between_them_are_named():
    if not (DATA / "cobiveco").is_dir():
        pytest.skip("cobiveco is not in the local folder")
    parts = [read_surface(fetch(f"cobiveco/geo2/heart_{p}.ply"), p) for p in ("base", "epi", "endo_lv", "endo_rv")]
    with pytest.raises(GeometryError, match=r"heart is not a closed surface: 1147 open edges"):
        check_closed(merged(parts, "heart"))
