"""Runs through an object store: the profile for Kubernetes as far as it goes without one, and jobs that share nothing."""

import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from cluster.test_profiles import PROFILE as SLURM
from cluster.test_profiles import TRAININGS
from workflow.conftest import ROOT, Checkout
from workflow.test_smoke import digests, planned, untimed_scores

PROFILE = yaml.safe_load((ROOT / "workflow" / "profiles" / "kubernetes" / "config.yaml").read_text())
POD = Path(__file__).with_name("pod.sh")
FEW = "forward_surrogate={forms: [], held_out: []}"
BUCKET = "transmural"
pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def test_the_profile_groups_jobs_as_the_one_for_slurm():
    for key in ("groups", "group-components", "retries", "rerun-incomplete", "scheduler", "resources"):
        assert PROFILE[key] == SLURM[key]
    assert PROFILE["set-resources"].keys() == SLURM["set-resources"].keys()
    assert {name for name, resources in PROFILE["set-resources"].items() if resources["gpu"]} == TRAININGS


@pytest.fixture(scope="module")
def store(tmp_path_factory, plugins):
    """Options and environment of a run whose files lie in an S3 that answers on this machine."""
    import boto3

    log = tmp_path_factory.mktemp("s3") / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-u", "-m", "moto.server", "-p", "0"], stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        address = answering(server, log)
        secret = {"ACCESS_KEY": "key", "SECRET_KEY": "secret"}
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=address, **keys).create_bucket(Bucket=BUCKET)
        options = ["--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}/study"]
        options += ["--storage-s3-endpoint-url", address, "--storage-s3-max-requests-per-second", "1000"]
        yield options, {f"SNAKEMAKE_STORAGE_S3_{name}": value for name, value in secret.items()}
    finally:
        server.terminate()
        server.wait(30)


def answering(server, log):
    """Address of the server once it answers."""
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            urllib.request.urlopen(found[0], timeout=30).close()
            return found[0]
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout that git knows, because what travels to the jobs is what it tracks."""
    made = Checkout(tmp_path_factory.mktemp("runs") / "checkout")
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=made.folder, check=True)
    return made


def test_pods_would_run_what_a_laptop_does(checkout, store):
    options, environment = store
    status, here = checkout.run("--dry-run", "forward_surrogate", "--config", FEW)
    assert status == 0, here
    profile = ("--dry-run", "--workflow-profile", "workflow/profiles/kubernetes", *options)
    status, there = checkout.run("forward_surrogate", *profile, "--config", FEW, environment=environment)
    assert status == 0, there
    assert planned(there) == planned(here)
    assert f"s3://{BUCKET}/study/results/smoke/tables/surrogate.md" in there
    assert not checkout.results().exists()


@pytest.fixture(scope="module")
def runs(checkout, store, tmp_path_factory):
    """Results of a run on this machine, and of one whose jobs share nothing but the object store."""
    options, environment = store
    status, output = checkout.run("forward_surrogate", "--config", "run=local", FEW, cores=1)
    assert status == 0, output
    environment |= {"PODS": str(tmp_path_factory.mktemp("pods")), "PYTHON": sys.executable}
    executor = ["--executor", "cluster-generic", "--jobs", "1", "--shared-fs-usage", "none", "--job-deploy-sources"]
    executor += ["--cluster-generic-submit-cmd", f"{POD} start", "--cluster-generic-status-cmd", f"{POD} state"]
    executor += ["--seconds-between-status-checks", "1"]
    arguments = ["forward_surrogate", *executor, *options, "--config", "run=pods", FEW]
    status, output = checkout.run(*arguments, environment=environment)
    logs = [path.read_text() for path in Path(environment["PODS"]).glob("*/log")]
    assert status == 0, output + "\n".join(logs)
    found = tmp_path_factory.mktemp("bucket")
    fetch(options, environment, found)
    return checkout, found / "results" / "pods"


def fetch(options, environment, folder):
    """What lies in the store, as files."""
    import boto3

    keys = [environment[f"SNAKEMAKE_STORAGE_S3_{name}"] for name in ("ACCESS_KEY", "SECRET_KEY")]
    address = options[options.index("--storage-s3-endpoint-url") + 1]
    client = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id=keys[0], aws_secret_access_key=keys[1], region_name="us-east-1"
    )
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="study/"):
        for entry in page["Contents"]:
            path = folder / entry["Key"].removeprefix("study/")
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(BUCKET, entry["Key"], str(path))


def test_all_results_lie_in_the_store_alone(runs):
    checkout, pods = runs
    assert {path.name for path in (pods / "scores").iterdir()} == {
        "forward_surrogate.csv",
        "forward_surrogate.csv.crc32",
    }
    assert not list(checkout.results("pods").rglob("*"))


def test_the_results_are_the_same_bit_for_bit(runs):
    checkout, pods = runs
    local = checkout.results("local")
    for pattern in ("tables/*", "figures/*", "networks/*/*/weights.safetensors"):
        assert digests(local, pattern) == digests(pods, pattern)
    assert untimed_scores(local, "forward_surrogate").equals(untimed_scores(pods, "forward_surrogate"))
