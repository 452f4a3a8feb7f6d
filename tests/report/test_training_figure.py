import numpy as np
import pytest

from transmural.report.style import svg_text
from transmural.report.training_figure import TRAINING_COLOUR, VALIDATION_COLOUR, training_figure


def history(epochs, kept, scale=1.0):
    number = np.arange(1, epochs + 1)
    trained, validated = scale * np.exp(-number / 5), scale * (0.2 + (number - kept) ** 2 / epochs**2)
    return [
        {"epoch": int(n), "train_loss": float(t), "validation_loss": float(v), "best": float(n <= kept)}
        for n, t, v in zip(number, trained, validated, strict=True)
    ]


@pytest.fixture
def drawn():
    return training_figure(
        {
            ("slender", "published", "sequential_vae"): history(20, 12),
            ("slender", "rich", "sequential_vae"): history(8, 8),
            ("broad", "rich", "sequential_vae"): history(1, 1),
        },
        {"sequential_vae": "Sequential VAE"},
    )


def line(axes, colour):
    return next(artist for artist in axes.lines if artist.get_color() == colour)


def test_every_training_has_a_panel_with_both_losses_and_the_epoch_kept(drawn):
    figure, caption = drawn
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in panels] == [
        "Sequential VAE: slender, published",
        "Sequential VAE: slender, rich",
        "Sequential VAE: broad, rich",
    ]
    expected = history(20, 12)
    trained, validated = line(panels[0], TRAINING_COLOUR), line(panels[0], VALIDATION_COLOUR)
    np.testing.assert_allclose(trained.get_ydata(), [epoch["train_loss"] for epoch in expected])
    np.testing.assert_allclose(validated.get_ydata(), [epoch["validation_loss"] for epoch in expected])
    assert [line(axes, "black").get_xdata()[0] for axes in panels] == [12, 8, 1]
    assert "best one on the validation cases" in caption


def test_one_bad_epoch_does_not_flatten_the_others():
    entries = history(40, 30)
    entries[0]["train_loss"] = 1e6
    figure, _ = training_figure({("slender", "rich", "sequential_vae"): entries})
    assert figure.axes[0].get_ylim()[1] < 2


def test_the_same_histories_give_the_same_bytes(drawn):
    figures = [training_figure({("slender", "rich", "sequential_vae"): history(9, 4)}) for _ in range(2)]
    assert svg_text(*figures[0]) == svg_text(*figures[1])


def test_a_single_epoch_is_seen_between_whole_epochs(drawn):
    axes = [axes for axes in drawn[0].figure.axes if axes.axison][2]
    assert axes.get_xlim() == (0, 2)
    low, high = axes.get_ylim()
    for colour in (TRAINING_COLOUR, VALIDATION_COLOUR):
        shown = line(axes, colour)
        assert low < shown.get_ydata()[0] < high
        assert shown.get_marker() == "_"
