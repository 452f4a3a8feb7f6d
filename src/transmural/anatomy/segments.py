"""The 17 segments of the left ventricle (Cerqueira et al., Circulation 105, 2002), and 18 for the right one.

Basal and middle thirds of the cavity have six sectors of 60°, the apical third four of 90°, the muscle beyond the
cavity is 17. Sectors count from mid septum; the septum is 2 (8) in its anterior and 3 (9) in its inferior half, 14 at
the apex.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.coordinates import Coordinates
from transmural.anatomy.landmarks import Landmarks
from transmural.anatomy.wall import Wall
from transmural.stores.errors import GeometryError

RIGHT_VENTRICLE = 18
SEGMENT_NAMES = {
    1: "basal anterior",
    2: "basal anteroseptal",
    3: "basal inferoseptal",
    4: "basal inferior",
    5: "basal inferolateral",
    6: "basal anterolateral",
    7: "mid anterior",
    8: "mid anteroseptal",
    9: "mid inferoseptal",
    10: "mid inferior",
    11: "mid inferolateral",
    12: "mid anterolateral",
    13: "apical anterior",
    14: "apical septal",
    15: "apical inferior",
    16: "apical lateral",
    17: "apex",
    18: "right ventricle",
}
# Sectors in the order of rising angle from -180°: inferolateral, inferior, inferoseptal, anteroseptal, anterior, ...
_SIX = np.array([5, 4, 3, 2, 1, 6])
_FOUR = np.array([16, 15, 14, 13, 16])  # from -225°, each 90° wide
_SMALLEST_CAP, _LARGEST_CAP = 0.08, 0.20


def aha_segments(wall: Wall, landmarks: Landmarks, coordinates: Coordinates) -> NDArray[np.int64]:
    """AHA segment of every wall voxel, shape (voxel,).

    Raises
    ------
    GeometryError
        If a segment has no voxel: the left ventricle is then not a whole ventricle, or is far too coarse.
    """
    # A thin apex would leave segment 17 empty, a thick one would swallow the apical ring.
    cap = np.clip(1 - landmarks.cavity_mm / landmarks.length_mm, _SMALLEST_CAP, _LARGEST_CAP)
    level = (coordinates.apicobasal - cap) / (1 - cap)
    degrees = np.degrees(coordinates.rotational)
    six = _SIX[np.clip(np.floor((degrees + 180) / 60), 0, 5).astype(int)]
    four = _FOUR[np.clip(np.floor((degrees + 225) / 90), 0, 4).astype(int)]
    segment = np.select([level < 0, level < 1 / 3, level < 2 / 3], [17, four, six + 6], six)
    segment = np.where(wall.left, segment, RIGHT_VENTRICLE)
    missing = sorted(set(SEGMENT_NAMES) - set(np.unique(segment).tolist()))
    if missing:
        names = ", ".join(f"{s} ({SEGMENT_NAMES[s]})" for s in missing)
        raise GeometryError(f"myocardium: no voxel lies in AHA segment {names}; is the left ventricle whole?")
    return segment
