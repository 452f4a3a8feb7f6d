"""Score all reconstructions of study 4."""

import pandas as pd

from step import step
from transmural.evaluation.surface_scores import score_surfaces
from transmural.stores.contracts import SURFACE_BEATS, SURFACE_RECONSTRUCTIONS
from transmural.stores.rows import write_rows
from transmural.stores.store import open_store


def score(beats_paths, parts, output_path):
    """Parts are setting, name of the beats and path of the reconstructions."""
    beats = {name: open_store(path, SURFACE_BEATS) for name, path in beats_paths.items()}
    rows = [
        score_surfaces(beats[name], open_store(path, SURFACE_RECONSTRUCTIONS), setting) for setting, name, path in parts
    ]
    write_rows(output_path, pd.concat(rows, ignore_index=True), digits=6)


if __name__ == "__main__":
    with step(snakemake):
        params, given = snakemake.params, snakemake.input
        score(
            dict(zip(params.beats, given.beats, strict=True)),
            [
                (*part, path)
                for part, path in zip([*params.parts, *params.amortised], [*given.fits, *given.amortised], strict=True)
            ],
            snakemake.output[0],
        )
