"""Batches of beats: reproducibility, observation, scars, and what is refused."""

import os
import subprocess
import sys

import numpy as np
import pytest
from small_tissues import box, every_voxel, healthy, shell

from transmural.stores.errors import ConfigurationError, SimulationError
from transmural.tissue import gpu
from transmural.tissue.aliev_panfilov import Kinetics
from transmural.tissue.blocks import HostBlock
from transmural.tissue.diffusion import diffusion_operator, largest_eigenvalue, transversely_isotropic
from transmural.tissue.kernels import advance, step_weights
from transmural.tissue.monodomain import Observers, Tissue, simulate
from transmural.tissue.neighbours import FACES, wall_graph
from transmural.tissue.rows import LANES
from transmural.tissue.stimulus import stimulated
from transmural.tissue.velocity import stable_step_ms

TIME = np.linspace(0.0, 60.0, 13)
WALL = shell()


@pytest.fixture(scope="module")
def cohort(model):
    """Forty cases of a shell, a little different each, and how to simulate some of them."""
    config, generator = model(), np.random.default_rng(1)
    count = len(WALL.voxel_index)
    excitability = generator.uniform(0.12, 0.2, (40, count)).astype(np.float32)
    origin = WALL.voxel_position[generator.integers(count, size=40)]
    observers = Observers(np.arange(count) // 7, 1e-3 * generator.standard_normal((13, count)))

    def run(cases, **options):
        cases = np.asarray(cases)
        return simulate(
            WALL, excitability[cases], origin[cases], config, TIME, observers, require_capture=False, **options
        )

    return run, run(np.arange(40))


def same(beats, whole, cases):
    return (beats.tmp == whole.tmp[cases]).all() and (beats.ecg == whole.ecg[cases]).all()


@pytest.mark.parametrize("cases", [[0], [39], [7, 3, 33], list(range(20, 40)), list(range(39, -1, -1))])
def test_results_do_not_depend_on_the_batch_bit_for_bit(cohort, cases):
    run, whole = cohort
    assert same(run(cases), whole, cases)


def test_results_do_not_depend_on_the_number_of_threads_bit_for_bit(cohort):
    run, whole = cohort
    assert same(run(np.arange(40), threads=3), whole, np.arange(40))


def test_progress_counts_the_cases(cohort):
    seen = []
    cohort[0](np.arange(40), progress=seen.append)
    assert seen == [LANES, 40]


def test_nodes_are_means_of_voxels_and_ecg_is_the_lead_field_times_the_potential(model):
    config = model()
    time, generator = np.linspace(0.0, 30.0, 4), np.random.default_rng(0)
    fine = every_voxel(WALL, leads=5)
    node = generator.permutation(np.arange(len(WALL.voxel_index)) % 50)
    arguments = (WALL, healthy(WALL, 1, config), WALL.voxel_position[:1], config, time)
    voxels = simulate(*arguments, fine, require_capture=False).tmp[0].astype(np.float64)
    beats = simulate(*arguments, Observers(node, fine.lead_field), require_capture=False)
    means = np.stack([voxels[:, node == number].mean(axis=1) for number in range(50)], axis=1)
    assert beats.tmp[0] == pytest.approx(means, abs=1e-6)
    assert beats.ecg[0] == pytest.approx(100.0 * fine.lead_field @ voxels.T, abs=1e-4)


def test_the_step_divides_the_frames(model):
    config = model()
    coarse, fine = np.linspace(0.0, 40.0, 5), np.linspace(0.0, 40.0, 9)
    arguments = (WALL, healthy(WALL, 1, config), WALL.voxel_position[:1], config)
    one = simulate(*arguments, coarse, every_voxel(WALL), require_capture=False)
    other = simulate(*arguments, fine, every_voxel(WALL), require_capture=False)
    assert (one.tmp == other.tmp[:, ::2]).all()


def scarred_slab(a, config):
    """A slab whose middle third has the given threshold; fraction of the voxels behind it that are activated."""
    slab = box((36, 4, 4))
    excitability = healthy(slab, 1, config)
    middle = (slab.voxel_index[:, 0] >= 14) & (slab.voxel_index[:, 0] < 22)
    excitability[:, middle] = a
    time = np.linspace(0.0, 300.0, 61)
    beats = simulate(
        slab, excitability, np.array([[0.0, 4.0, 4.0]]), config, time, every_voxel(slab), require_capture=False
    )
    peak = beats.tmp[0].max(axis=0)
    return peak[slab.voxel_index[:, 0] >= 24].min(), peak[middle].min()


def test_a_scar_blocks_the_wave_and_stays_at_rest(model):
    behind, within = scarred_slab(0.5, model())
    assert behind < 0.1
    assert within < 0.1


def test_slightly_raised_thresholds_do_not_block(model):
    behind, within = scarred_slab(0.2, model())
    assert behind > 0.9
    assert within > 0.9


def test_scars_are_not_asked_to_be_activated(model):
    config, slab = model(), box((30, 4, 4))
    excitability = healthy(slab, 1, config)
    excitability[:, slab.voxel_index[:, 0] > 15] = config.scar_a
    beats = simulate(
        slab, excitability, np.array([[0.0, 4.0, 4.0]]), config, np.linspace(0, 120, 13), every_voxel(slab)
    )
    assert beats.activated_fraction[0] == 1.0


def test_a_stimulus_too_small_to_capture_is_refused_by_name(model):
    config, wall = model(stimulus_radius_mm=2.5), box((16, 16, 16))
    origins = np.array([[16.0, 16.0, 16.0], [14.0, 16.0, 18.0]])
    with pytest.raises(SimulationError, match=r"2 of 2 beats .* 95% .* early \(\d%\), late .*stimulus_radius_mm = 2.5"):
        simulate(wall, healthy(wall, 2, config), origins, config, TIME, every_voxel(wall), case_names=["early", "late"])


def test_an_unstable_step_is_refused_with_the_largest_stable_one(model):
    config = model(time_step_ms=1.0)
    with pytest.raises(ConfigurationError, match=r"time_step_ms = 1: .* unstable .* at most 0\.\d+ ms is stable"):
        simulate(WALL, healthy(WALL, 1, config), WALL.voxel_position[:1], config, TIME, every_voxel(WALL))


@pytest.mark.parametrize(("factor", "stays"), [(0.99, True), (1.15, False)])
def test_the_largest_stable_step_is_stable_and_a_little_more_is_not(model, factor, stays):
    config = model()
    operator = diffusion_operator(WALL.voxel_index, 2.0, transversely_isotropic(WALL.fibre, 2.4, 0.6))
    eigenvalue = largest_eigenvalue(operator)
    step = factor * (stable_step_ms(eigenvalue, config) if stays else 2 / eigenvalue)
    u = np.random.default_rng(0).random((len(WALL.voxel_index), LANES), dtype=np.float32)
    a = np.full_like(u, config.a)
    scaled = np.float32(step / config.time_unit_ms)
    weights = step_weights(operator, step)
    advance(u, u.copy(), np.zeros_like(u), a, *weights, Kinetics.of(config), scaled, 600)
    assert bool((np.abs(u) < 1.5).all()) == stays


def test_no_number_is_so_small_that_processors_slow_down(model):
    config = model()
    u, v = np.zeros((len(WALL.voxel_index), LANES), np.float32), np.zeros((len(WALL.voxel_index), LANES), np.float32)
    u[0] = np.float32(1e-17)
    weights = step_weights(
        diffusion_operator(WALL.voxel_index, 2.0, transversely_isotropic(WALL.fibre, 0.1, 0.03)), 0.1
    )
    advance(u, u.copy(), v, np.full_like(u, config.a), *weights, Kinetics.of(config), np.float32(0.01), 7)
    assert (u[0] > 0).all()
    for state in (u, v):
        assert np.abs(state[state != 0]).min(initial=1) > 1e-19


def test_a_diverging_case_is_named_with_its_time(model):
    config = model()
    excitability = healthy(WALL, 35, config)
    excitability[33] = -4000.0
    with pytest.raises(SimulationError, match=r"case 33: the potential diverged before 5 ms"):
        simulate(WALL, excitability, np.tile(WALL.voxel_position[:1], (35, 1)), config, TIME, every_voxel(WALL))


def test_an_origin_outside_the_wall_is_refused(model):
    config = model()
    with pytest.raises(SimulationError, match=r"case 0: its origin .* lies \d+\.\d mm outside the heart wall"):
        simulate(WALL, healthy(WALL, 1, config), np.zeros((1, 3)), config, TIME, every_voxel(WALL))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("excitability", {"excitability": np.zeros((1, 3))}),
        ("origin_mm", {"origin_mm": np.zeros((2, 3))}),
        ("time_ms", {"time_ms": np.array([0.0, 1.0, 3.0])}),
        ("lead_field", {"observers": Observers(np.arange(len(WALL.voxel_index)), np.full((1, 3), 1.0))}),
    ],
)
def test_inputs_that_do_not_fit_are_refused_by_name(model, name, change):
    config = model()
    arguments = {
        "excitability": healthy(WALL, 1, config),
        "origin_mm": WALL.voxel_position[:1],
        "time_ms": TIME,
        "observers": every_voxel(WALL),
    }
    with pytest.raises(SimulationError, match=f"^{name}: "):
        simulate(WALL, config=config, **(arguments | change))


def test_several_sites_start_together_as_each_alone(model):
    config, bar = model(), box((60, 3, 3))
    ends = bar.voxel_position[[4, -5]]
    origins = np.full((3, 2, 3), np.nan)
    origins[0], origins[1, 1], origins[2, 0] = ends, ends[0], ends[1]
    time = np.linspace(0.0, 45.0, 10)
    beats = simulate(bar, healthy(bar, 3, config), origins, config, time, every_voxel(bar), require_capture=False)
    together, first, last = beats.tmp
    # Before the waves meet, each half is as if the other weren't there.
    assert np.abs(together - np.maximum(first, last)).max() < 1e-3
    assert together[-1].mean() > 1.7 * first[-1].mean()


def test_a_single_site_is_the_same_however_it_is_given(cohort, model):
    config = model()
    arguments = {"config": config, "time_ms": TIME, "observers": every_voxel(WALL), "require_capture": False}
    origin = WALL.voxel_position[:1]
    sites = np.concatenate([origin[:, None], np.full((1, 2, 3), np.nan)], axis=1)
    one, other = (simulate(WALL, healthy(WALL, 1, config), given, **arguments) for given in (origin, sites))
    assert (one.tmp == other.tmp).all()


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        (np.full((1, 2, 3), np.nan), "origin_mm: case 0 has no site"),
        (np.array([[[0.0, np.nan, 0.0]]]), "origin_mm: has values that are not finite"),
        (np.zeros((2, 1, 3)), "origin_mm: has shape"),
    ],
)
def test_sites_that_are_none_are_refused(model, sites, said):
    config = model()
    with pytest.raises(SimulationError, match=said):
        simulate(WALL, healthy(WALL, 1, config), sites, config, TIME, every_voxel(WALL))


def test_recovery_of_each_case_is_that_of_a_model_of_its_own_bit_for_bit(model):
    constants = np.array([[0.002, 0.2], [0.006, 0.15], [0.001, 0.3]])
    # A single cell, since the diffusivity, which is calibrated, follows the model's constants.
    cell, time = box((1, 1, 1)), np.linspace(0.0, 400.0, 81)
    config = model()
    origins = np.zeros((3, 3))
    arguments = (time, every_voxel(cell))
    beats = simulate(cell, healthy(cell, 3, config), origins, config, *arguments, recovery=constants, device="cpu")
    for row, (epsilon0, mu1) in enumerate(constants):
        own = model(epsilon0=epsilon0, mu1=mu1)
        alone = simulate(cell, healthy(cell, 1, own), origins[:1], own, *arguments, device="cpu")
        assert (beats.tmp[row] == alone.tmp[0]).all()
    assert np.abs(beats.tmp[1] - beats.tmp[0]).max() > 0.3


def test_recovery_of_other_shape_or_without_values_is_refused(model):
    config = model()
    arguments = (WALL, healthy(WALL, 1, config), WALL.voxel_position[:1], config, TIME, every_voxel(WALL))
    with pytest.raises(SimulationError, match=r"recovery: has shape \(1, 3\), expected \(1, 2\)"):
        simulate(*arguments, recovery=np.ones((1, 3)))
    with pytest.raises(SimulationError, match="recovery: has values that are not finite"):
        simulate(*arguments, recovery=np.array([[0.002, np.nan]]))


def test_a_stimulus_does_not_reach_across_a_cavity():
    index = box((15, 15, 9)).voxel_index
    index = index[(index[:, 2] < 3) | (index[:, 2] > 5)]
    ball = stimulated(2.0 * index, wall_graph(index, 2.0, FACES), np.array([14.0, 14.0, 4.0]), 12.0, 2.0, "case 0")
    assert index[ball, 2].max() == 2
    assert ball.sum() > 100


def test_a_tissue_is_read_from_an_anatomy():
    xr = pytest.importorskip("xarray")
    anatomy = xr.Dataset(
        {
            "voxel_index": (("voxel", "xyz"), WALL.voxel_index),
            "voxel_position": (("voxel", "xyz"), WALL.voxel_position),
            "fibre": (("voxel", "xyz"), WALL.fibre),
        },
        attrs={"spacing_mm": 2.0},
    )
    tissue = Tissue.of(anatomy)
    assert tissue.spacing_mm == 2.0
    assert (tissue.fibre == WALL.fibre).all()


DEVICE_RUN = """
import sys
import numpy as np
from transmural.tissue.gpu import DeviceBlock
given = np.load(sys.argv[1])
weights = (given["start"], given["neighbour"], given["weight"])
block = DeviceBlock(given["u"], given["a"], weights, given["kinetics"], given["step"][()])
block.advance(3)
np.save(sys.argv[2], block.advance(2))
"""


@pytest.mark.parametrize("rows", [False, True])
def test_gpu_kernel_agrees_with_the_cpu_in_numbas_simulator(model, tmp_path, rows):
    config, wall, generator = model(), box((3, 2, 2)), np.random.default_rng(0)
    tensor = transversely_isotropic(generator.standard_normal((12, 3)), 2.4, 0.6)
    weights = step_weights(diffusion_operator(wall.voxel_index, 2.0, tensor), 0.25)
    u, a = generator.random((12, LANES), dtype=np.float32), np.full((12, LANES), config.a, np.float32)
    kinetics, step = Kinetics.of(config), np.float32(0.02)
    if rows:
        kinetics = Kinetics(*(value * generator.uniform(0.5, 2, LANES).astype(np.float32) for value in kinetics))
    given = dict(zip(("start", "neighbour", "weight"), weights, strict=True)) | {"u": u, "a": a}
    np.savez(tmp_path / "given.npz", kinetics=np.array(kinetics), step=step, **given)
    command = [sys.executable, "-c", DEVICE_RUN, str(tmp_path / "given.npz"), str(tmp_path / "u.npy")]
    subprocess.run(command, env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}, check=True, capture_output=True)
    cpu = HostBlock(u, a, weights, kinetics, step).advance(5)
    assert np.abs(cpu - u).max() > 0.1
    assert np.abs(cpu - np.load(tmp_path / "u.npy")).max() < 1e-5


@pytest.mark.skipif(gpu.available(), reason="there is a CUDA device")
def test_asking_for_a_gpu_where_there_is_none_is_refused(cohort):
    with pytest.raises(SimulationError, match="no CUDA device; use 'cpu' or 'auto'"):
        cohort[0]([0], device="gpu")


@pytest.mark.skipif(not gpu.available(), reason="numba finds no CUDA device")
def test_gpu_agrees_with_the_cpu(cohort):
    run, _ = cohort
    cpu, device = run(np.arange(40), device="cpu"), run(np.arange(40), device="gpu")
    assert np.abs(cpu.tmp - device.tmp).max() < 1e-3
    assert (cpu.device, device.device) == ("cpu", "gpu")


def test_beats_say_where_they_were_simulated(cohort):
    run, whole = cohort
    assert whole.device == ("gpu" if gpu.available() else "cpu")
    assert run([0], device="cpu").device == "cpu"
