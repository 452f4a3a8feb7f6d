"""A cube in every kind of surface file."""

import base64
import zlib

import meshio
import numpy as np
import scipy.io

# A cube of edge 2: 8 points, 6 quadrilaterals, 12 triangles, volume 8.
POINTS = np.array([[x, y, z] for x in (0.0, 2.0) for y in (0.0, 2.0) for z in (0.0, 2.0)])
QUADS = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
FACES = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))])


def write_meshio(path, faces, **options):
    kind = "triangle" if faces.shape[1] == 3 else "quad"
    meshio.Mesh(POINTS, [(kind, faces.astype(np.int32))]).write(path, **options)


def write_obj(path, faces):
    lines = ["# comment", "mtllib a.mtl", "o heart", *(f"v {x} {y} {z}" for x, y, z in POINTS), "vn 0 0 1", "vt 0 0"]
    lines += ["s off", *("f " + " ".join(f"{corner + 1}/1/1" for corner in face) for face in faces[:-1])]
    path.write_text("\n".join([*lines, "f " + " ".join(str(corner - len(POINTS)) for corner in faces[-1])]) + "\n")


def write_legacy(path, faces, version=3, binary=False):
    size = faces.shape[1]
    head = f"# vtk DataFile Version {version}.0\nheart\n{'BINARY' if binary else 'ASCII'}\nDATASET POLYDATA\n"
    packed = np.column_stack([np.full(len(faces), size), faces])
    offsets = np.arange(len(faces) + 1) * size
    blocks = [(f"POINTS {len(POINTS)} double", POINTS, ">f8")]
    if version >= 5:
        blocks += [(f"POLYGONS {len(offsets)} {faces.size}", None, "")]
        blocks += [("OFFSETS vtktypeint64", offsets, ">i8"), ("CONNECTIVITY vtktypeint64", faces, ">i8")]
    else:
        blocks += [(f"POLYGONS {len(faces)} {packed.size}", packed, ">i4")]
    content = head.encode()
    for line, values, kind in blocks:
        content += line.encode() + b"\n"
        if values is not None:
            content += values.astype(kind).tobytes() if binary else " ".join(map(str, values.ravel())).encode()
            content += b"\n"
    path.write_bytes(content + f"POINT_DATA {len(POINTS)}\nSCALARS a float 1\n".encode())


def write_vtp(path, faces, form="ascii", compressed=False):
    """``form``: ascii, binary (inline base64), appended (base64) or raw."""
    arrays = [
        ("Float64", "Points", POINTS.astype("<f8")),
        ("Int64", "connectivity", faces.astype("<i8")),
        ("Int64", "offsets", ((np.arange(len(faces)) + 1) * faces.shape[1]).astype("<i8")),
    ]
    appended, tags = b"", []
    for kind, name, values in arrays:
        start = f'<DataArray type="{kind}" Name="{name}" NumberOfComponents="{3 if name == "Points" else 1}"'
        if form == "ascii":
            tags.append(f'{start} format="ascii">{" ".join(map(str, values.ravel()))}</DataArray>')
            continue
        block = vtk_block(values.tobytes(), compressed, encoded=form != "raw")
        if form == "binary":
            tags.append(f'{start} format="binary">\n{block.decode()}\n</DataArray>')
        else:
            tags.append(f'{start} format="appended" offset="{len(appended)}"/>')
            appended += block
    compressor = ' compressor="vtkZLibDataCompressor"' if compressed else ""
    text = (
        f'<?xml version="1.0"?><VTKFile type="PolyData" byte_order="LittleEndian" header_type="UInt64"{compressor}>'
        f'<PolyData><Piece NumberOfPoints="{len(POINTS)}" NumberOfPolys="{len(faces)}" NumberOfStrips="0">'
        f"<Points>{tags[0]}</Points><Polys>{tags[1]}{tags[2]}</Polys></Piece></PolyData>"
    ).encode()
    if form in ("appended", "raw"):
        encoding = b"base64" if form == "appended" else b"raw"
        text += b'<AppendedData encoding="' + encoding + b'">_' + appended + b"</AppendedData>"
    path.write_bytes(text + b"</VTKFile>")


def vtk_block(data, compressed, encoded):
    code = base64.b64encode if encoded else bytes
    if not compressed:
        return code(np.array([len(data)], "<u8").tobytes() + data)
    size = 50
    parts = [zlib.compress(data[n : n + size]) for n in range(0, len(data), size)]
    header = np.array([len(parts), size, len(data) % size, *map(len, parts)], "<u8").tobytes()
    return code(header) + code(b"".join(parts))


def write_matlab(path, faces, struct=True, upright=True):
    points, corners = (POINTS, faces + 1) if upright else (POINTS.T, (faces + 1).T)
    content = {"points": points, "cells": corners} if struct else {"node": points, "face": corners.astype(float)}
    scipy.io.savemat(path, {"heart": content} if struct else content)


WRITERS = {
    "ascii.stl": (lambda p: write_meshio(p, FACES, binary=False)),
    "binary.stl": (lambda p: write_meshio(p, FACES, binary=True)),
    "ascii.ply": (lambda p: write_meshio(p, FACES, binary=False)),
    "binary.ply": (lambda p: write_meshio(p, FACES, binary=True)),
    "quads.ply": (lambda p: write_meshio(p, QUADS, binary=True)),
    "triangles.obj": (lambda p: write_obj(p, FACES)),
    "quads.obj": (lambda p: write_obj(p, QUADS)),
    "grid.vtk": (lambda p: write_meshio(p, FACES, binary=True)),
    "ascii.vtk": (lambda p: write_legacy(p, FACES)),
    "binary.vtk": (lambda p: write_legacy(p, FACES, binary=True)),
    "quads.vtk": (lambda p: write_legacy(p, QUADS)),
    "ascii5.vtk": (lambda p: write_legacy(p, FACES, version=5)),
    "binary5.vtk": (lambda p: write_legacy(p, QUADS, version=5, binary=True)),
    "ascii.vtp": (lambda p: write_vtp(p, FACES)),
    "binary.vtp": (lambda p: write_vtp(p, FACES, "binary")),
    "binary-zlib.vtp": (lambda p: write_vtp(p, QUADS, "binary", compressed=True)),
    "appended.vtp": (lambda p: write_vtp(p, FACES, "appended")),
    "appended-zlib.vtp": (lambda p: write_vtp(p, FACES, "appended", compressed=True)),
    "raw.vtp": (lambda p: write_vtp(p, FACES, "raw")),
    "raw-zlib.vtp": (lambda p: write_vtp(p, QUADS, "raw", compressed=True)),
    "struct.mat": (lambda p: write_matlab(p, FACES)),
    "variables.mat": (lambda p: write_matlab(p, FACES, struct=False, upright=False)),
}
