"""The report's closing section: how this run was configured, what it ran on, what it cost."""

from collections.abc import Mapping

import pandas as pd

from transmural.report.html import Item, Listing, Section
from transmural.report.run_tables import facts_table, timings_table


def run_section(
    configuration: str,
    versions: Mapping[str, str],
    machine: Mapping[str, str],
    seeds: Mapping[str, str],
    benchmarks: pd.DataFrame,
    command: str,
) -> Section:
    """Configuration, seeds, timings, versions and machine of a run.

    Parameters
    ----------
    configuration
        The whole configuration as YAML.
    versions, machine
        As `stores.provenance` gives them.
    seeds
        What each random stream starts from, in words.
    benchmarks
        As `run_tables.read_benchmarks` gives them.
    command
        What makes the whole run again.
    """
    return Section(
        "This run",
        (
            Item("Configuration", Listing(configuration), "All settings of this run, defaults included.", command),
            Item(
                "Seeds",
                facts_table("seeds", "Seeds", "Stream", seeds),
                "Every case draws from a stream of its own, so results don't depend on order, shards or cores.",
            ),
            Item("Time and memory", timings_table(benchmarks), "What each step of the workflow took."),
            Item("Versions and machine", facts_table("versions", "Versions", "Name", {**versions, **machine})),
        ),
        "Everything needed to make the same numbers again.",
    )
