"""The real heart goes through the same workflow and gives the same tables, from the local folder of public data."""

import os
from pathlib import Path

import pandas as pd
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

BESIDE = Path(__file__).parents[3] / "shared" / "data"
DATA = Path(os.environ.get("TRANSMURAL_DATA") or BESIDE)
KIT = DATA / "kit-delay-regularization"
FEW = "subjects: [kit], cohorts: [rich], methods: [tikhonov1, activation_map, mean_beat], robustness: {hearts: 0}, audit: {hearts: 0}"


@pytest.mark.skipif(not KIT.is_dir(), reason=f"{KIT} is missing; name the folder of public data in TRANSMURAL_DATA")
def test_the_real_heart_gives_the_same_tables(checkout):
    overlays = ["config/real.yaml", "config/smoke.yaml"]
    status, output = checkout.run(
        *("tables", "--configfile", *overlays, "--config", f"generative_em={{{FEW}}}"),
        config=None,
        cores=1,
        environment={"TRANSMURAL_DATA": str(DATA)},
    )
    assert status == 0, output
    tables = checkout.results("smoke") / "tables"
    expected = {"table1_rich", "table1_rich_kit", "table2_rich", "table2_rich_kit", "tests_rich", "costs_rich"}
    assert {p.stem for p in tables.glob("*.md")} == {*expected, "subjects"}
    scores = pd.read_csv(checkout.results("smoke") / "scores" / "generative_em.csv")
    assert set(scores["subject"]) == {"kit"}
    demeaned = scores[scores["metric"] == "nrmse_demeaned"].groupby("method")["value"].mean()
    assert demeaned["tikhonov1"] < demeaned["mean_beat"]
