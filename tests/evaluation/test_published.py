import pandas as pd
import pytest

from transmural.evaluation.published import COLUMNS, papers, parse, published
from transmural.stores.errors import StoreError

# Table 1 as printed: setting, metric, then Greensite, EP constrained, proposed.
PRINTED = """
unseen_scar nrmse 1.005 0.006 0.3 0.04 0.23 0.05
unseen_scar dice 0.19 0.04 0.25 0.09 0.52 0.2
unseen_origin nrmse 1.001 0.003 0.28 0.05 0.11 0.08
unseen_origin origin_distance 18.5 10.96 39.47 6.3 14.37 14.0
unseen_both nrmse 1.005 0.003 0.39 0.03 0.29 0.09
unseen_both dice 0.20 0.07 0.21 0.05 0.48 0.24
unseen_both origin_distance 18.7 9.3 65.5 11.02 17.89 10.6
"""


def test_table_1_of_ghimire_2018_stands_there_whole_and_nothing_else():
    table = published("generative_em").set_index(["setting", "metric", "method"])
    expected = {}
    for line in PRINTED.split("\n")[1:-1]:
        setting, metric, *numbers = line.split()
        for k, method in enumerate(["greensite", "ep_constrained", "proposed"]):
            expected[setting, metric, method] = (float(numbers[2 * k]), float(numbers[2 * k + 1]))
    assert {key: (row["mean"], row["sd"]) for key, row in table.iterrows()} == expected
    assert set(table["table"]) == {"Table 1"}
    assert set(table["cases"]) == {20.0}


# Tables of experiments I and II as printed: metric, then 1D CNN, LSTM, Transformer.
SEQUENCES = {
    "full": """
mae 0.0733 0.0364 0.0357
mse 0.0194 0.0063 0.0069
r2 0.8270 0.9409 0.9412
pearson 0.9158 0.9703 0.9704
spearman 0.8496 0.9359 0.9030
""",
    "limited": """
mae 0.4785 0.3148 0.0357
mse 0.3392 0.1618 0.0069
r2 -2.0007 0.4013 0.9412
pearson -0.1101 -0.5209 0.9704
spearman -0.0347 0.0679 0.9030
""",
}


def test_both_experiments_of_the_sequence_models_stand_there_whole():
    table = published("sequence_models")
    found = table.set_index(["setting", "metric", "method"])["mean"].to_dict()
    assert found == {
        (setting, metric, method): float(number)
        for setting, text in SEQUENCES.items()
        for metric, *numbers in (line.split() for line in text.split("\n")[1:-1])
        for method, number in zip(("cnn", "cnn_lstm", "transformer"), numbers, strict=True)
    }
    assert table["sd"].isna().all()
    assert dict(zip(table["setting"], table["table"], strict=True)) == {
        "full": "Experiment I",
        "limited": "Experiment II",
    }


def test_the_pair_of_values_that_cannot_be_is_noted():
    table = published("sequence_models").set_index(["setting", "method", "metric"])
    mean = table["mean"]
    possible = {key[:2]: value <= mean[(*key[:2], "pearson")] ** 2 for key, value in mean.items() if key[2] == "r2"}
    assert [key for key, holds in possible.items() if not holds] == [("limited", "cnn_lstm")]
    assert "can't both hold" in table.loc[("limited", "cnn_lstm", "r2"), "note"]


# As printed in sections 4.1 to 4.3 of Bacoyannis et al. 2019, and in the abstract of 2021: setting, metric, method, value.
IMAGES = """
bsp_vae correlation vae 0.95
bsp_vae mean_difference vae 3.345
bsp_vae area_difference vae -2.152
bsp_vae amplitude_difference vae -3.468
bsp_vae first_peak vae 90.854
map_vae mse vae 0.018
cvae_2d mse cvae 0.095
cvae_3d mae_ms cvae 9.40
"""


def test_values_of_both_papers_on_conditional_autoencoders_stand_there_whole():
    table = published("conditional_vae").set_index(["setting", "metric", "method"])
    lines = [line.split() for line in IMAGES.split("\n")[1:-1]]
    assert table["mean"].to_dict() == {tuple(key): float(number) for *key, number in lines}
    spread = table["sd"].dropna()
    assert spread.to_dict() == {("cvae_3d", "mae_ms", "cvae"): 2.16}
    assert set(table.loc[spread.index, "paper"]) == {"bacoyannis2021"}
    assert set(table.loc[spread.index, "cases"]) == {200.0}
    assert set(table[table["sd"].isna()]["paper"]) == {"bacoyannis2019"}


def test_every_row_is_cited():
    table = published("generative_em")
    assert list(table.columns) == COLUMNS
    assert table["citation"].str.contains("1905.04803").all()
    assert table["unit"].isin(["1", "mm"]).all()


def test_a_study_without_figures_has_an_empty_table():
    table = published("physics_informed")
    assert table.empty
    assert list(table.columns) == COLUMNS
    assert isinstance(table, pd.DataFrame)


VALUE = "{setting: s, metric: nrmse, unit: '1', method: m, mean: 1.0, sd: 0.1}"
FILE = """
papers:
  p:
    study: generative_em
    citation: c
    short: s
    methods: {{m: M}}
    tables:
      Table 1: {{note: n, cases: 20, values: [{values}]}}
"""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (VALUE.replace("nrmse", "rmse"), "metric 'rmse' is unknown"),
        (VALUE.replace("'1'", "mm"), "unit of nrmse is '1', got 'mm'"),
        (VALUE.replace("method: m", "method: q"), r"values of methods \['q'\] that 'methods' doesn't name"),
        (f"{VALUE}, {VALUE}", "Table 1 has a cell twice"),
        (VALUE.replace("sd: 0.1", "sd: -1"), "greater than or equal to 0"),
        (VALUE.replace("sd: 0.1", "spread: 0.1"), "Extra inputs are not permitted"),
        (VALUE.replace("mean: 1.0, ", ""), "mean: Field required"),
        ("", "at least 1 item"),
    ],
)
def test_a_wrong_entry_is_named(values, message):
    with pytest.raises(StoreError, match=rf"figures.yaml: .*{message}"):
        parse(FILE.format(values=values), "figures.yaml")


def test_what_is_not_yaml_is_named():
    with pytest.raises(StoreError, match=r"figures.yaml: isn't YAML"):
        parse("papers: [", "figures.yaml")


def test_a_value_may_have_no_spread():
    parsed = parse(FILE.format(values=VALUE.replace(", sd: 0.1", "")), "figures.yaml")
    assert parsed.papers["p"].tables["Table 1"].values[0].sd is None
    assert papers().papers
