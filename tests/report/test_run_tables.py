"""Tables of subjects and timings: right numbers from stores and benchmark files."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from transmural.report.run_tables import read_benchmarks, subjects_table, timings_table, wall_thickness_mm
from transmural.stores.errors import StoreError


def slab(layers, spacing):
    """A flat wall of which each layer's transmural coordinate is that of its centre."""
    index = np.argwhere(np.ones((8, 8, layers)))
    transmural = (index[:, 2] + 0.5) / layers
    return xr.Dataset(
        {"voxel_index": (("voxel", "xyz"), index), "transmural": (("voxel",), transmural)},
        attrs={"spacing_mm": spacing},
    )


@pytest.mark.parametrize(("layers", "spacing"), [(5, 2.0), (2, 2.0), (4, 3.0)])
def test_thickness_of_a_flat_wall_is_its_layers_times_the_spacing(layers, spacing):
    np.testing.assert_allclose(wall_thickness_mm(slab(layers, spacing)), layers * spacing)


def test_mass_is_volume_times_density(heart):
    row = subjects_table({"slender": heart}).blocks[0].rows[0]
    volume_cm3 = float(heart["node_volume"].sum()) / 1000
    assert float(row.cells[3].numbers["value"]) == pytest.approx(1.055 * volume_cm3, rel=1e-5)


def write_benchmark(path, seconds, memory="100.5"):
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    path.write_text(head + f"{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t50\t2.5\n")


def test_timings_add_up_over_the_jobs_of_a_step(tmp_path):
    write_benchmark(tmp_path / "beats" / "generative_em" / "slender" / "0000.tsv", 3.0)
    write_benchmark(tmp_path / "beats" / "generative_em" / "slender" / "0001.tsv", 5.0, "250")
    write_benchmark(tmp_path / "anatomy" / "slender.tsv", 0.01, "-")
    table = timings_table(read_benchmarks(tmp_path))
    beats, anatomy, everything = table.blocks[0].rows
    assert (beats.key, anatomy.key, everything.key) == ("beats", "anatomy", "all")
    assert [cell.numbers.get("value") for cell in beats.cells] == [2, 8.0, 5.0, 250]
    assert anatomy.cells[3].text == "–"
    assert everything.cells[1].numbers["value"] == pytest.approx(8.01)


def test_a_foreign_file_among_the_benchmarks_is_named(tmp_path):
    (tmp_path / "notes.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(StoreError, match=r"notes\.tsv: isn't a benchmark file"):
        read_benchmarks(tmp_path)


def test_no_benchmarks_give_an_empty_table(tmp_path):
    table = timings_table(read_benchmarks(tmp_path))
    assert [row.key for row in table.blocks[0].rows] == ["all"]
    assert isinstance(read_benchmarks(tmp_path), pd.DataFrame)
