"""What stands below the tables of study 2: definitions, what baselines and networks are, and what to beware of."""

from transmural.stores.config.images import CONDITIONAL, ConditionalVAEStudy, ImageCohort, ImageTraining

MEAN_NOTE = "This run: mean ± standard deviation over the test maps; bold: best of what is ranked; –: not scored."
SCALING_NOTE = (
    "The paper prints one mean squared error of maps and not how it scales them, so that its figure stands beside all "
    "three of ours; with which it compares, if with any, can't be told. What an error is worth, trivial baselines in "
    "the same table say: on such scales a mean map, which sees no potentials, can come close to a printed figure."
)
BSP_DEFINITIONS = (
    "The paper names its five measures and defines none. Here, x being an electrode's true potential over time and x̂ "
    "the autoencoder's: correlation, Pearson's r of x̂ and x, mean over the electrodes; mean difference, "
    "100·mean|x̂ − x| over the range of all potentials of the map; area difference, 100·(∫|x̂| − ∫|x|)/∫|x|, mean over "
    "the electrodes; amplitude difference, 100·(max|x̂| − max|x|)/max|x|, likewise; sign of the first peak, the share "
    "of the electrodes whose first extremum above 10 % of max|x| has the same sign in both. Area and amplitude have a "
    "sign, negative where the autoencoder flattens, and are best at 0. The mean squared error is of potentials scaled "
    "from 0 to 1 by the range of the training maps."
)
MAP_DEFINITIONS = (
    "Mean squared error: times scaled from 0 to 1 by the range of the training maps, over the wall; by their own "
    "range: truth and prediction scaled by the range of the true map, over the wall; whole image: as the first, with "
    "all cells outside of the wall 0 in both. "
    "Correlation: Pearson's r over the cells of the wall. Pacing site: from the earliest cell of the prediction to the "
    "nearest true pacing zone. Slow region: area under the ROC curve of |∇T| of the prediction as a sign of the cells "
    "of slow regions (gradient to earlier neighbours), in maps that have one; 0.5 is chance."
)
SHOWN_NOTE = (
    "Shown the truth: the decoder of the published form is given what its encoder makes of the true map. That is no "
    "prediction, as in use no true map is known; it says what the latent variables carry, and isn't ranked."
)
TEST_NOTE = (
    "Last four rows: by how much a method's mean absolute error is above that of the fully conditioned β-CVAE, map by "
    "map (negative: the method is better), two-sided paired t-test and Wilcoxon's signed-rank test with Holm's "
    "correction over all methods and blocks of this table (bold: p < 0.001), and the differences' mean over their "
    "standard deviation. The paper tests nothing. Maps of one heart share its wall: p-values are about maps of these "
    "hearts, not about hearts."
)
SWEEP_NOTE = (
    "Each network is trained anew, otherwise as the published form. The paper found β = 5 best «empirically» and "
    "prints no other. A large β drives the posterior to the prior, so that samples hardly differ and the decoder must "
    "do with the conditions; a small one lets the latent variables carry the map, which no sample from the prior knows."
)
UNCERTAINTY_DEFINITIONS = (
    "The prediction is the mean of the samples. Error of single samples: mean of their own errors. Spread: standard "
    "deviation of the samples, mean over the wall. Correlation of spread and |error|: Pearson's r over the cells of "
    "the wall, above 0 where the spread shows where the prediction is wrong. Coverage: share of the cells whose true "
    "time lies within mean ± z standard deviations; best is the nominal share, less means too sure. "
    "Widened: with the mean squared error on (at most 64) validation maps added to the samples' variance, as part of "
    "the error is of what latent variables can't say."
)
_BASELINES = {
    "pca": "Principal components: of the training data, as many as the autoencoder has latent variables.",
    "mean_bsp": "Mean potentials: of the training maps, the same for every map.",
    "mean_map": (
        "Mean map: of the training maps, each extended beyond its wall from the nearest cell; it sees no potentials."
    ),
    "nearest_map": "Nearest map: that of the training case with the nearest potentials, likewise extended.",
    "ridge": (
        "Ridge: linear regression of extended maps on potentials; its weight is chosen on the validation maps, which "
        "choose the networks' epoch too."
    ),
}


def baseline_note(*methods: str) -> str:
    """What baselines are; those that predict maps from potentials when none is named."""
    named = methods or ("mean_map", "nearest_map", "ridge")
    cut = " Each is cut to the wall of the test map." if "mean_map" in named else ""
    return " ".join(_BASELINES[method] for method in named) + cut


def network_note(study: ConditionalVAEStudy, cohort: ImageCohort = "slices") -> str:
    """How the two forms of the β-CVAE differ."""
    theirs, ours = (study.network(ImageTraining(cohort, "heart_out", form)) for form in CONDITIONAL)
    return (
        f"β-CVAE, as published: potentials and wall are given to the encoder and the decoder's convolutions; β = "
        f"{theirs.beta:g}, {theirs.latent} latent variables. Fully conditioned (ours): two dense layers read "
        "all potentials and convolutions the whole wall; what they say starts the decoder, so that every cell is told "
        "of every electrode, and the decoder works at a quarter and at half of the image's resolution; β = "
        f"{ours.beta:g}, {ours.latent} latent variables. Both predict the mean of {study.samples} maps that they "
        "generate."
    )
