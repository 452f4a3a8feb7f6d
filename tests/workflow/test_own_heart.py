"""A lab's own heart: a segmentation and electrodes as files, named in an overlay, go through the whole workflow."""

import csv

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import yaml

from transmural.anatomy.image import Label
from transmural.anatomy.phantom import phantom
from transmural.stores.config import load

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def write_heart(folder, raw_config):
    """A phantom as a scanner's coordinates have it: x to the right, y to the front."""
    subject = load(raw_config).subjects["broad"]
    image, electrodes = phantom(subject, 3.0, 64)
    flip = np.diag([-1.0, -1.0, 1.0])
    affine = np.eye(4)
    affine[:3, :3] = flip * image.spacing_mm
    affine[:3, 3] = flip @ image.origin_mm
    nib.save(nib.Nifti1Image(image.labels.astype(np.int16), affine), folder / "segmentation.nii.gz")
    with (folder / "electrodes.csv").open("w", newline="") as stream:
        rows = zip(electrodes.names, electrodes.positions_mm @ flip, strict=True)
        csv.writer(stream).writerows([("name", "x", "y", "z"), *((name, *place) for name, place in rows)])


def test_a_segmentation_goes_through_the_whole_workflow(checkout, raw_config):
    write_heart(checkout.folder, raw_config)
    tissues = {label.name.lower(): int(label) for label in Label if label != Label.AIR}
    own = {"source": "label_image", "image": "segmentation.nii.gz", "electrodes": "electrodes.csv", "labels": tissues}
    few = {"cohorts": ["rich"], "methods": ["tikhonov1", "nearest_beat"], "reference_method": "tikhonov1"}
    study = {"subjects": ["mine"], **few, "robustness": {"hearts": 0}, "audit": {"hearts": 0}}
    overlay = {"run": "mine", "studies": ["generative_em"], "subjects": {"mine": own}, "generative_em": study}
    (checkout.folder / "config" / "mine.yaml").write_text(yaml.safe_dump(overlay))
    status, output = checkout.run(
        "tables", "--configfile", "config/smoke.yaml", "config/mine.yaml", config=None, cores=1
    )
    assert status == 0, output
    scores = pd.read_csv(checkout.results("mine") / "scores" / "generative_em.csv")
    assert set(scores["subject"]) == {"mine"}
    assert scores[scores["metric"] == "correlation"].groupby("method")["value"].mean()["tikhonov1"] > 0.6

    (checkout.folder / "electrodes.csv").write_text("name,x,y\nE1,1,2\n")
    status, output = checkout.run(
        "tables", "--configfile", "config/smoke.yaml", "config/mine.yaml", config=None, cores=1
    )
    assert status != 0
    assert "electrodes.csv" in output
    assert "Traceback (most recent call last)" not in output
