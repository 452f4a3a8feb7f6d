import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transmural.stores.random_streams import case_generator, case_generators

PART = st.one_of(st.integers(0, 2**40), st.text(max_size=8))


def draw(*key):
    return case_generator(*key).standard_normal(4).tolist()


@given(st.integers(0, 2**32 - 1), st.lists(PART, max_size=4), st.lists(PART, max_size=4))
def test_streams_are_equal_only_for_equal_keys(seed, here, there):
    assert (draw(seed, *here) == draw(seed, *there)) == (here == there)


def test_a_trailing_zero_and_a_digit_as_text_name_other_streams():
    streams = [draw(3), draw(3, 0), draw(3, 0, 0), draw(3, "0"), draw(4)]
    assert len({tuple(stream) for stream in streams}) == len(streams)


def test_a_case_keeps_its_stream_when_cases_are_added_or_reordered():
    few = [g.standard_normal(3) for g in case_generators(1, "study", "heart", cases=[0, 5])]
    many = [g.standard_normal(3) for g in case_generators(1, "study", "heart", cases=[7, 5, 3, 0])]
    np.testing.assert_array_equal(few[0], many[3])
    np.testing.assert_array_equal(few[1], many[1])


def test_streams_of_neighbouring_cases_are_uncorrelated():
    draws = np.array([g.standard_normal(2000) for g in case_generators(1, "noise", cases=range(20))])
    apart = np.corrcoef(draws)[np.triu_indices(20, 1)]
    assert np.abs(apart).max() < 5 / np.sqrt(2000)


def test_negative_keys_are_refused():
    with pytest.raises(ValueError, match="must not be negative"):
        case_generator(1, -2)
