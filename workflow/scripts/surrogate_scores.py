"""Score surrogates, ablations and baselines in every setting, and keep what they predict for the test sheets."""

import numpy as np
import xarray as xr

from step import made_by, step, use_one_thread
from transmural.cohorts.sheets import part_of
from transmural.evaluation.surrogate_scores import TEST
from transmural.evaluation.surrogate_study import SurrogateStudy
from transmural.networks.saved import read_network
from transmural.stores.config import ForwardSurrogateStudy
from transmural.stores.contracts import PREDICTED_ECGS, SHEETS
from transmural.stores.rows import write_rows
from transmural.stores.store import open_shards, write_store


def score(published_paths, moved_paths, network_paths, settings, scores_path, predictions_path, record):
    use_one_thread()
    settings = ForwardSurrogateStudy(**settings)
    published, moved = (open_shards(paths, SHEETS) for paths in (published_paths, moved_paths))
    networks = {name: read_network(path) for name, path in zip(settings.trainings, network_paths, strict=True)}
    study = SurrogateStudy(published, moved, networks, settings)
    scores, predictions = study.scores()
    test = published.isel(case=part_of(published["tissue_class"].values, settings.test_share) == TEST)
    kept = xr.Dataset(
        {
            "ecg": (("case", "time"), study.truth(test)),
            "predicted": (("method", "case", "time"), np.stack(list(predictions.values()))),
        },
        coords={"time": test["time"], "case": test["case"], "method": list(predictions)},
    )
    write_store(kept, predictions_path, PREDICTED_ECGS, record)
    write_rows(scores_path, scores)


if __name__ == "__main__":
    with step(snakemake):
        score(
            list(snakemake.input.published),
            list(snakemake.input.moved),
            list(snakemake.input.networks),
            snakemake.params.study,
            snakemake.output.scores,
            snakemake.output.predictions,
            made_by(snakemake),
        )
