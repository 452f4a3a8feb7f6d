"""Surfaces, electrodes and images from anybody: a valid object or one sentence, whatever the bytes."""

import base64
import gzip
import struct
import zlib

import nibabel as nib
import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st
from mutations import few, mutated, outcome
from reader_files import FACES, POINTS, WRITERS, write_vtp

from transmural.anatomy import matlab_files, vtk_polydata
from transmural.anatomy.electrode_files import read_electrodes, read_limb_electrodes
from transmural.anatomy.image import LIMB_ELECTRODES
from transmural.anatomy.segmentation import label_image, named_tissues, read_segmentation
from transmural.anatomy.surface_files import read_surface
from transmural.stores.errors import GeometryError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def surfaces(folder):
    """Content of a valid file of every kind, each read once, so that nothing is imported under watch."""
    contents = {}
    for kind, write in WRITERS.items():
        write(folder / kind)
        read_surface(folder / kind, "heart")
        contents[kind] = (folder / kind).read_bytes()
    return contents


@pytest.mark.parametrize("kind", WRITERS)
@few(20)
@given(data=st.data())
def test_any_surface_is_read_or_refused(folder, surfaces, kind, data):
    path = folder / f"mutated.{kind}"
    path.write_bytes(data.draw(mutated(surfaces[kind])))
    mesh = outcome(lambda: read_surface(path, "heart"), GeometryError, path)
    if mesh is not None:
        assert mesh.points.shape[1:] == mesh.faces.shape[1:] == (3,)
        assert np.isfinite(mesh.points).all()
        assert len(mesh.faces)
        assert mesh.faces.min() >= 0
        assert mesh.faces.max() < len(mesh.points)


@few(30)
@given(content=st.binary(max_size=400), kind=st.sampled_from(["stl", "ply", "obj", "vtk", "vtp", "mat"]))
def test_any_bytes_are_refused(folder, content, kind):
    path = folder / f"random.{kind}"
    path.write_bytes(content)
    assert outcome(lambda: read_surface(path, "heart"), GeometryError, path) is None


def refused(path, message, **limits):
    """Check that a surface is refused at once, with little memory."""
    with pytest.raises(GeometryError, match=message):
        read_surface(path, "heart")
    assert outcome(lambda: read_surface(path, "heart"), GeometryError, path, **limits) is None


PLY = "ply\nformat {form} 1.0\nelement vertex {vertices}\nproperty float x\nproperty float y\nproperty float z\n"
PLY += "element face {faces}\nproperty list uchar int vertex_indices\n"


def test_a_header_without_end_is_no_endless_loop(tmp_path):
    (tmp_path / "a.ply").write_text(PLY.format(form="ascii", vertices=8, faces=12))
    refused(tmp_path / "a.ply", "its header has no end")


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian"])
@pytest.mark.parametrize(("vertices", "faces"), [(10**9, 1), (1, 10**9)])
def test_counts_beyond_the_file_are_refused(tmp_path, form, vertices, faces):
    text = PLY.format(form=form, vertices=vertices, faces=faces) + "end_header\n0 0 0\n3 0 0 0\n"
    (tmp_path / "a.ply").write_text(text)
    refused(tmp_path / "a.ply", "it announces 1000000000 of the element")


LEGACY = "# vtk DataFile Version 3.0\nheart\nASCII\nDATASET POLYDATA\n"


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("POINTS 1 float\n0 0 0\nPOLYGONS 1000000000 4\n-1 0 0 0\n", "announces 1000000000 polygons in 4 numbers"),
        ("POINTS 1 float\n0 0 0\nPOLYGONS 4 4\n-1 0 0 0\n", "a polygon of -1 corners"),
        ("POINTS -1 float\n0 0 0\nPOLYGONS 1 4\n3 0 0 0\n", "announces -3 numbers"),
        ("POINTS 9999999999 float\n0 0 0\n", "it ends after 3 of"),
        ("POINTS 1 float\n0 0 0\nPOLYGONS 1 4\n3 0 0 nan\n", "a whole number that isn't finite"),
        ("POINTS 1 float\n0 0 0\nCELLS 1 4\n3 0 0 0\nCELL_TYPES 2\n5 5\n", "2 types for 1 cells"),
    ],
)
def test_legacy_counts_that_cannot_be_are_refused(tmp_path, rest, message):
    (tmp_path / "a.vtk").write_text(LEGACY + rest)
    refused(tmp_path / "a.vtk", message)


def test_one_long_word_does_not_widen_all_others(tmp_path):
    words = ["0" * 200_000, *["0"] * 50_000]
    (tmp_path / "a.vtk").write_text(f"{LEGACY}POINTS {len(words) // 3} float\n{' '.join(words)}\n")
    refused(tmp_path / "a.vtk", "no POINTS followed by POLYGONS")


def test_offsets_beyond_the_corners_are_refused(tmp_path):
    write_vtp(tmp_path / "a.vtp", FACES)
    content = (tmp_path / "a.vtp").read_text().replace(" 36</DataArray>", " 999999999999</DataArray>")
    (tmp_path / "a.vtp").write_text(content)
    refused(tmp_path / "a.vtp", "polygons of 999999999999 corners together, but 36 corners")


@pytest.mark.parametrize("declared", ['<!DOCTYPE a [<!ENTITY b "c">]>', "<!DOCTYPE a>"])
def test_a_document_type_is_refused(tmp_path, declared):
    write_vtp(tmp_path / "a.vtp", FACES)
    head, rest = (tmp_path / "a.vtp").read_text().split("?>", 1)
    (tmp_path / "a.vtp").write_text(f"{head}?>{declared}{rest}")
    refused(tmp_path / "a.vtp", "declares a document type")


def test_what_grows_when_unpacked_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(vtk_polydata, "_LARGEST_BYTES", 2**20)
    monkeypatch.setattr(matlab_files, "_LARGEST_BYTES", 2**20)
    part = zlib.compress(bytes(2**24))
    block = struct.pack("<4Q", 1, 2**24, 0, len(part))
    packed = (base64.b64encode(block) + base64.b64encode(part)).decode()
    write_vtp(tmp_path / "a.vtp", FACES, "binary", compressed=True)
    head, tail = (tmp_path / "a.vtp").read_text().split('NumberOfComponents="3" format="binary">', 1)
    tail = tail.split("</DataArray>", 1)[1]
    (tmp_path / "a.vtp").write_text(f'{head}NumberOfComponents="3" format="binary">{packed}</DataArray>{tail}')
    refused(tmp_path / "a.vtp", "its arrays take more than 1048576 bytes", mebibytes=8)
    scipy.io.savemat(tmp_path / "a.mat", {"points": np.zeros(2**21)}, do_compression=True)
    refused(tmp_path / "a.mat", "its arrays take more than 1048576 bytes", mebibytes=8)


def test_arrays_that_share_a_place_are_bounded_together(tmp_path, monkeypatch):
    monkeypatch.setattr(vtk_polydata, "_LARGEST_BYTES", 10_000)
    write_vtp(tmp_path / "a.vtp", FACES, "raw")
    head, appended = (tmp_path / "a.vtp").read_bytes().split(b"<Piece", 1)
    piece, rest = appended.split(b"</Piece>", 1)
    (tmp_path / "a.vtp").write_bytes(head + (b"<Piece" + piece + b"</Piece>") * 100 + rest)
    refused(tmp_path / "a.vtp", "its arrays take more than 10000 bytes")


def test_matlab_arrays_larger_than_their_bytes_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"heart": np.array([[{}]], object)})
    content = (tmp_path / "a.mat").read_bytes()
    shape = struct.pack("<4I", 5, 8, 1, 1)
    assert shape in content
    (tmp_path / "a.mat").write_bytes(content.replace(shape, struct.pack("<4I", 5, 8, 30_000, 30_000)))
    refused(tmp_path / "a.mat", r"announces an array of shape \[30000, 30000\]")


def test_matlab_cells_nested_without_end_are_refused(tmp_path):
    value = np.zeros((1, 1))
    for _ in range(100):
        cell = np.empty((1, 1), object)
        cell[0, 0] = value
        value = cell
    scipy.io.savemat(tmp_path / "a.mat", {"heart": value})
    refused(tmp_path / "a.mat", "nested more than 16 deep")


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_files_are_read_packed_or_not(tmp_path, compressed):
    content = {"points": POINTS, "faces": FACES + 1, "name": "heart", "more": {"a": [1, "b"]}}
    scipy.io.savemat(tmp_path / "a.mat", content, do_compression=compressed)
    assert np.array_equal(read_surface(tmp_path / "a.mat", "heart").points, POINTS)


# --- electrodes --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def electrodes(folder):
    rows = [f"{name},{number},{number % 3},0.5" for number, name in enumerate(LIMB_ELECTRODES)]
    (folder / "leads.csv").write_text("name,x,y,z\n" + "\n".join(rows) + "\n")
    scipy.io.savemat(folder / "leads.mat", {"electrodes": np.arange(1, 9)}, do_compression=True)
    return {name: (folder / name).read_bytes() for name in ("leads.csv", "leads.mat")}


@pytest.mark.parametrize("name", ["leads.csv", "leads.mat"])
@few(30)
@given(data=st.data())
def test_any_electrodes_are_read_or_refused(folder, electrodes, name, data):
    path = folder / f"mutated.{name}"
    path.write_bytes(data.draw(mutated(electrodes[name])))
    found = outcome(lambda: read_electrodes(path, POINTS), GeometryError, path)
    if found is not None:
        names, positions = found
        assert len(set(names)) == len(names) == len(positions)
        assert all(name and name.isprintable() and len(name) <= 40 for name in names)
        assert np.isfinite(positions).all()
    if name == "leads.csv":
        limbs = outcome(lambda: read_limb_electrodes(path), GeometryError, path)
        assert limbs is None or limbs.shape == (10, 3)


@pytest.mark.parametrize("name", ["\x1b[2J", "a\x00", "x" * 41, "\u202eevil"])
def test_names_that_cannot_be_printed_are_refused(tmp_path, name):
    (tmp_path / "a.csv").write_text(f"name,x,y,z\n{name},1,2,3\n", encoding="utf-8")
    with pytest.raises(GeometryError, match=r"line 2, has the name .*at most 40 characters"):
        read_electrodes(tmp_path / "a.csv")


def test_many_electrodes_take_no_time_to_compare(tmp_path):
    rows = "\n".join(f"E{n},{n},0,0" for n in range(20_000))
    (tmp_path / "a.csv").write_text(f"name,x,y,z\n{rows}\n")
    assert outcome(lambda: len(read_electrodes(tmp_path / "a.csv")[0]), GeometryError, "", seconds=60) == 20_000


# --- label images ------------------------------------------------------------------------------------------------


def write_image(path, **header):
    image = nib.Nifti1Image(np.arange(60, dtype=np.uint8).reshape(3, 4, 5) % 3, np.diag([2.0, 2.0, 2.0, 1.0]))
    for key, value in header.items():
        image.header[key] = value
    nib.save(image, path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["mutated.nii", "mutated.nii.gz"])
@few(40)
@given(data=st.data())
def test_any_image_is_read_or_refused(folder, name, data):
    path = folder / name
    content = data.draw(mutated(write_image(folder / "image.nii")))
    path.write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
    found = outcome(lambda: read_segmentation(path), GeometryError, path)
    if found is not None:
        values, affine = found
        assert values.ndim == 3
        assert values.size
        assert np.isfinite(affine).all()
        named = np.where(values == 1, 1, 0).astype(np.uint8)
        outcome(lambda: label_image(named, affine, 2.0), GeometryError, "", mebibytes=2000)


@few(10)
@given(data=st.data())
def test_a_broken_archive_is_refused(folder, data):
    path = folder / "packed.nii.gz"
    path.write_bytes(data.draw(mutated(gzip.compress(write_image(folder / "image.nii"), 1))))
    outcome(lambda: read_segmentation(path), GeometryError, path)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    ("dim", "message"),
    [
        ([3, 32767, 32767, 32767, 1, 1, 1, 1], "takes 3.52e[+]13 voxels, at most 536870912 are possible"),
        ([3, 700, 700, 700, 1, 1, 1, 1], "announces 343000352 bytes of content, more than the file can hold"),
        ([3, -1, -1, 60, 1, 1, 1, 1], "has the shape"),
        ([3, 0, 4, 5, 1, 1, 1, 1], "has the shape"),
    ],
)
def test_sizes_that_cannot_be_are_refused_before_anything_is_made(tmp_path, name, dim, message):
    content = bytearray(write_image(tmp_path / "image.nii"))
    content[40:56] = np.array(dim, "<i2").tobytes()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else bytes(content))
    with pytest.raises(GeometryError, match=message):
        read_segmentation(tmp_path / name)
    assert outcome(lambda: read_segmentation(tmp_path / name), GeometryError, tmp_path / name) is None


def test_other_formats_of_images_are_refused(tmp_path):
    nib.save(nib.MGHImage(np.ones((3, 4, 5), np.uint8), np.eye(4)), tmp_path / "a.mgz")
    (tmp_path / "b.nii.gz").write_bytes((tmp_path / "a.mgz").read_bytes())
    with pytest.raises(GeometryError, match=r"a\.mgz is of an unknown kind; an image is \.nii or \.nii\.gz"):
        read_segmentation(tmp_path / "a.mgz")
    with pytest.raises(GeometryError, match=r"b\.nii\.gz can't be read as NIfTI"):
        read_segmentation(tmp_path / "b.nii.gz")


def test_labels_beyond_whole_numbers_are_refused(tmp_path):
    for value in (np.inf, 1e300, -3e9):
        values = np.full((2, 2, 2), value)
        nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii")
        with pytest.raises(GeometryError, match="a label image is needed, not a scan"):
            read_segmentation(tmp_path / "a.nii")


def test_voxels_of_kilometres_make_no_grid():
    values = np.ones((4, 4, 4), np.uint8)
    for size in (1e6, 1e300):
        with pytest.raises(GeometryError, match=r"the image takes .* voxels, at most 536870912 are possible"):
            label_image(values, np.diag([size, size, size, 1.0]), 2.0)


def test_an_image_of_air_is_refused():
    named = named_tissues(np.zeros((3, 3, 3), np.int64), {})
    with pytest.raises(GeometryError, match="the image has no tissue"):
        label_image(named, np.eye(4), 2.0)
