"""How metrics and settings are named and rounded in tables and figures; units and directions come from `evaluation`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from transmural.evaluation.metrics import ALL_METRICS, metrics_of


@dataclass(frozen=True)
class Quantity:
    """Label, unit, decimals shown (None: three significant figures) and direction of a metric.

    Attributes
    ----------
    accuracy
        Whether it measures how good a reconstruction is (then the best is set in bold) or what it costs.
    nominal
        The value that is best where neither end is.
    """

    label: str
    unit: str = "1"
    decimals: int | None = 3
    higher_is_better: bool = False
    accuracy: bool = True
    nominal: float | None = None

    def best(self, values: Iterable[float]) -> float:
        """The best of several values: greatest, least or nearest to nominal; the first of equals."""
        if self.nominal is not None:
            nominal = self.nominal
            return min(values, key=lambda value: abs(value - nominal))
        return max(values) if self.higher_is_better else min(values)

    def text(self, mean: float, sd: float | None = None) -> str:
        """Rounded value, with its spread if there is one."""
        decimals = self.decimals
        if decimals is None:
            decimals = max(0, 2 - math.floor(math.log10(abs(mean)))) if np.isfinite(mean) and mean != 0 else 0
        shown = rounded(mean, decimals)
        return shown if sd is None or not np.isfinite(sd) else f"{shown} ± {rounded(sd, decimals)}"


# Labels of the first three are the paper's own (Ghimire et al. 2018, table 1).
_SHOWN: Mapping[str, tuple[str, int | None, bool]] = {
    "nrmse": ("Normalized RMSE", 3, True),
    "dice": ("Dice coefficient", 2, True),
    "origin_distance": ("Euclidean distance", 1, True),
    "origin_distance_geodesic": ("Distance along the wall", 1, True),
    "nrmse_demeaned": ("Normalized RMSE, demeaned", 3, True),
    "correlation": ("Correlation, demeaned", 3, True),
    "activation_time_mae": ("Activation-time error", 1, True),
    "coverage_50": ("Coverage of 50 % intervals", 2, True),
    "coverage_90": ("Coverage of 90 % intervals", 2, True),
    "r2": ("R²", 3, True),
    "mae": ("Mean absolute error", 3, True),
    "mse": ("Mean squared error", 4, True),
    "pearson": ("Pearson correlation", 3, True),
    "spearman": ("Spearman correlation", 3, True),
    "mae_mv": ("Mean absolute error", 1, True),
    "apd90_mae": ("APD90 error", 1, True),
    "seconds": ("Time a case", None, False),
    "memory": ("Memory a case", None, False),
}

# Where a study means something else by a metric, or has metrics of its own.
_SHOWN_IN: Mapping[str, Mapping[str, tuple[str, int | None, bool]]] = {
    "conditional_vae": {
        "correlation": ("Correlation", 3, True),
        "mean_difference": ("Mean difference", 2, True),
        "area_difference": ("Area difference", 2, True),
        "amplitude_difference": ("Amplitude difference", 2, True),
        "first_peak": ("Sign of the first peak agrees", 1, True),
        "mse": ("Mean squared error", 4, True),
        "mse_own": ("Mean squared error, maps scaled by their own range", 4, True),
        "mse_image": ("Mean squared error, whole image", 4, True),
        "mae_ms": ("Mean absolute error", 1, True),
        "pacing_mm": ("Distance of the pacing site", 1, True),
        "slow_auc": ("Slow region, area under the ROC curve", 2, True),
        "mse_samples": ("Mean squared error of single samples", 4, True),
        "deviation_ms": ("Spread of the samples", 1, False),
        "deviation_correlation": ("Correlation of spread and |error|", 2, True),
        "coverage_50": ("Coverage of 50 % intervals", 0, True),
        "coverage_50_widened": ("Coverage of 50 % intervals, widened", 0, True),
        "coverage_80": ("Coverage of 80 % intervals", 0, True),
        "coverage_80_widened": ("Coverage of 80 % intervals, widened", 0, True),
        "coverage_90": ("Coverage of 90 % intervals", 0, True),
        "coverage_90_widened": ("Coverage of 90 % intervals, widened", 0, True),
        "seconds": ("Time a map", None, False),
    }
}

SETTING_LABELS = {
    "unseen_scar": "Scar not in training",
    "unseen_origin": "Origin not in training",
    "unseen_both": "Scar and origin not in training",
}


def quantity(metric: str, study: str = "") -> Quantity:
    """How a metric is shown; one without an entry here is named as `evaluation` names it.

    Parameters
    ----------
    metric
        Its name.
    study
        Whose metric it is; needed where another study means something else by the name.
    """
    known = metrics_of(study).get(metric) if study else ALL_METRICS.get(metric)
    shown = {**_SHOWN, **_SHOWN_IN.get(study, {})}
    label, decimals, accuracy = shown.get(metric, (known.long_name if known else metric.replace("_", " "), 3, True))
    if known is None:
        return Quantity(label, "1", decimals, accuracy=accuracy)
    return Quantity(label, known.unit, decimals, known.higher_is_better, accuracy, known.nominal)


def setting_label(setting: str) -> str:
    """A test setting in words."""
    return SETTING_LABELS.get(setting, setting.replace("_", " "))


def ordered_settings(settings: Iterable[str]) -> list[str]:
    """Each setting once: the published ones in the paper's order, then others in order of appearance."""
    present = list(dict.fromkeys(settings))
    return [s for s in SETTING_LABELS if s in present] + [s for s in present if s not in SETTING_LABELS]


def rounded(value: float, decimals: int) -> str:
    """Fixed decimals with a true minus sign, and none before zero."""
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text.replace("-", "−")
