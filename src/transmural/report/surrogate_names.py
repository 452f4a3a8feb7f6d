"""Tables and figures of study 5, by name."""

TABLES = ("surrogate", "surrogate_tests", "surrogate_settings", "surrogate_costs")
FIGURES = {
    "sheets": "Sheets of every tissue class",
    "surrogate_ecg": "True and predicted ECGs",
    "surrogate_ablation": "Ablations of the surrogate",
    "surrogate_velocity": "Accuracy against conduction velocity",
}
TRAINING_FIGURE = "surrogate_training"
