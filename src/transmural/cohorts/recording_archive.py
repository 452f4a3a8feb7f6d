"""The published archive of simulated recordings (Landajuela et al. 2022, doi 10.6075/J0SN094N): reading and writing.

A recording is a pair of NumPy files, in the folder or below it, ``pECGData_….npy`` with the potentials of ten
electrodes (500, 10) and ``VmData_….npy`` with the transmembrane potentials of 75 points (500, 75), in mV, a sample a
ms. Names say heart and activation pattern, and where they vary the cycle length and g_Kr in hundredths:
``…_bcl.1000.gkr.050.pattern.11.volunteer.v9.npy`` or ``…_volunteer.v9_pattern.11.npy``. Leads are
I = LA − RA, II = LL − RA, III = LL − LA, aVX = 1.5 (X − W) and Vn − W with W = (RA + LA + LL) / 3; transmembrane
potentials are scaled by (V + 85.506 mV) / 135.506 mV.

Numbers of patterns are taken to mean the same in all sets of the archive, which at worst keeps more recordings together
than need be when patterns are held out. Whether its g_Kr is what is left or what is blocked isn't said.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.image import LIMB_ELECTRODES
from transmural.anatomy.recording_points import POINTS
from transmural.stores.errors import StoreError, reason
from transmural.torso.leads import STANDARD_12, leads

REST_MV = -85.506
AMPLITUDE_MV = 135.506
_SAMPLES = 500
_ECG, _TMP = "pECGData_", "VmData_"
_KEYS = "bcl|gkr|pattern|volunteer"
_FIELD = re.compile(rf"(?<![A-Za-z])({_KEYS})\.(.+?)(?=[._-](?:{_KEYS})\.|\.npy$)")
_PATTERN = "pattern_"
# Names of hearts and patterns: they name files, lines of tables and places in the report.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
# Headers of later versions may announce gigabytes of themselves.
_MAGIC = b"\x93NUMPY\x01\x00"
_NUMBER = re.compile(r"[0-9]{1,5}")
# Where names don't say: the archive's own reference.
_CYCLE_LENGTH_MS, _RAPID_RECTIFIER = 1000.0, 1.0


class _Described(NamedTuple):
    heart: str
    pattern: str
    cycle_length: float
    rapid_rectifier: float


def read_archive(folder: Path, sample_ms: int) -> xr.Dataset:
    """Read all recordings of a folder.

    Parameters
    ----------
    folder
        Folder of the pairs, or of folders of them.
    sample_ms
        Every such millisecond is kept; 1 for all.

    Returns
    -------
    xarray.Dataset
        Fulfils `contracts.RECORDINGS`, with ``source`` (case,), the name of the ECG's file, besides. Where a name gives
        no cycle length or g_Kr, they are 1000 ms and 1.

    Raises
    ------
    StoreError
        If there is no recording, a file has no partner, a name says neither heart nor pattern or isn't of the archive,
        an array has another shape or type, or values aren't finite; the message names the file.
    """
    files = _paired(folder)
    described = [_described(ecg) for ecg, _ in files]
    kept = slice(0, _SAMPLES, sample_ms)
    time = np.arange(_SAMPLES, dtype=np.float64)[kept]
    weights = leads(()).weights
    ecg = np.empty((len(files), len(STANDARD_12), len(time)), np.float32)
    tmp = np.empty((len(files), len(time), len(POINTS)), np.float32)
    for number, (ecg_file, tmp_file) in enumerate(files):
        ecg[number] = weights @ _array(ecg_file, len(LIMB_ELECTRODES))[kept].T
        tmp[number] = (_array(tmp_file, len(POINTS))[kept] - REST_MV) / AMPLITUDE_MV
    hearts, patterns, cycle_lengths, rectifiers = zip(*described, strict=True)
    case = ("case",)
    return xr.Dataset(
        {
            "ecg": ((*case, "lead", "time"), ecg),
            "tmp": ((*case, "time", "point"), tmp),
            "heart": (case, np.array(hearts)),
            "pattern": (case, np.array(patterns)),
            "cycle_length": (case, np.array(cycle_lengths)),
            "rapid_rectifier": (case, np.array(rectifiers)),
            "source": (case, np.array([str(file.relative_to(folder)) for file, _ in files]), {"long_name": "file"}),
        },
        coords={
            "case": np.arange(len(files)),
            "lead": np.array(STANDARD_12),
            "time": time,
            "point": np.array(list(POINTS)),
        },
        attrs={"rest_mv": REST_MV, "amplitude_mv": AMPLITUDE_MV},
    )


def write_archive(recordings: xr.Dataset, folder: Path, name: str = "transmural") -> None:
    """Write recordings in the format of the archive.

    Electrode potentials are against Wilson's central terminal, which the twelve leads determine; that of RL, which no
    lead has, is 0.

    Parameters
    ----------
    recordings
        Fulfils `contracts.RECORDINGS`, 500 samples 1 ms apart.
    folder
        Is made if need be.
    name
        Name of the set, part of every file's name.

    Raises
    ------
    StoreError
        If the samples are others, two recordings have the same name, or a name can't be that of a file.
    """
    if not np.array_equal(recordings["time"].values, np.arange(_SAMPLES)):
        raise StoreError(
            f"recordings: the archive's format has {_SAMPLES} samples 1 ms apart, these are {recordings.sizes['time']};"
            " simulate them with sequence_models.sample_ms = 1"
        )
    lead = {str(lead): row for row, lead in enumerate(recordings["lead"].values)}
    folder.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    for case in range(recordings.sizes["case"]):
        one = recordings.isel(case=case)
        ending = _ending(one, name)
        if ending in seen:
            raise StoreError(f"recordings: two have heart, pattern, cycle length and g_Kr of {ending}")
        seen.add(ending)
        ecg = one["ecg"].values.astype(np.float64)
        electrodes = np.zeros((_SAMPLES, len(LIMB_ELECTRODES)))
        for column, electrode in enumerate(LIMB_ELECTRODES):
            if electrode.startswith("V"):
                electrodes[:, column] = ecg[lead[electrode]]
            elif electrode != "RL":
                # aVR = RA − (LA + LL) / 2 = 1.5 RA where the three sum to zero; likewise aVL, and aVF with LL.
                electrodes[:, column] = ecg[lead[{"RA": "aVR", "LA": "aVL", "LL": "aVF"}[electrode]]] / 1.5
        millivolt = recordings.attrs["rest_mv"] + recordings.attrs["amplitude_mv"] * one["tmp"].values.astype(float)
        np.save(folder / f"{_ECG}{ending}", electrodes)
        np.save(folder / f"{_TMP}{ending}", millivolt)


def _ending(one: xr.Dataset, name: str) -> str:
    cycle, rectifier = float(one["cycle_length"]), float(one["rapid_rectifier"])
    pattern = str(one["pattern"].values).removeprefix(_PATTERN)
    fields = {
        "bcl": f"{cycle:.0f}",
        "gkr": f"{100 * rectifier:03.0f}",
        "pattern": pattern,
        "volunteer": str(one["heart"].values),
    }
    for key in ("pattern", "volunteer"):
        if not _NAME.fullmatch(fields[key]):
            raise StoreError(f"recordings: {key} {fields[key]!r} can't be part of a file's name")
    return f"{name}_" + ".".join(f"{key}.{value}" for key, value in fields.items()) + ".npy"


def _paired(folder: Path) -> list[tuple[Path, Path]]:
    """Files of each recording, in the order of their paths."""
    if not folder.is_dir():
        raise StoreError(f"{folder}: there is no such folder; sequence_models.archive must name that of the archive")
    found = sorted(folder.rglob("*.npy"))
    of_kind = {kind: [file for file in found if file.name.startswith(kind)] for kind in (_ECG, _TMP)}
    if unknown := sorted(set(found) - set(of_kind[_ECG]) - set(of_kind[_TMP])):
        raise StoreError(f"{unknown[0]}: names of the archive's files begin with {_ECG} or {_TMP}")
    if strange := [file for file in found if not file.is_file()]:
        raise StoreError(f"{strange[0]}: is no file")
    if not found:
        raise StoreError(f"{folder}: there is no recording ({_ECG}*.npy with {_TMP}*.npy) in the folder or below it")
    for kind, other in ((_ECG, _TMP), (_TMP, _ECG)):
        for file in of_kind[kind]:
            if not _partner(file, kind, other).is_file():
                raise StoreError(f"{file}: its partner {_partner(file, kind, other).name} is missing")
    return [(file, _partner(file, _ECG, _TMP)) for file in of_kind[_ECG]]


def _partner(file: Path, kind: str, other: str) -> Path:
    return file.with_name(other + file.name.removeprefix(kind))


def _described(file: Path) -> _Described:
    fields = dict(_FIELD.findall(file.name))
    numbers = {key: fields.get(key) for key in ("bcl", "gkr")}
    named = all(_NAME.fullmatch(fields.get(key, "")) for key in ("volunteer", "pattern"))
    if not named or any(n is not None and not _NUMBER.fullmatch(n) for n in numbers.values()):
        raise StoreError(
            f"{file}: its name must give volunteer.… and pattern.…, and bcl and gkr as whole numbers if at all, such as"
            f" {_ECG}set_bcl.1000.gkr.050.pattern.11.volunteer.v9.npy"
        )
    cycle, rectifier = numbers["bcl"], numbers["gkr"]
    return _Described(
        fields["volunteer"],
        _PATTERN + fields["pattern"],
        _CYCLE_LENGTH_MS if cycle is None else float(cycle),
        _RAPID_RECTIFIER if rectifier is None else float(rectifier) / 100,
    )


def _array(file: Path, columns: int) -> NDArray[np.floating]:
    """Array of a file after checking it."""
    try:
        with file.open("rb") as stream:
            if stream.read(len(_MAGIC)) != _MAGIC:
                raise ValueError("of version 1.0 of the format")
        # Nothing is read of a larger array, and arrays of objects, which may run code when read, can't be mapped.
        values = np.lib.format.open_memmap(file, mode="r")
    # NumPy meets broken headers in many ways.
    except Exception as error:
        raise StoreError(f"{file}: isn't a NumPy array ({reason(error)})") from None
    if values.shape != (_SAMPLES, columns):
        raise StoreError(f"{file}: has shape {values.shape}, expected {(_SAMPLES, columns)}")
    if values.dtype.kind != "f":
        raise StoreError(f"{file}: has type {values.dtype}, expected floating-point numbers in mV")
    if not np.isfinite(values).all():
        raise StoreError(f"{file}: has {int((~np.isfinite(values)).sum())} values that are not finite")
    return np.array(values)
