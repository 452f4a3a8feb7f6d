"""What every store must contain: variables, dimensions, units; checked when written and when opened.

A contract is the only agreement between two stages of the workflow. A store may hold more variables than its
contract names, never fewer.
"""

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from transmural.stores.errors import StoreError


@dataclass(frozen=True)
class Variable:
    """Dimensions, kind of values, unit and description of one variable (or coordinate) of a store.

    ``kind`` is ``"float"``, ``"int"``, ``"bool"`` or ``"str"``; floats are stored as float32 and must be finite
    unless ``nan_allowed``.
    """

    dims: tuple[str, ...]
    kind: str
    units: str
    long_name: str
    nan_allowed: bool = False


@dataclass(frozen=True)
class Contract:
    """Name of a kind of store and the variables that it must hold."""

    name: str
    variables: dict[str, Variable] = field(default_factory=dict)


_KINDS = {"float": "f", "int": "iu", "bool": "b", "str": "UOT"}


def check(dataset: xr.Dataset, contract: Contract, where: str) -> None:
    """Raise `StoreError` naming ``where`` and the variable if ``dataset`` breaks its ``contract``."""
    for name, variable in contract.variables.items():
        if name not in dataset.variables:
            raise StoreError(f"{where}: variable '{name}' is missing; a {contract.name} store needs it")
        array = dataset[name]
        if array.dims != variable.dims:
            raise StoreError(f"{where}: variable '{name}' has dimensions {array.dims}, expected {variable.dims}")
        if array.dtype.kind not in _KINDS[variable.kind]:
            raise StoreError(f"{where}: variable '{name}' has type {array.dtype}, expected {variable.kind}")
        if variable.kind == "float" and not variable.nan_allowed and not np.isfinite(array.values).all():
            count = int((~np.isfinite(array.values)).sum())
            raise StoreError(f"{where}: variable '{name}' has {count} values that are not finite")


ANATOMY = Contract(
    "anatomy",
    {
        "labels": Variable(
            ("x", "y", "z"), "int", "1", "tissue label of the image voxel (see attribute 'label_names')"
        ),
        "voxel_position": Variable(("voxel", "xyz"), "float", "mm", "centre of the myocardial voxel"),
        "voxel_index": Variable(("voxel", "xyz"), "int", "1", "index of the myocardial voxel in the label image"),
        "fibre": Variable(("voxel", "xyz"), "float", "1", "unit vector along the muscle fibre"),
        "transmural": Variable(("voxel",), "float", "1", "transmural coordinate, 0 endocardium to 1 epicardium"),
        "apicobasal": Variable(("voxel",), "float", "1", "apicobasal coordinate, 0 apex to 1 base"),
        "segment": Variable(("voxel",), "int", "1", "AHA segment 1 to 17 of the left ventricle, 18 right ventricle"),
        "voxel_node": Variable(("voxel",), "int", "1", "inference node to which the voxel belongs"),
        "node_position": Variable(("node", "xyz"), "float", "mm", "centroid of the node's voxels"),
        "node_volume": Variable(("node",), "float", "mm3", "volume of the node's voxels"),
        "node_transmural": Variable(("node",), "float", "1", "mean transmural coordinate of the node"),
        "node_apicobasal": Variable(("node",), "float", "1", "mean apicobasal coordinate of the node"),
        "node_segment": Variable(("node",), "int", "1", "most frequent segment among the node's voxels"),
        "electrode": Variable(("electrode",), "str", "", "name of the body-surface electrode"),
        "electrode_position": Variable(("electrode", "xyz"), "float", "mm", "body-surface electrode"),
        "limb_electrode": Variable(("limb_electrode",), "str", "", "electrode of the standard 12-lead ECG"),
        "limb_electrode_position": Variable(("limb_electrode", "xyz"), "float", "mm", "electrode of the 12-lead ECG"),
        "heart_vertex": Variable(("heart_vertex", "xyz"), "float", "mm", "vertex of the heart's surface, for pictures"),
        "heart_face": Variable(("heart_face", "corner"), "int", "1", "triangle of the heart's surface"),
        "heart_vertex_node": Variable(("heart_vertex",), "int", "1", "inference node nearest to the vertex"),
        "torso_vertex": Variable(("torso_vertex", "xyz"), "float", "mm", "vertex of the body surface, for pictures"),
        "torso_face": Variable(("torso_face", "corner"), "int", "1", "triangle of the body surface"),
    },
)

_LEADS = {
    "lead": Variable(("lead",), "str", "", "name of the lead"),
    "montage": Variable(("lead",), "str", "", "'body_surface' or 'standard_12'"),
    "transfer_fine": Variable(("lead", "voxel"), "float", "1", "lead potential (mV) per voxel TMP (mV)"),
}

TRANSFER = Contract(
    "transfer",
    {
        **_LEADS,
        "transfer": Variable(
            ("lead", "node"), "float", "1", "lead potential (mV) per nodal transmembrane potential (mV)"
        ),
    },
)

VOXEL_TRANSFER = Contract("voxel transfer", _LEADS)

COHORT = Contract(
    "cohort",
    {
        "origin": Variable(("case", "xyz"), "float", "mm", "site where the beat starts"),
        "origin_id": Variable(("case",), "int", "1", "number of the origin in the design"),
        "tissue_id": Variable(("case",), "int", "1", "number of the tissue configuration; 0 is healthy"),
        "excitability": Variable(("case", "voxel"), "float", "1", "Aliev-Panfilov threshold parameter a of the voxel"),
        "scar_voxel": Variable(
            ("case", "voxel"), "bool", "1", "voxel belongs to a scar (a at or above the scar threshold)"
        ),
    },
)

BEATS = Contract(
    "beats",
    {
        "time": Variable(("time",), "float", "ms", "time since the stimulus"),
        "tmp": Variable(("case", "time", "node"), "float", "1", "transmembrane potential, 0 rest to 1 plateau"),
        "ecg": Variable(("case", "lead", "time"), "float", "mV", "noise-free lead potential from the fine grid"),
        "activation_time": Variable(("case", "node"), "float", "ms", "time of steepest upstroke; NaN where none", True),
        "repolarisation_time": Variable(
            ("case", "node"), "float", "ms", "time of 90 % repolarisation; NaN where none", True
        ),
        "scar": Variable(("case", "node"), "bool", "1", "most of the node's volume is scar"),
        "excitability": Variable(
            ("case", "node"), "float", "1", "Aliev-Panfilov threshold parameter a, mean over the node's voxels"
        ),
        "origin": Variable(("case", "xyz"), "float", "mm", "site where the beat starts"),
        "origin_id": Variable(("case",), "int", "1", "number of the origin in the design"),
        "tissue_id": Variable(("case",), "int", "1", "number of the tissue configuration; 0 is healthy"),
    },
)

RECONSTRUCTION = Contract(
    "reconstruction",
    {
        "time": Variable(("time",), "float", "ms", "time since the stimulus"),
        "tmp": Variable(
            ("case", "time", "node"), "float", "1", "reconstructed transmembrane potential; NaN in a failed case", True
        ),
        "seconds": Variable(("case",), "float", "s", "wall time of the method for the case"),
        "memory_mb": Variable(("case",), "float", "MB", "peak memory of the method beyond its inputs"),
    },
)

SHEETS = Contract(
    "sheets",
    {
        "time": Variable(("time",), "float", "ms", "time since the stimulus"),
        "tmp": Variable(
            ("case", "time", "row", "column"), "float", "1", "transmembrane potential, mean over the nodes of a cell"
        ),
        "lead": Variable(("lead",), "str", "", "name of the electrode: reference, or how it was moved"),
        "electrode_position": Variable(("lead", "xyz"), "float", "mm", "electrode, from the sheet's top-left corner"),
        "ecg": Variable(("case", "lead", "time"), "float", "mm/ms", "extracellular potential from all nodes (Eq. 1)"),
        "lead_field": Variable(
            ("case", "lead", "row", "column"), "float", "mm/ms", "weight of a cell's mean potential in the ECG"
        ),
        "activation_time": Variable(
            ("case", "row", "column"), "float", "ms", "mean over the cell's activated nodes; NaN where none is", True
        ),
        "diffusivity": Variable(("case",), "float", "mm2/ms", "D of the conductive tissue"),
        "conductive_share": Variable(("case", "row", "column"), "float", "1", "share of the cell that conducts"),
        "tissue_class": Variable(("case",), "str", "", "healthy, gap_junction, fibrotic or combined"),
        "stimulus": Variable(("case",), "str", "", "plane or focal"),
        "stimulus_position": Variable(("case", "xyz"), "float", "mm", "centre of the stimulated nodes"),
        "seconds": Variable(("case",), "float", "s", "time that the simulation took"),
    },
)

PREDICTED_ECGS = Contract(
    "predicted ECGs",
    {
        "time": Variable(("time",), "float", "ms", "time since the stimulus"),
        "method": Variable(("method",), "str", "", "name of the method"),
        "ecg": Variable(("case", "time"), "float", "1", "scaled ECG of the reference electrode"),
        "predicted": Variable(("method", "case", "time"), "float", "1", "scaled ECG that the method predicts"),
    },
)

RECORDINGS = Contract(
    "recordings",
    {
        "time": Variable(("time",), "float", "ms", "time since the first stimulus"),
        "lead": Variable(("lead",), "str", "", "name of the lead of the standard ECG"),
        "point": Variable(("point",), "str", "", "name of the recording point in the wall"),
        "ecg": Variable(("case", "lead", "time"), "float", "mV", "lead potential"),
        "tmp": Variable(("case", "time", "point"), "float", "1", "transmembrane potential, 0 at rest_mv to 1"),
        "heart": Variable(("case",), "str", "", "name of the heart"),
        "pattern": Variable(("case",), "str", "", "name of the activation pattern"),
        "cycle_length": Variable(("case",), "float", "ms", "cycle length"),
        "rapid_rectifier": Variable(("case",), "float", "1", "conductance g_Kr relative to normal"),
    },
)

PREDICTED_TMPS = Contract(
    "predicted potentials",
    {
        "time": Variable(("time",), "float", "ms", "time since the first stimulus"),
        "lead": Variable(("lead",), "str", "", "name of the lead of the standard ECG"),
        "point": Variable(("point",), "str", "", "name of the recording point in the wall"),
        "method": Variable(("method",), "str", "", "name of the method"),
        "setting": Variable(("case",), "str", "", "name of the test setting"),
        "place": Variable(("case",), "str", "", "best, median or worst recording of its setting"),
        "heart": Variable(("case",), "str", "", "name of the heart"),
        "pattern": Variable(("case",), "str", "", "name of the activation pattern"),
        "number": Variable(("case",), "int", "1", "number of the recording"),
        "ecg": Variable(("case", "lead", "time"), "float", "mV", "lead potential"),
        "tmp": Variable(("case", "time", "point"), "float", "1", "transmembrane potential, 0 at rest_mv to 1"),
        "predicted": Variable(
            ("method", "case", "time", "point"),
            "float",
            "1",
            "what the method predicts; NaN where it has no part",
            True,
        ),
    },
)


def _activation_images(name: str, space: tuple[str, ...]) -> Contract:
    grid = ("electrode_row", "electrode_column")
    return Contract(
        name,
        {
            "time": Variable(("time",), "float", "ms", "time since the first pacing zone fires"),
            "mask": Variable(("case", *space), "bool", "1", "cell belongs to the wall"),
            "activation_time": Variable(("case", *space), "float", "ms", "activation; NaN outside the wall", True),
            "velocity": Variable(("case", *space), "float", "mm/ms", "conduction velocity; NaN outside the wall", True),
            "slow": Variable(("case", *space), "bool", "1", "cell of the wall in a slow region"),
            "bsp": Variable(("case", *grid, "time"), "float", "mV", "potential of an electrode in front of the heart"),
            "electrode_position": Variable(
                ("case", *grid, "xyz"), "float", "mm", "electrode, from the centre of the image, along its axes"
            ),
            "pacing_position": Variable(
                ("case", "zone", "xyz"), "float", "mm", "pacing zone, likewise; NaN where a map has fewer", True
            ),
            "heart": Variable(("case",), "str", "", "name of the heart"),
            "slice_height": Variable(
                ("case",), "float", "1", "height of the slice, 0 apex to 1 base; NaN for a whole heart", True
            ),
            "normal_velocity": Variable(("case",), "float", "mm/ms", "conduction velocity outside slow regions"),
            "slow_velocity": Variable(
                ("case",), "float", "1", "velocity in the slow region relative to the rest; 1 where there is none"
            ),
            "seconds": Variable(("case",), "float", "s", "time that the simulation took"),
        },
    )


ACTIVATION_IMAGES = _activation_images("activation images", ("row", "column"))
ACTIVATION_VOLUMES = _activation_images("activation volumes", ("x", "y", "z"))

PREDICTED_BSPS = Contract(
    "predicted body-surface potentials",
    {
        "time": Variable(("time",), "float", "ms", "time since the first pacing zone fires"),
        "setting": Variable(("case",), "str", "", "name of the test setting"),
        "place": Variable(("case",), "str", "", "best, median or worst case of its setting"),
        "heart": Variable(("case",), "str", "", "name of the heart"),
        "number": Variable(("case",), "int", "1", "number of the map"),
        "bsp": Variable(("case", "electrode_row", "electrode_column", "time"), "float", "mV", "potential"),
        "predicted": Variable(
            ("case", "electrode_row", "electrode_column", "time"), "float", "mV", "what the autoencoder makes of it"
        ),
    },
)


def _predicted_maps(name: str, space: tuple[str, ...]) -> Contract:
    by_method = ("method", "case", *space)
    return Contract(
        name,
        {
            "method": Variable(("method",), "str", "", "name of the method"),
            "setting": Variable(("case",), "str", "", "name of the test setting"),
            "place": Variable(("case",), "str", "", "best, median or worst case of its setting"),
            "heart": Variable(("case",), "str", "", "name of the heart"),
            "number": Variable(("case",), "int", "1", "number of the map"),
            "mask": Variable(("case", *space), "bool", "1", "cell belongs to the wall"),
            "slow": Variable(("case", *space), "bool", "1", "cell of the wall in a slow region"),
            "activation_time": Variable(("case", *space), "float", "ms", "activation; NaN outside the wall", True),
            "pacing_position": Variable(
                ("case", "zone", "xyz"), "float", "mm", "pacing zone; NaN where a map has fewer", True
            ),
            "predicted": Variable(
                by_method, "float", "ms", "activation that the method predicts; NaN outside and where it has no part",
                True,
            ),
            "deviation": Variable(
                by_method, "float", "ms", "standard deviation of its samples; NaN likewise, and where it draws none",
                True,
            ),
        },
    )  # fmt: skip


PREDICTED_MAPS = _predicted_maps("predicted maps", ("row", "column"))
PREDICTED_VOLUMES = _predicted_maps("predicted volumes", ("x", "y", "z"))

_SURFACE = {
    "vertex_position": Variable(("vertex", "xyz"), "float", "mm", "vertex of the closed surface"),
    "vertex_normal": Variable(("vertex", "xyz"), "float", "1", "unit vector outwards"),
    "face": Variable(("face", "corner"), "int", "1", "triangle of the surface, oriented outwards"),
    "vertex_voxel": Variable(("vertex",), "int", "1", "myocardial voxel nearest to the vertex"),
    "vertex_node": Variable(("vertex",), "int", "1", "inference node of that voxel"),
    "lead": Variable(("lead",), "str", "", "name of the electrode, with the size of its montage"),
    "montage_size": Variable(("lead",), "int", "1", "number of electrodes of the montage"),
    "electrode_position": Variable(("lead", "xyz"), "float", "mm", "electrode on the skin"),
    "transfer": Variable(("lead", "vertex"), "float", "1", "lead potential (mV) per potential (mV) at the vertex"),
}

SURFACE_TRANSFER = Contract("surface transfer", _SURFACE)

SURFACE_BEATS = Contract(
    "surface beats",
    {
        **_SURFACE,
        "time": Variable(("time",), "float", "ms", "time since the stimulus"),
        "tmp": Variable(("case", "time", "vertex"), "float", "1", "transmembrane potential, 0 rest to 1 plateau"),
        "activation_time": Variable(
            ("case", "vertex"), "float", "ms", "time of steepest upstroke; NaN where none", True
        ),
        "ecg": Variable(("case", "lead", "time"), "float", "mV", "noise-free lead potential"),
        "origin_vertex": Variable(
            ("case", "site"), "int", "1", "vertex where the beat starts; -1 where a case has fewer"
        ),
        "origin": Variable(("case", "site", "xyz"), "float", "mm", "site where the beat starts; NaN likewise", True),
    },
)

SURFACE_RECONSTRUCTIONS = Contract(
    "surface reconstructions",
    {
        "case": Variable(("fit",), "int", "1", "number of the beat"),
        "method": Variable(("fit",), "str", "", "name of the method"),
        "seed": Variable(("fit",), "int", "1", "number of the fit of a network, each from other first weights"),
        "time": Variable(("time",), "float", "ms", "time since the stimulus"),
        "potential": Variable(
            ("fit", "time", "vertex"), "float", "1", "reconstructed potential, 0 rest to 1 plateau"
        ),
        "seconds": Variable(("fit",), "float", "s", "wall time of the reconstruction"),
        "term": Variable(("term",), "str", "", "what is recorded of the fit of a network"),
        "history": Variable(
            ("fit", "term", "epoch"), "float", "1", "mean of an epoch; NaN for what a method doesn't have", True
        ),
    },
)  # fmt: skip
