"""Random streams that belong to the case: the same case draws the same numbers whatever the order or sharding.

A stream is ``SeedSequence([seed, key…])``: the run's seed, then what names the draw (study, subject, cohort,
purpose, number of the case). Nothing is shared between cases, so adding cases or changing shards moves no number.
"""

import zlib
from collections.abc import Iterable

import numpy as np


def case_generator(seed: int, *key: int | str) -> np.random.Generator:
    """Random generator of one case.

    Parameters
    ----------
    seed
        Seed of the run, non-negative.
    *key
        What names the draw: strings (hashed by CRC-32, the same on every machine) and non-negative integers.
        Their order and their kind matter: ``"1"`` and ``1`` name different streams.

    Raises
    ------
    ValueError
        If ``seed`` or an integer of the key is negative.
    """
    words = [int(seed)]
    for part in key:
        words += [1, zlib.crc32(part.encode())] if isinstance(part, str) else [0, int(part)]
    if min(words) < 0:
        raise ValueError(f"seed and key must not be negative, got seed {seed} and key {key}")
    # SeedSequence pads short keys with zeros, so without their length (3, 0) and (3,) would be one stream.
    return np.random.default_rng(np.random.SeedSequence([len(key), *words]))


def case_generators(seed: int, *key: int | str, cases: Iterable[int]) -> list[np.random.Generator]:
    """One generator for each case number, ``case_generator(seed, *key, case)``."""
    return [case_generator(seed, *key, int(case)) for case in cases]
