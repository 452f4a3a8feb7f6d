"""The 75 points at which Ornelas-Munoz et al. record transmembrane potentials, in any heart.

Names and order are those of the published list (Landajuela et al. 2022, doi 10.6075/J0SN094N): 17 on the left
endocardium, one an AHA segment; 13 on the right endocardium (basal, mid and apical ring, free wall and septum); beneath
the epicardium (EPI) and in the middle of the wall (MID) at those of the two free walls; and in the middle of the septum
between pairs of endocardial points (SEPTM). Heights and angles are those of the published heart, rounded; left
ventricular points also lie in their AHA segment.
"""

import xarray as xr

from transmural.anatomy.places import Place, WallMap

_BASAL, _MID, _APICAL, _APEX = 0.87, 0.64, 0.37, 0.08
# Angles of the AHA sectors' middles, from mid septum towards the anterior wall.
_SIX = (90, 30, -30, -90, -150, 150)
_FOUR = (90, 0, -90, 180)
_LEFT: dict[int, tuple[float, float | None]] = {
    **{1 + i: (_BASAL, angle) for i, angle in enumerate(_SIX)},
    **{7 + i: (_MID, angle) for i, angle in enumerate(_SIX)},
    **{13 + i: (_APICAL, angle) for i, angle in enumerate(_FOUR)},
    17: (_APEX, None),
}
# Points of the right free wall: height between the right ventricle's tip and the base, angle.
_RIGHT = {
    1: (0.8, 40), 2: (0.8, 0), 3: (0.8, -25),
    6: (0.5, 35), 7: (0.5, 0), 8: (0.5, -25),
    11: (0.2, 15), 12: (0.2, -20),
}  # fmt: skip
# Points of the right side of the septum and the AHA segments that they face.
_FACING = {4: 3, 5: 2, 9: 9, 10: 8, 13: 14}
_SEPTAL = (2, 3, 8, 9, 14)


def _left(segment: int, transmural: float) -> Place:
    return Place("left", *_LEFT[segment], transmural, segment)


def _right(number: int, transmural: float) -> Place:
    if number in _FACING:
        return _left(_FACING[number], 1.0)
    return Place("right", *_RIGHT[number], transmural)


def _points() -> dict[str, Place]:
    opposite = {segment: number for number, segment in _FACING.items()}
    points = {f"AHA{n:02d}": _left(n, 0.0) for n in _LEFT}
    points |= {f"RV{n:02d}": _right(n, 0.0) for n in sorted([*_RIGHT, *_FACING])}
    for layer, transmural in (("EPI", 1.0), ("MID", 0.5)):
        points |= {f"{layer}_AHA{n:02d}": _left(n, transmural) for n in _LEFT if n not in _SEPTAL}
        points |= {f"{layer}_RV{n:02d}": _right(n, transmural) for n in _RIGHT}
    return points | {f"SEPTM_AHA{n:02d}_RV{opposite[n]:02d}": _left(n, 0.5) for n in _SEPTAL}


POINTS: dict[str, Place] = _points()
"""Names of the 75 points, in the published order, and where they lie."""


def recording_points(anatomy: xr.Dataset) -> tuple[list[str], list[int]]:
    """Names of the 75 points and their voxels, all different, in an anatomy.

    Where the wall is thinner than three voxels, a point of the middle layer takes the nearest voxel that is left.

    Parameters
    ----------
    anatomy
        From `transmural.anatomy.build.build_anatomy`.

    Raises
    ------
    GeometryError
        If a segment has fewer voxels than points.
    """
    wall = WallMap.of(anatomy)
    found: list[int] = []
    for place in POINTS.values():
        found.append(wall.voxel(place, found))
    return list(POINTS), found
