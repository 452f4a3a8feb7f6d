"""Score networks and baselines of study 3 on every split and input, and keep a few predictions for the figures."""

from pathlib import Path

from step import made_by, step, use_one_thread
from transmural.evaluation.sequence_study import SequenceStudy
from transmural.networks.saved import read_network
from transmural.stores.config import SequenceModelsStudy
from transmural.stores.contracts import PREDICTED_TMPS, RECORDINGS
from transmural.stores.rows import write_rows
from transmural.stores.store import open_shards, write_store


def score(paths, network_paths, study, seed, scores_path, predictions_path, record):
    use_one_thread()
    study = SequenceModelsStudy(**study)
    networks = {
        (split, model, cut): read_network(Path(network_paths[split, model]) / cut)
        for split in study.splits
        for model in study.models
        for cut in study.trainings(model, split)
    }
    scores, predictions = SequenceStudy(open_shards(paths, RECORDINGS), networks, study, seed).scores()
    write_store(predictions, predictions_path, PREDICTED_TMPS, record)
    write_rows(scores_path, scores, digits=6)


if __name__ == "__main__":
    with step(snakemake):
        study, given = snakemake.params.study, snakemake.input
        pairs = [(split, model) for split in study["splits"] for model in study["models"]]
        score(
            list(given.recordings),
            dict(zip(pairs, given.networks, strict=True)),
            study,
            snakemake.params.seed,
            snakemake.output.scores,
            snakemake.output.predictions,
            made_by(snakemake),
        )
