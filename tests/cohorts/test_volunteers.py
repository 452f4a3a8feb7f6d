"""Volunteers: drawn from their own streams, and drawn again until the anatomy accepts them."""

import pytest

from transmural.cohorts import volunteers
from transmural.cohorts.plan import volunteer_name
from transmural.cohorts.volunteers import volunteer
from transmural.stores.contracts import ANATOMY, check
from transmural.stores.errors import GeometryError


@pytest.fixture(scope="module")
def config(study_config):
    return study_config.anatomy.model_copy(update={"voxel_mm": 4.0, "electrodes": 16, "nodes": 60})


@pytest.fixture
def refusals(monkeypatch):
    """Let the first anatomies of a test be refused; returns how to say how many, and counts what was asked."""
    asked = []

    def refuse(count, answer="anatomy"):
        def build(image, electrodes, config, name):
            asked.append(name)
            if len(asked) <= count:
                raise GeometryError(f"subject '{name}': refusal {len(asked)}")
            return answer

        monkeypatch.setattr(volunteers, "phantom", lambda drawn, voxel_mm, electrodes: (drawn, None))
        monkeypatch.setattr(volunteers, "build_anatomy", build)
        return asked

    return refuse


def test_a_volunteer_is_a_heart_in_a_body(config):
    drawn, anatomy = volunteer(3, 0, config)
    check(anatomy, ANATOMY, "volunteer")
    assert anatomy.attrs["subject"] == volunteer_name(0) == "volunteer_01"
    assert drawn.rv_wall_mm < drawn.lv_wall_mm


def test_volunteers_differ_and_are_the_same_whoever_else_is_drawn(refusals, config):
    refusals(0)
    once = [volunteer(3, number, config)[0] for number in range(6)]
    assert [volunteer(3, number, config)[0] for number in (5, 2)] == [once[5], once[2]]
    assert len({drawn.lv_length_mm for drawn in once}) == 6
    assert volunteer(4, 2, config)[0] != once[2]


def test_a_refused_heart_is_drawn_again(refusals, config):
    refusals(0)
    first, _ = volunteer(3, 1, config)
    asked = refusals(2 + 1)
    other, anatomy = volunteer(3, 1, config)
    assert anatomy == "anatomy"
    assert len(asked) == 4
    assert other != first


def test_volunteers_that_are_always_refused_end_in_an_error_with_the_reason(refusals, config):
    refusals(10**6)
    with pytest.raises(GeometryError, match=r"^volunteer_08: none of 50 draws makes a heart.*refusal 50"):
        volunteer(3, 7, config)


@pytest.mark.slow
def test_most_draws_make_a_heart(config, monkeypatch):
    monkeypatch.setattr(volunteers, "_DRAWS", 2)
    for number in range(4):
        volunteer(11, number, config)
