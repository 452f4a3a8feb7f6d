"""The page in a real browser: it draws, plays and reports no error, with no network."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from transmural.report.html import Item, Listing, Section, render_report
from transmural.report.turnable import turnable_heart

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

# Chooses the second case and the activation times, then goes back and plays one frame on; writes what happened.
VISIT = """
<script>
addEventListener("load", () => {
  const root = document.querySelector(".turnable"), report = (key, value) => document.body.setAttribute("data-" + key, value);
  const wait = (done, then) => (done() ? then() : setTimeout(() => wait(done, then), 50));
  wait(() => root.dataset.ready === "true", () => {
    const [first, second] = root.querySelectorAll(".heart"), slider = root.querySelector("input[type=range]");
    const before = [...first.data[0].intensity];
    slider.value = Number(slider.max) / 2;
    slider.dispatchEvent(new Event("input"));
    setTimeout(() => {
      report("moved", String(first.data[0].intensity.some((value, k) => value !== before[k])));
      Plotly.relayout(first, { "scene.camera": { eye: { x: 2, y: 0, z: 0 }, up: { x: 0, y: 0, z: 1 }, center: { x: 0, y: 0, z: 0 } } });
      setTimeout(() => {
        report("together", String(Math.abs(second.layout.scene.camera.eye.x - 2) < 1e-6));
        const show = root.querySelectorAll("select")[1];
        show.value = 1;
        show.dispatchEvent(new Event("change"));
        setTimeout(() => {
          report("trace-hidden", String(root.querySelector(".trace").hidden));
          report("title", first.layout ? root.querySelectorAll("h4")[1].textContent : "");
        }, 500);
      }, 500);
    }, 500);
  });
});
</script>
"""


def browse(page, folder, *options):
    path = folder / "report.html"
    path.write_text(page)
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=20000", "--enable-logging=stderr", "--window-size=1300,1500", *options, path.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def console_errors(log):
    """Messages of the page, without the graphics driver's remarks on speed."""
    lines = [line for line in log.splitlines() if "CONSOLE" in line]
    return [line for line in lines if not re.search(r"GL Driver Message|willReadFrequently|GPU stall", line)]


@pytest.fixture(scope="module")
def page(cases):
    items = (Item("Heart", turnable_heart(cases)), Item("Configuration", Listing("run: smoke")))
    return render_report("Title", "Subtitle", [Section("Study", items)])


@needs_chromium
@pytest.mark.slow
def test_the_heart_draws_turns_and_plays(page, tmp_path):
    seen = browse(page.replace("</body>", VISIT + "</body>"), tmp_path, "--dump-dom")
    assert console_errors(seen.stderr) == []
    assert seen.stdout.count("<canvas") >= 2
    assert "main-svg" in seen.stdout
    assert 'data-moved="true"' in seen.stdout
    assert 'data-together="true"' in seen.stdout
    assert 'data-trace-hidden="true"' in seen.stdout
    assert 'data-title="tikhonov0"' in seen.stdout


@needs_chromium
@pytest.mark.slow
def test_the_hearts_are_seen_in_their_colours(page, tmp_path):
    import numpy as np
    from matplotlib.image import imread

    picture = tmp_path / "shot.png"
    browse(page, tmp_path, f"--screenshot={picture}")
    assert Path(picture).is_file()
    colours = (imread(picture)[..., :3] * 255).astype(int)
    # Viridis' dark end is purple and its bright end yellow; the rest of the page holds neither.
    purple = (colours[..., 2] > colours[..., 1] + 30) & (colours[..., 0] > colours[..., 1] + 10)
    yellow = (colours[..., 0] > 150) & (colours[..., 1] > 150) & (colours[..., 2] < 90)
    assert np.count_nonzero(purple) > 2000
    assert np.count_nonzero(yellow) > 500
