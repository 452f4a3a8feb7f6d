"""The built anatomy keeps its contract, its nodes partition the wall, electrodes lie where they belong, bad input is named."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from phantoms import EMBEDDED, anatomy, image_and_electrodes, relabelled, settings
from scipy import ndimage, sparse
from scipy.spatial import cKDTree

from transmural.anatomy.build import build_anatomy
from transmural.anatomy.image import LIMB_ELECTRODES, MYOCARDIUM, Electrodes, Label, LabelImage
from transmural.anatomy.montage import standard_electrodes
from transmural.anatomy.nodes import aggregate
from transmural.anatomy.surface_mesh import mask_surface
from transmural.anatomy.validity import check_electrodes, clean
from transmural.anatomy.wall import Wall
from transmural.stores.contracts import ANATOMY, check
from transmural.stores.errors import GeometryError
from transmural.stores.store import open_store, write_store


@pytest.mark.parametrize(("voxel_mm", "nodes"), [(3.0, 300), (2.0, 1900)])
@pytest.mark.parametrize("name", EMBEDDED)
def test_anatomy_keeps_its_contract(name, voxel_mm, nodes):
    built = anatomy(name, voxel_mm, nodes)
    check(built, ANATOMY, name)
    assert built.sizes["node"] == nodes
    assert built.sizes["electrode"] == 120


def test_anatomy_survives_its_store(tmp_path):
    built = anatomy("slender")
    write_store(built, tmp_path / "anatomy", ANATOMY, {})
    read = open_store(tmp_path / "anatomy", ANATOMY)
    assert read.attrs["label_names"]["3"] == "lv_myocardium"
    assert read.attrs["origin_mm"] == pytest.approx(built.attrs["origin_mm"])
    assert (read["electrode"].values == built["electrode"].values).all()
    assert read["fibre"].values == pytest.approx(built["fibre"].values, abs=1e-6)


def test_building_twice_gives_the_same_anatomy():
    image, electrodes = image_and_electrodes("slender")
    again = build_anatomy(image, electrodes, settings(), "slender")
    assert again.identical(anatomy("slender"))


def test_voxels_are_where_the_image_has_myocardium():
    built = anatomy("slender")
    labels = built["labels"].values[tuple(built["voxel_index"].values.T)]
    assert np.isin(labels, MYOCARDIUM).all()
    assert ((labels == Label.RV_MYOCARDIUM) == (built["ventricle"].values == 1)).all()
    position = np.array(built.attrs["origin_mm"]) + built.attrs["spacing_mm"] * built["voxel_index"].values
    assert built["voxel_position"].values == pytest.approx(position, abs=1e-3)


RESOLUTIONS = [(3.0, 300), (2.0, 300), (2.0, 900), (2.0, 1900)]


@cache
def wall_and_nodes(name, voxel_mm, nodes):
    wall = Wall.of(image_and_electrodes(name, voxel_mm)[0])
    return wall, aggregate(wall, nodes)


@pytest.mark.parametrize(("voxel_mm", "nodes"), RESOLUTIONS)
@pytest.mark.parametrize("name", EMBEDDED)
def test_nodes_partition_the_wall_into_connected_parts_of_nearly_equal_volume(name, voxel_mm, nodes):
    wall, node = wall_and_nodes(name, voxel_mm, nodes)
    voxels = np.bincount(node, minlength=nodes)
    share = voxels / voxels.mean()
    assert len(voxels) == nodes
    assert share.min() > 0.5
    assert share.max() < 1.6
    assert share.std() < 0.15
    assert pieces(wall, node) == nodes


def pieces(wall, node):
    """Number of connected components when only voxels of one node are joined."""
    pairs = wall.adjacency()
    inner = pairs[node[pairs[:, 0]] == node[pairs[:, 1]]]
    graph = sparse.coo_array((np.ones(len(inner)), (inner[:, 0], inner[:, 1])), shape=(len(node), len(node)))
    return sparse.csgraph.connected_components(graph, directed=False)[0]


@pytest.mark.parametrize(("voxel_mm", "nodes"), RESOLUTIONS)
@pytest.mark.parametrize("name", EMBEDDED)
def test_nodes_keep_to_one_ventricle(name, voxel_mm, nodes):
    wall, node = wall_and_nodes(name, voxel_mm, nodes)
    left = np.bincount(node, wall.left) / np.bincount(node)
    assert ((left == 0) | (left == 1)).mean() > 0.97


@pytest.mark.parametrize(("voxel_mm", "nodes"), RESOLUTIONS)
@pytest.mark.parametrize("name", EMBEDDED)
def test_nodes_are_compact_and_do_not_reach_across_a_cavity(name, voxel_mm, nodes):
    wall, node = wall_and_nodes(name, voxel_mm, nodes)
    centroid = np.stack([np.bincount(node, wall.index[:, k]) for k in range(3)], axis=1) / np.bincount(node)[:, None]
    distance = np.linalg.norm(wall.index - centroid[node], axis=1)
    radius = np.cbrt(3 * len(node) / nodes / (4 * np.pi))
    assert distance.max() < 3 * radius
    assert np.sqrt(np.mean(distance**2)) < 1.2 * np.sqrt(3 / 5) * radius  # of a ball: √(3/5) radius


@given(teeth=st.integers(2, 8), length=st.integers(2, 8), gap=st.integers(1, 3), nodes=st.integers(2, 11))
@settings_of_hypothesis(max_examples=60, deadline=None)
def test_no_node_is_empty_or_in_pieces_however_the_wall_branches(teeth, length, gap, nodes):
    labels = np.full((teeth * (gap + 1) + 1, length + 1, 1), Label.TORSO, np.uint8)
    labels[:, 0] = labels[:: gap + 1] = Label.LV_MYOCARDIUM  # a comb: most voxels are bridges
    wall = Wall.of(LabelImage(labels, 2.0, np.zeros(3)))
    node = aggregate(wall, nodes)
    assert np.bincount(node, minlength=nodes).min() >= 1
    assert pieces(wall, node) == nodes


def test_node_volumes_are_those_of_their_voxels():
    built = anatomy("slender", 2.0, 1900)
    assert built["node_volume"].values == pytest.approx(np.bincount(built["voxel_node"].values) * 8.0)


def test_node_values_summarise_their_voxels():
    built = anatomy("slender")
    node = built["voxel_node"].values
    for k in (0, 17, 299):
        members = node == k
        assert built["node_position"].values[k] == pytest.approx(
            built["voxel_position"].values[members].mean(axis=0), abs=1e-3
        )
        assert built["node_transmural"].values[k] == pytest.approx(built["transmural"].values[members].mean())
        votes = np.bincount(built["segment"].values[members])
        assert votes[built["node_segment"].values[k]] == votes.max()
    assert set(built["node_segment"].values.tolist()) == set(range(1, 19))


def test_as_many_nodes_as_voxels_are_possible_and_more_are_refused():
    labels = np.full((6, 4, 3), Label.LV_MYOCARDIUM, np.uint8)
    wall = Wall.of(LabelImage(labels, 2.0, np.zeros(3)))
    assert sorted(aggregate(wall, labels.size)) == list(range(labels.size))
    with pytest.raises(GeometryError, match=r"anatomy.nodes asks for 73 .* only 72 voxels"):
        aggregate(wall, labels.size + 1)


@pytest.mark.parametrize("name", EMBEDDED)
def test_surfaces_are_closed_and_face_outwards(name):
    built = anatomy(name, 2.0, 1900)
    voxels = {"heart": built["segment"].size, "torso": (built["labels"].values != Label.AIR).sum()}
    for part in ("heart", "torso"):
        vertex, face = built[f"{part}_vertex"].values, built[f"{part}_face"].values
        edges = np.sort(np.concatenate([face[:, [0, 1]], face[:, [1, 2]], face[:, [2, 0]]]), axis=1)
        _, uses = np.unique(edges, axis=0, return_counts=True)
        assert uses.min() == 2
        assert (uses == 2).mean() > 0.9995
        a, b, c = (vertex[face[:, k]] for k in range(3))
        volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6
        assert volume == pytest.approx(voxels[part] * 8, rel=0.12)
    assert 3500 <= built.sizes["heart_vertex"] <= 8000
    assert 1500 <= built.sizes["torso_vertex"] <= 3500


def test_surface_of_a_ball_has_its_radius_after_coarsening():
    axis = np.arange(-24, 25) * 2.0
    radius = np.sqrt(sum(a**2 for a in np.ix_(axis, axis, axis)))
    image = LabelImage(np.zeros(radius.shape, np.uint8), 2.0, np.full(3, axis[0]))
    vertex, face = mask_surface(radius < 40, image, 5.0)
    assert len(face) == 2 * len(vertex) - 4  # Euler's formula for a sphere
    edge = np.linalg.norm(vertex[face[:, 0]] - vertex[face[:, 1]], axis=1)
    assert edge.mean() == pytest.approx(5.0, rel=0.1)
    assert np.linalg.norm(vertex, axis=1) == pytest.approx(40, abs=1.0)


def test_vertices_belong_to_nodes_beside_them():
    built = anatomy("slender", 2.0, 1900)
    node = built["heart_vertex_node"].values
    distance = np.linalg.norm(built["heart_vertex"].values - built["node_position"].values[node], axis=1)
    assert distance.max() < 12
    assert len(np.unique(node)) > 0.6 * built.sizes["node"]


@pytest.mark.parametrize("name", EMBEDDED)
def test_standard_electrodes_lie_where_a_nurse_would_put_them(name):
    built = anatomy(name)
    at = dict(zip(built["limb_electrode"].values.tolist(), built["limb_electrode_position"].values, strict=True))
    assert tuple(at) == LIMB_ELECTRODES
    chest = np.array([at[f"V{k}"] for k in range(1, 7)])
    assert (np.diff(chest[:, 0]) > 0).all()  # from right to left
    assert (np.diff(chest[2:, 1]) > 0).all()  # and round to the side
    assert chest[0, 0] < 0 < chest[1, 0]
    assert chest[0, 2] == pytest.approx(chest[1, 2], abs=1)
    assert chest[3:, 2] == pytest.approx(chest[3, 2], abs=1)
    assert chest[0, 2] > chest[2, 2] > chest[3, 2]
    assert abs(chest[5, 1]) < 10
    heart = built["voxel_position"].values
    assert heart[:, 2].min() < chest[3, 2] < chest[0, 2] < heart[:, 2].max()
    assert at["RA"][0] < -40
    assert at["LA"][0] > 40
    assert min(at["RA"][2], at["LA"][2]) > chest[0, 2] + 80
    assert at["RL"][0] < 0 < at["LL"][0]
    assert max(at["RL"][2], at["LL"][2]) < chest[3, 2] - 80


def test_every_electrode_lies_on_the_skin():
    image, electrodes = image_and_electrodes("broad")
    body = image.labels != Label.AIR
    skin = image.position(np.argwhere(body & ~ndimage.binary_erosion(body)))
    for positions in (electrodes.positions_mm, standard_electrodes(image)):
        assert cKDTree(skin).query(positions)[0].max() < image.spacing_mm


def test_given_limb_electrodes_are_kept():
    image, electrodes = image_and_electrodes("slender")
    given = standard_electrodes(image) + np.array([1.0, 0, 0])
    built = build_anatomy(image, Electrodes(electrodes.names, electrodes.positions_mm, given), settings(), "slender")
    assert built["limb_electrode_position"].values == pytest.approx(given)


def test_specks_of_myocardium_become_what_surrounds_them():
    image, _ = image_and_electrodes("slender")

    def add_speck(labels):
        labels[20, 40, 30:33] = Label.LV_MYOCARDIUM

    cleaned = clean(relabelled(image, add_speck))
    assert (cleaned.labels == image.labels).all()


def replace(old, new):
    return lambda labels: np.place(labels, labels == old, new)


def close_base(labels):
    torso = labels == Label.TORSO
    touching = ndimage.binary_dilation(labels == Label.LV_BLOOD, iterations=2) & torso
    labels[touching] = Label.LV_MYOCARDIUM


def cut_in_two(labels):
    middle = int(np.median(np.argwhere(np.isin(labels, MYOCARDIUM))[:, 2]))
    section = labels[:, :, middle : middle + 2]
    section[np.isin(section, MYOCARDIUM)] = Label.TORSO


def bare(labels):
    low = np.argwhere(np.isin(labels, MYOCARDIUM))[:, 1].min()
    labels[:, : low + 1] = np.where(np.isin(labels[:, : low + 1], MYOCARDIUM), labels[:, : low + 1], Label.AIR)


def peel(labels):
    """Leave a wall that hangs together but is one voxel thick around either cavity."""
    blood = np.isin(labels, (Label.LV_BLOOD, Label.RV_BLOOD))
    near = ndimage.binary_dilation(blood, ndimage.generate_binary_structure(3, 2))
    labels[np.isin(labels, MYOCARDIUM) & ~near] = Label.TORSO


def fill_cavity(labels):
    """Leave two layers of the left blood pool, at its mouth."""
    outside = np.isin(labels, (Label.TORSO, Label.LUNG))
    mouth = (labels == Label.LV_BLOOD) & ndimage.binary_dilation(outside, iterations=2)
    labels[(labels == Label.LV_BLOOD) & ~mouth] = Label.LV_MYOCARDIUM


def part_ventricles(labels):
    labels[ndimage.binary_dilation(labels == Label.RV_BLOOD) & (labels == Label.LV_MYOCARDIUM)] = Label.RV_MYOCARDIUM


BAD_IMAGES = {
    "unknown value": (lambda labels: labels.__setitem__((0, 0, 0), 9), r"values \[9\]"),
    "no left myocardium": (replace(Label.LV_MYOCARDIUM, Label.TORSO), "no voxel of lv_myocardium"),
    "no right myocardium": (replace(Label.RV_MYOCARDIUM, Label.TORSO), "no voxel of rv_myocardium"),
    "no left blood": (replace(Label.LV_BLOOD, Label.TORSO), "no voxel of lv_blood"),
    "no right blood": (replace(Label.RV_BLOOD, Label.TORSO), "no voxel of rv_blood"),
    "no torso": (replace(Label.TORSO, Label.LUNG), "no voxel of torso"),
    "closed base": (close_base, "left ventricular blood pool is closed"),
    "two pieces": (cut_in_two, r"in \d+ pieces of \d+"),
    "shallow cavity": (fill_cavity, "shallow layer"),
    "bare heart": (bare, r"\d+ voxels of the myocardium touch air"),
    "thin wall": (peel, "thinner than 2 voxels"),
    "septum apart": (part_ventricles, "does not touch the septum"),
}


@pytest.mark.parametrize(("change", "message"), BAD_IMAGES.values(), ids=BAD_IMAGES.keys())
def test_unusable_images_are_refused_by_name(change, message):
    image, electrodes = image_and_electrodes("slender")
    with pytest.raises(GeometryError, match=f"subject 'mine': .*{message}"):
        build_anatomy(relabelled(image, change), electrodes, settings(), "mine")


def test_a_heart_at_the_edge_of_the_image_touches_air():
    image, electrodes = image_and_electrodes("slender")
    low = np.argwhere(np.isin(image.labels, MYOCARDIUM)).min(axis=0)
    cut = LabelImage(image.labels[low[0] :], image.spacing_mm, image.position(np.array([low[0], 0, 0])))
    with pytest.raises(GeometryError, match="touch air"):
        build_anatomy(cut, electrodes, settings(), "cut")


def moved(which, position):
    _, electrodes = image_and_electrodes("slender")
    positions = electrodes.positions_mm.copy()
    positions[which] = position
    return Electrodes(electrodes.names, positions)


def test_electrodes_in_the_heart_away_from_the_torso_or_nowhere_are_named():
    image, electrodes = image_and_electrodes("slender")
    wall = image.position(np.argwhere(image.labels == Label.LV_MYOCARDIUM)[100])
    cases = [
        (moved(6, wall), "electrode E007 lies inside the heart"),
        (moved(6, [0.0, -160.0, 0.0]), r"electrode E007 \(6\d mm\) away from the torso"),
        (moved(6, [np.nan, 0.0, 0.0]), "electrode E007 has a position that is not a number"),
        (Electrodes(("A", "A"), electrodes.positions_mm[:2]), "electrode names"),
        (Electrodes(("A", "B", "C"), electrodes.positions_mm[:2]), "3 electrode names"),
        (
            Electrodes(electrodes.names, electrodes.positions_mm, np.tile(wall, (10, 1))),
            "RA, LA, LL, RL, V1 lies inside",
        ),
        (Electrodes(electrodes.names, 1000 * electrodes.positions_mm), "check units"),
    ]
    for bad, message in cases:
        with pytest.raises(GeometryError, match=message):
            build_anatomy(image, bad, settings(), "mine")


def test_an_electrode_a_voxel_above_the_skin_is_accepted():
    image, electrodes = image_and_electrodes("slender")
    first = electrodes.positions_mm[0]
    lifted = first + 1.5 * image.spacing_mm * np.array([*first[:2], 0]) / np.hypot(*first[:2])
    check_electrodes(image, electrodes.names, moved(0, lifted).positions_mm)


def test_more_nodes_than_voxels_are_refused():
    image, electrodes = image_and_electrodes("slender")
    with pytest.raises(GeometryError, match=r"anatomy.nodes asks for 100000"):
        build_anatomy(image, electrodes, settings(nodes=100_000), "mine")
