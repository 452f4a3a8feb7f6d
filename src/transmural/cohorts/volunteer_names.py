"""Names of volunteers, for those who read what was made of them and build none."""


def volunteer_name(number: int) -> str:
    """Name of the volunteer with this number, counted from 0: ``volunteer_01`` is the first."""
    return f"volunteer_{number + 1:02d}"
