"""A small ellipsoidal heart with beats, reconstructions and scores, built once for the tests of the report."""

import pytest
import synthetic

from transmural.report.drawn_case import Choice, drawn_case


@pytest.fixture(scope="session")
def heart():
    return synthetic.anatomy()


@pytest.fixture(scope="session")
def transfer(heart):
    return synthetic.transfer(heart)


@pytest.fixture(scope="session")
def beats(heart, transfer):
    return synthetic.beats(heart, transfer)


@pytest.fixture(scope="session")
def scores():
    return synthetic.scores()


@pytest.fixture(scope="session")
def cases(heart, beats):
    """Two drawn cases with a scar, by every method of `synthetic`."""
    stores = {name: synthetic.reconstruction(beats, name) for name in synthetic.METHODS}
    thresholds = dict.fromkeys(stores, 0.3)
    return [
        drawn_case(Choice("slender", setting, case, "the first"), heart, beats, stores, thresholds)
        for case, setting in ((0, "unseen_scar"), (1, "unseen_both"))
    ]
