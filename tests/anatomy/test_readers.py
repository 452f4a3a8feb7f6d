"""Surfaces, electrodes and label images are read alike from every kind of file; what can't be read is named."""

import nibabel as nib
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_files import FACES, POINTS, WRITERS, write_obj

from transmural.anatomy.electrode_files import read_electrodes, read_limb_electrodes
from transmural.anatomy.image import LIMB_ELECTRODES, Label
from transmural.anatomy.segmentation import TISSUES, label_image, named_tissues, read_segmentation, resampled
from transmural.anatomy.surface_files import read_surface
from transmural.anatomy.triangles import TriangleMesh, check_closed, merged, oriented_volume_mm3
from transmural.stores.errors import GeometryError


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_surface_file_gives_the_same_cube(tmp_path, kind):
    path = tmp_path / kind
    WRITERS[kind](path)
    mesh = read_surface(path, "heart")
    joined = merged([mesh], "heart")
    check_closed(joined)
    assert len(joined.points) == 8
    assert len(joined.faces) == 12
    assert oriented_volume_mm3(joined) == pytest.approx(8)
    if path.suffix not in (".stl",):
        assert np.array_equal(mesh.points, POINTS)


def text(content):
    return lambda path: path.write_text(content)


def truncated(kind, share=0.6):
    def write(path):
        WRITERS[kind](path)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return write


def matlab(**content):
    return lambda path: scipy.io.savemat(path, content)


BAD_SURFACES = {
    "unknown kind": ("heart.xyz", text("1 2 3"), r"heart\.xyz is of an unknown kind; a surface is one of .*\.ply"),
    "absent": ("heart.ply", lambda path: None, r"heart: there is no file .*heart\.ply"),
    "no STL": ("heart.stl", text("hello"), r"heart\.stl can't be read as STL"),
    "no PLY": ("heart.ply", text("hello"), r"heart\.ply can't be read as PLY: .*\w"),
    "no VTK": ("heart.vtk", text("hello"), r"heart\.vtk can't be read as VTK"),
    "no VTP": ("heart.vtp", text("hello"), r"heart\.vtp can't be read as VTP"),
    "no MATLAB": ("heart.mat", text("hello"), r"heart\.mat can't be read as MAT"),
    "no OBJ": ("heart.obj", text("v 0 0 zero\n"), r"heart\.obj can't be read as OBJ: could not convert"),
    "OBJ without faces": ("heart.obj", text("v 0 0 0\n"), r"heart\.obj has no triangles"),
    "OBJ that counts from 0": ("heart.obj", text("v 0 0 0\nf 1 1 2\n"), r"corners 0 to 1, but 1 points"),
    "two-cornered polygon": ("heart.obj", text("v 0 0 0\nv 1 0 0\nf 1 2\n"), r"a polygon of 2 corners"),
    "points not finite": ("heart.obj", text("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"), r"1 points that are not finite"),
    "flat points": (
        "heart.obj",
        text("v 0 0\nv 1 0\nv 0 1\nf 1 2 3\n"),
        r"has points \(3, 2\) and faces \(1, 3\), expected",
    ),
    "VTP of an image": ("heart.vtp", text('<VTKFile type="ImageData"/>'), r"it holds ImageData, expected PolyData"),
    "VTP of a foreign compressor": (
        "heart.vtp",
        text('<VTKFile type="PolyData" compressor="vtkLZ4DataCompressor"/>'),
        r"compressed with vtkLZ4DataCompressor",
    ),
    "cut VTK": ("binary.vtk", truncated("binary.vtk", 0.4), r"can't be read as VTK"),
    "cut ASCII VTK": ("ascii.vtk", truncated("ascii.vtk"), r"it ends after \d+ of \d+ numbers"),
    "cut VTP": ("raw.vtp", truncated("raw.vtp"), r"can't be read as VTP"),
    "cut PLY": ("ascii.ply", truncated("ascii.ply"), r"can't be read as PLY"),
    "cut binary STL": ("binary.stl", truncated("binary.stl"), r"can't be read as STL"),
    "MATLAB without faces": (
        "heart.mat",
        matlab(points=POINTS),
        r"holds \['points'\], but no points .* together with faces",
    ),
    "MATLAB with faces too high": (
        "heart.mat",
        matlab(points=POINTS, faces=FACES + 2),
        r"corners 1 to 8, but 8 points",
    ),
}


@pytest.mark.parametrize("case", BAD_SURFACES)
def test_surfaces_that_cannot_be_read_are_named(tmp_path, capsys, case):
    name, write, message = BAD_SURFACES[case]
    write(tmp_path / name)
    with pytest.raises(GeometryError, match=message) as caught:
        read_surface(tmp_path / name, "heart")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("heart: ")
    assert capsys.readouterr() == ("", "")


# --- electrodes --------------------------------------------------------------------------------------------------


def test_electrodes_are_read_by_column_name(tmp_path):
    path = tmp_path / "leads.csv"
    path.write_text("\ufeffz, note, Name ,X,y\n3,front,A1,1,2\n\n-6,back,A2,4e0,5.5\n", encoding="utf-8")
    names, positions = read_electrodes(path)
    assert names == ("A1", "A2")
    assert positions.tolist() == [[1, 2, 3], [4, 5.5, -6]]


def test_node_numbers_count_from_one(tmp_path):
    path = tmp_path / "leads.mat"
    scipy.io.savemat(path, {"electrodes": np.array([[1], [8], [3]])})
    names, positions = read_electrodes(path, POINTS)
    assert names == ("E001", "E002", "E003")
    assert np.array_equal(positions, POINTS[[0, 7, 2]])


def test_limb_electrodes_come_in_the_standard_order_whatever_their_order_in_the_file(tmp_path):
    path = tmp_path / "limbs.csv"
    rows = [f"{name.lower()},{number},0,0" for number, name in enumerate(LIMB_ELECTRODES)]
    path.write_text("name,x,y,z\n" + "\n".join(reversed(rows)))
    assert read_limb_electrodes(path)[:, 0].tolist() == list(range(10))


BAD_ELECTRODES = {
    "absent": ("leads.csv", lambda path: None, r"electrodes: there is no file"),
    "unknown kind": ("leads.txt", text("A 1 2 3"), r"leads\.txt is of an unknown kind; electrodes are \.csv"),
    "empty": ("leads.csv", text(""), r"name, x, y, z is missing; the first row must name the columns"),
    "no header": ("leads.csv", text("A1,1,2,3\n"), r"has the columns \['a1', '1', '2', '3'\], but name, x, y, z is"),
    "semicolons": ("leads.csv", text("name;x;y;z\nA1;1;2;3\n"), r"separated by commas"),
    "no rows": ("leads.csv", text("name,x,y,z\n"), r"has no rows; at least one electrode"),
    "not a number": ("leads.csv", text("name,x,y,z\nA1,1,two,3\n"), r"line 2, is \['A1', '1', 'two', '3'\]"),
    "not finite": ("leads.csv", text("name,x,y,z\nA1,1,2,3\nA2,1,inf,3\n"), r"line 3, is .*three finite numbers"),
    "short row": ("leads.csv", text("name,x,y,z\nA1,1,2\n"), r"line 2, is \['A1', '1', '2'\]"),
    "no name": ("leads.csv", text("name,x,y,z\n,1,2,3\n"), r"line 2, is .*expected a name"),
    "repeated name": (
        "leads.csv",
        text("name,x,y,z\nA,1,2,3\nA,2,2,3\n"),
        r"names A more than once; names must differ",
    ),
    "repeated place": ("leads.csv", text("name,x,y,z\nA,1,2,3\nB,1,2,3\n"), r"two electrodes at the place of 'A'"),
    "not text": ("leads.csv", lambda p: p.write_bytes(b"\xff\xfe\x00n"), r"leads\.csv can't be read as CSV"),
    "node 0": ("leads.mat", matlab(e=np.arange(3)), r"has the node number 0; the torso has the nodes 1 to 8"),
    "node too high": (
        "leads.mat",
        matlab(e=np.array([1, 9])),
        r"has the node number 9; the torso has the nodes 1 to 8",
    ),
    "part nodes": ("leads.mat", matlab(e=np.array([1.5, 2])), r"values that are not whole; expected node numbers"),
    "two vectors": ("leads.mat", matlab(e=np.arange(3), f=np.arange(3)), r"holds \['e', 'f'\]; expected one vector"),
    "no MATLAB": ("leads.mat", text("hello"), r"leads\.mat can't be read as MATLAB"),
}


@pytest.mark.parametrize("case", BAD_ELECTRODES)
def test_electrodes_that_cannot_be_read_are_named(tmp_path, case):
    name, write, message = BAD_ELECTRODES[case]
    write(tmp_path / name)
    with pytest.raises(GeometryError, match=message) as caught:
        read_electrodes(tmp_path / name, POINTS)
    assert "\n" not in str(caught.value)


def test_node_numbers_without_a_surface_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "leads.mat", {"e": np.array([1, 2])})
    with pytest.raises(GeometryError, match=r"node numbers of a body surface, but there is none; use a \.csv"):
        read_electrodes(tmp_path / "leads.mat")


def test_an_absent_limb_electrode_is_named(tmp_path):
    path = tmp_path / "limbs.csv"
    path.write_text("name,x,y,z\n" + "\n".join(f"{name},1,2,{n}" for n, name in enumerate(LIMB_ELECTRODES[:-1])))
    with pytest.raises(GeometryError, match=r"limb_electrodes: .* lacks V6; it needs RA, LA"):
        read_limb_electrodes(path)


# --- label images ------------------------------------------------------------------------------------------------

WORLD_OF_FRAME = np.diag([-1.0, -1.0, 1.0])


def biventricular(world):
    """Tissue numbers at points (…, 3) of the frame: two chambers of unlike wall in a body, and a lung to the left."""
    x, y, z = np.moveaxis(world, -1, 0)
    body = (x / 70) ** 2 + (y / 60) ** 2 < 1
    left = ((x - 12) / 27) ** 2 + (y / 27) ** 2 + (z / 42) ** 2
    hollow = ((x - 12) / 16) ** 2 + (y / 16) ** 2 + (z / 31) ** 2
    right = ((x + 14) / 24) ** 2 + ((y + 8) / 30) ** 2 + (z / 38) ** 2
    pool = ((x + 14) / 19) ** 2 + ((y + 8) / 25) ** 2 + (z / 33) ** 2
    below = z < 20
    tissue = np.zeros(x.shape, np.uint8)
    tissue[body & (np.abs(z) < 75)] = 1
    tissue[((x - 52) / 10) ** 2 + (y / 30) ** 2 + (z / 55) ** 2 < 1] = 2
    tissue[(right < 1) & below] = 4
    tissue[(pool < 1) & below] = 7
    tissue[(left < 1) & below] = 3
    tissue[(hollow < 1) & below] = 6
    return tissue


def scan(rotation, voxel, size=(64, 64, 64)):
    """Image of the heart on the grid with the given axes (columns, in the frame), and its affine matrix (RAS)."""
    matrix = rotation * np.asarray(voxel)
    centre = matrix @ ((np.array(size) - 1) / 2)
    index = np.stack(np.indices(size), axis=-1)
    tissue = biventricular(index @ matrix.T - centre)
    affine = np.eye(4)
    affine[:3, :3] = WORLD_OF_FRAME @ matrix
    affine[:3, 3] = WORLD_OF_FRAME @ -centre
    return tissue, affine


def save(path, values, affine, **header):
    image = nib.Nifti1Image(values, affine)
    image.header.set_xyzt_units(header.get("unit", "mm"))
    nib.save(image, path)


LABELS = {"torso": 1, "lung": 2, "lv_myocardium": 3, "rv_myocardium": 4, "lv_blood": 6, "rv_blood": 7}


def axes_from(permutation, signs):
    return np.eye(3)[:, permutation] * signs


@given(st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([-1, 1])] * 3))
@settings(max_examples=15, deadline=None)
def test_any_order_and_flip_of_the_axes_gives_the_same_label_image(tmp_path_factory, permutation, signs):
    path = tmp_path_factory.mktemp("nifti") / "heart.nii.gz"
    reference, affine = scan(np.eye(3), (3, 3, 3))
    expected = label_image(named_tissues(reference.astype(int), LABELS), np.diag([-1, -1, 1, 1]) @ affine, 3.0)
    values, affine = scan(axes_from(permutation, signs), (3, 3, 3))
    save(path, values, affine)
    values, matrix = read_segmentation(path)
    found = label_image(named_tissues(values, LABELS), matrix, 3.0)
    assert found.origin_mm == pytest.approx(expected.origin_mm, abs=1e-3)
    assert (found.labels == expected.labels).all()


@given(
    st.tuples(*[st.floats(-0.6, 0.6)] * 3),
    st.tuples(*[st.floats(1.8, 3.2)] * 3),
    st.sampled_from(["mm", "meter", "micron"]),
)
@settings(max_examples=8, deadline=None)
def test_rotated_images_of_unlike_voxels_give_the_same_anatomy(tmp_path_factory, angles, voxel, unit):
    (ca, cb, cc), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    rotation = (
        np.array([[ca, -sa, 0], [sa, ca, 0], [0, 0, 1]])
        @ np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
        @ np.array([[1, 0, 0], [0, cc, -sc], [0, sc, cc]])
    )
    size = tuple(int(2 * np.ceil(130 / v)) for v in voxel)
    values, affine = scan(rotation, voxel, size)
    affine[:3] *= {"mm": 1.0, "meter": 1e-3, "micron": 1e3}[unit]
    path = tmp_path_factory.mktemp("nifti") / "heart.nii"
    save(path, values, affine, unit=unit)
    values, matrix = read_segmentation(path)
    named = named_tissues(values, LABELS)
    grid, origin = resampled(named, matrix, 2.0)
    centres = origin + 2.0 * np.stack(np.indices(grid.shape), axis=-1)
    expected = biventricular(centres)
    numbers = np.array([0] + [TISSUES.index(tissue) + 1 for tissue in LABELS])[
        np.searchsorted([0, *LABELS.values()], expected)
    ]
    heart = expected > 2
    assert (grid == numbers)[heart].mean() > 0.9
    assert (grid == numbers).mean() > 0.97


def test_voxels_of_the_grids_own_size_are_copied_unchanged():
    values, affine = scan(np.eye(3), (2, 2, 2), (60, 60, 60))
    grid, _ = resampled(values, np.diag([-1, -1, 1, 1]) @ affine, 2.0)
    filled = np.argwhere(values > 0)
    first = filled.min(axis=0)
    assert np.array_equal(np.argwhere(grid > 0).min(axis=0), [2, 2, 2])
    moved = filled - first + 2
    assert (grid[tuple(moved.T)] == values[tuple(filled.T)]).all()
    assert (grid > 0).sum() == (values > 0).sum()


def test_unnamed_pools_and_an_unparted_wall_are_found():
    values, affine = scan(np.eye(3), (2, 2, 2), (80, 70, 90))
    matrix = np.diag([-1, -1, 1, 1]) @ affine
    full = label_image(named_tissues(values.astype(int), LABELS), matrix, 2.0).labels
    bare = np.where(np.isin(values, (6, 7)), 1, np.where(values == 4, 3, values)).astype(int)
    found = label_image(named_tissues(bare, {"torso": 1, "lung": 2, "myocardium": 3}), matrix, 2.0).labels
    for label in (Label.LV_BLOOD, Label.RV_BLOOD, Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM):
        a, b = full == label, found == label
        assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.9, label.name


def test_several_values_may_mean_one_tissue():
    values = np.array([[[0, 1, 7, 3]]])
    assert named_tissues(values, {"torso": [1, 7], "myocardium": 3}).tolist() == [[[0, 1, 1, 5]]]


def nifti(values, affine=None):
    return lambda path: save(path, values, np.eye(4) if affine is None else affine)


def singular(path):
    save(path, np.ones((2, 2, 2), np.uint8), np.eye(4))
    content = bytearray(path.read_bytes())
    content[280:328] = np.zeros(12, "<f4").tobytes()  # the rows of the affine matrix in the header
    content[252:256] = np.array([0, 1], "<i2").tobytes()  # which is said to be valid, unlike the quaternion
    path.write_bytes(bytes(content))


BAD_IMAGES = {
    "absent": ("heart.nii", lambda path: None, r"image: there is no file"),
    "no NIfTI": ("heart.nii", text("hello"), r"heart\.nii can't be read as NIfTI"),
    "four dimensions": ("heart.nii", nifti(np.ones((2, 2, 2, 3), np.uint8)), r"has the shape \(2, 2, 2, 3\)"),
    "two dimensions": ("heart.nii", nifti(np.ones((4, 4), np.uint8)), r"a label image has three dimensions"),
    "a scan": ("heart.nii", nifti(np.full((2, 2, 2), 0.5, np.float32)), r"values that are not whole numbers"),
    "not finite": ("heart.nii", nifti(np.full((2, 2, 2), np.nan, np.float32)), r"values that are not whole numbers"),
    "singular": ("heart.nii", singular, r"an affine matrix that can't be inverted"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_images_that_cannot_be_read_are_named(tmp_path, case):
    name, write, message = BAD_IMAGES[case]
    write(tmp_path / name)
    with pytest.raises(GeometryError, match=message) as caught:
        read_segmentation(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"torso": 1, "lung": 2, "heart": 3}, r"'heart' is no tissue; known are torso, lung"),
        ({**LABELS, "lung": 9}, r"lung = 9, but the image has the values \[0, 1, 2, 3, 4, 6, 7\] only"),
        ({**LABELS, "lung": 1}, r"the value 1 is given to torso and to lung"),
        ({"torso": 1, "myocardium": 3}, r"has the values \[2, 4, 6, 7\] without a name"),
        ({"lung": [1, 2], "myocardium": [3, 4], "lv_blood": 6, "rv_blood": 7}, r"there is no torso"),
        ({"torso": [1, 3, 4], "lung": 2, "lv_blood": 6, "rv_blood": 7}, r"there is no myocardium"),
        (
            {"torso": [1, 7], "lung": 2, "myocardium": [3, 4], "lv_blood": 6},
            r"of lv_blood and rv_blood only lv_blood is there",
        ),
        (
            {"torso": 1, "lung": 2, "lv_myocardium": [3, 4], "lv_blood": 6, "rv_blood": 7},
            r"of lv_myocardium and rv_myocardium only lv_myocardium is there",
        ),
    ],
)
def test_labels_that_do_not_fit_the_image_are_named(labels, message):
    values, affine = scan(np.eye(3), (4, 4, 4), (40, 40, 40))
    with pytest.raises(GeometryError, match=message):
        label_image(named_tissues(values.astype(int), labels), np.diag([-1, -1, 1, 1]) @ affine, 4.0)


def test_mesh_name_tells_object_and_file(tmp_path):
    write_obj(tmp_path / "epi.obj", FACES)
    assert read_surface(tmp_path / "epi.obj", "heart").name == "heart (epi.obj)"
    assert isinstance(read_surface(tmp_path / "epi.obj", "heart"), TriangleMesh)
