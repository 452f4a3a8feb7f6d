"""Where beats start: training sites spread over both ventricles, and unseen sites apart from all of them.

Training sites are farthest points of the wall (`wall.farthest_sites`) with endocardium, epicardium and mid-wall taking
turns. A beat can't start in or beside a scar (the stimulus would meet too little excitable tissue), so every tissue
configuration takes the first sites of the sequence that are far enough from its scar. The number of beats is thus
fixed by the configuration alone, every pair is different, and sites used by a few configurations only stand in for
those that a scar covers.
"""

from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from transmural.cohorts.wall import farthest_sites
from transmural.stores.errors import GeometryError

_LAYER_EDGES = (1 / 3, 2 / 3)
_DRAWS = 12


def wall_layers(transmural: NDArray[np.floating]) -> list[NDArray[np.bool_]]:
    """Endocardial, epicardial and middle third of the wall, shape (voxel,) each."""
    inner, outer = _LAYER_EDGES
    return [transmural < inner, transmural > outer, (transmural >= inner) & (transmural <= outer)]


def clear_of(
    position_mm: NDArray[np.floating], obstacle_mm: NDArray[np.floating], distance_mm: float
) -> NDArray[np.bool_]:
    """Positions, shape (n, 3), outside and at least ``distance_mm`` (Euclidean) from all obstacles, shape (m, 3)."""
    if len(obstacle_mm) == 0:
        return np.ones(len(position_mm), dtype=bool)
    # Positions beyond the bound come back as infinitely far, without the long search for their nearest obstacle.
    nearest, _ = cKDTree(obstacle_mm).query(position_mm, distance_upper_bound=distance_mm + 1e-6)
    return np.asarray((nearest >= distance_mm) & (nearest > 0))


def training_origins(
    graph: sparse.csr_matrix,
    layers: Sequence[NDArray[np.bool_]],
    allowed: NDArray[np.bool_],
    count: int,
    generator: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sites of the training beats: ``count`` for each tissue configuration.

    Parameters
    ----------
    graph
        From `transmural.tissue.neighbours.wall_graph`.
    layers
        From `wall_layers`.
    allowed
        Voxels at which a beat may start in each tissue configuration, shape (tissue, voxel).
    count
        Origins of each tissue configuration.
    generator
        Chooses the first site.

    Returns
    -------
    site : numpy.ndarray
        Voxel of each site, shape (site,), by decreasing distance from those before.
    chosen : numpy.ndarray
        Numbers of the sites of each tissue configuration, ascending, shape (tissue, count).

    Raises
    ------
    GeometryError
        If a tissue configuration leaves too few sites.
    """
    sites: list[int] = []
    found = np.zeros(len(allowed), dtype=int)
    # Sites beyond ten times the wanted number would no longer be spread, but crowd what a scar leaves free.
    for site in islice(farthest_sites(graph, layers, generator), 10 * count):
        sites.append(site)
        found += allowed[:, site]
        if (found >= count).all():
            break
    else:
        tissue = int(found.argmin())
        raise GeometryError(
            f"tissue configuration {tissue} leaves only {found[tissue]} of {count} origins far enough from its scar; "
            "lower generative_em.unseen.origin_scar_distance_mm, generative_em.scars.radius_max_mm "
            "or generative_em.published.origins"
        )
    site_voxel = np.array(sites, dtype=np.int64)
    chosen = np.stack([np.flatnonzero(row[site_voxel])[:count] for row in allowed])
    # A late site may suit only tissues that have enough already: a site that no beat uses isn't one of training.
    used = np.unique(chosen)
    return site_voxel[used], np.searchsorted(used, chosen)


def spread_choice(
    candidate: NDArray[np.integer],
    position_mm: NDArray[np.floating],
    earlier_mm: NDArray[np.floating],
    generator: np.random.Generator,
) -> int:
    """One of the candidates at random, but away from earlier choices: the farthest of a few draws (Mitchell 1991).

    Parameters
    ----------
    candidate
        Voxels to choose from, shape (candidate,), not empty.
    position_mm
        Position of every voxel, shape (voxel, 3).
    earlier_mm
        Positions of earlier choices, shape (earlier, 3).
    generator
        Stream of the case.
    """
    draws = generator.choice(candidate, size=min(_DRAWS, len(candidate)), replace=False)
    if len(earlier_mm) == 0:
        return int(draws[0])
    nearest, _ = cKDTree(earlier_mm).query(position_mm[draws])
    return int(draws[np.argmax(nearest)])
