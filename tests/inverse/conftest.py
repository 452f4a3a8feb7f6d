import pytest
from small_heart import small_heart


@pytest.fixture(scope="session")
def heart():
    return small_heart()
