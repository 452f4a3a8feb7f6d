"""Write the tables and draw the figures of study 4."""

from pathlib import Path

from step import step
from transmural.report.style import write_figure
from transmural.report.surface_cases import drawn_beats, together
from transmural.report.surface_figures import figures
from transmural.report.surface_section import surface_conditions
from transmural.report.surface_tables import tables
from transmural.report.table_forms import write_table
from transmural.stores.config import PhysicsInformedStudy
from transmural.stores.contracts import SURFACE_BEATS, SURFACE_RECONSTRUCTIONS
from transmural.stores.rows import read_rows
from transmural.stores.store import open_store


def write_results(scores, beats_paths, fit_paths, amortised_paths, study, run):
    """Paths of beats by heart and protocol, of reconstructions by setting, heart and protocol, shard by shard.

    Those of amortised methods are not in shards.
    """
    for table in tables(scores, study, [surface_conditions(study)]):
        write_table(table, run / "tables")
    beats, fits = {}, {}
    for name, choice in drawn_beats(scores, study).items():
        place = f"{choice.subject}/{study.settings[choice.setting].protocol}"
        shard = (choice.case - study.first_case) // study.shard_cases
        beats[name] = open_store(beats_paths[place], SURFACE_BEATS)
        paths = [fit_paths[choice.setting, place][shard]]
        paths += [path for part, path in amortised_paths.items() if part == (choice.setting, place)]
        fits[name] = together([open_store(path, SURFACE_RECONSTRUCTIONS) for path in paths])
    for name, (figure, caption) in figures(scores, study, beats, fits).items():
        write_figure(figure, caption, run / "figures" / name)


if __name__ == "__main__":
    with step(snakemake):
        given, params = snakemake.input, snakemake.params
        fit_paths = {}
        for part, path in zip(params.parts, given.fits, strict=True):
            fit_paths.setdefault(tuple(part), []).append(path)
        write_results(
            read_rows(given.scores),
            dict(zip(params.beats, given.beats, strict=True)),
            fit_paths,
            dict(zip(map(tuple, params.amortised), given.amortised, strict=True)),
            PhysicsInformedStudy(**params.study),
            Path(params.run),
        )
