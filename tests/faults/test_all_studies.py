"""kill -9 while each stage of the studies goes on that the other faults, and `make test`, leave alone."""

import pytest
from workflow.conftest import smoke  # noqa: F401 (a fixture)
from workflow.test_smoke import killed_and_resumed

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


@pytest.mark.fault("the same command until it ends: the same scores and tables of every study")
def test_kill_at_every_stage_of_the_other_studies(smoke):  # noqa: F811
    stages = ["anatomy", "surfaces", "beats", "networks", "reconstructions", "scores", "report"]
    studies = ["conditional_vae", "sequence_models", "forward_surrogate", "physics_informed"]
    killed_and_resumed(smoke, "killed", stages, studies)
