"""The heart of a study whose hearts are volunteers, drawn at random, or subjects of the catalogue."""

from pathlib import Path

from pydantic import TypeAdapter

from transmural.anatomy.build import build_anatomy
from transmural.anatomy.subjects import load_subject
from transmural.cohorts.volunteers import volunteer
from transmural.stores.config import Anatomy, Subject


def heart_of(heart: str, number: int, subject: dict | None, anatomy: dict, seed: int):
    """Anatomy of a volunteer with this number, or of a subject's section of the catalogue."""
    config = Anatomy(**anatomy)
    if subject is None:
        return volunteer(seed, number, config)[1]
    image, electrodes = load_subject(heart, TypeAdapter(Subject).validate_python(subject), config, Path())
    return build_anatomy(image, electrodes, config, heart)
