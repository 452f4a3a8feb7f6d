"""The cluster's profile fits the rules: their names, the GPUs of trainings, retries, groups."""

import math
import re
from pathlib import Path

import pytest
import yaml
from workflow.conftest import Checkout

ROOT = Path(__file__).parents[2]
PROFILE = yaml.safe_load((ROOT / "workflow" / "profiles" / "slurm" / "config.yaml").read_text())
RULES = {
    name: body
    for path in (ROOT / "workflow" / "rules").glob("*.smk")
    for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
}
TRAININGS = {name for name in RULES if name.startswith("train") and name != "training_figure"}


def test_the_profile_names_rules_that_exist():
    assert {*PROFILE["set-resources"], *PROFILE["groups"]} <= set(RULES)
    assert set(PROFILE["group-components"]) <= set(PROFILE["groups"].values())


def test_every_rule_that_can_use_a_gpu_has_its_partition():
    assert set(PROFILE["set-resources"]) == {name for name, body in RULES.items() if "gpu=" in body}
    asking = {name for name, resources in PROFILE["set-resources"].items() if resources.get("gpu")}
    assert asking == TRAININGS


def test_a_retry_gets_more_memory_and_time():
    assert PROFILE["retries"] > 0
    # A training that ran out of time goes on from its checkpoint.
    constant = {"mem_mb": set(), "runtime": {*TRAININGS, "surface_fits"}}
    for name, body in RULES.items():
        for resource, exempt in constant.items():
            if f"{resource}=" in body and name not in exempt:
                assert re.search(rf"{resource}=(growing\(\d+\)|\w+_memory_mb,|lambda wildcards, attempt:)", body), name


@pytest.mark.workflow
@pytest.mark.slow
@pytest.mark.usefixtures("plugin")
def test_the_paper_scale_is_hundreds_of_cluster_jobs(tmp_path):
    checkout = Checkout(tmp_path / "checkout")
    profile = ("--dry-run", "--workflow-profile", "workflow/profiles/slurm")
    status, output = checkout.run(*profile, config="config/paper.yaml")
    assert status == 0, output
    jobs = int(re.search(r"^total +(\d+)$", output, re.MULTILINE)[1])
    groups = re.findall(r"Group job (\w+) ", output)
    grouped = len(re.findall(r"^ +Job \d+: ", output, re.MULTILINE))
    assert jobs - grouped + len(groups) < 500
    # 16,640 recordings of study 3.
    assert groups.count("recordings") == math.ceil(300 / PROFILE["group-components"]["recordings"])
    assert groups.count("results") == 1
