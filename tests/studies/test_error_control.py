"""Study of error control: small runs, and its tables."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from studies import error_control as study

MODELS = ("linear", "last_touch")


def results(*, wrong: bool, histories: dict[str, str], moved: int | None = None) -> study.Row:
    """Return the results of one history at one alpha."""
    return {
        "any_above_null": wrong,
        "any_separated": wrong,
        "models": {
            name: {
                "history": list(history),
                "explained": 0.08 if name == "linear" else 0.04,
                "low": 0.05,
                "high": 0.11,
                "refuted_by": None,
                "moved_in": moved,
            }
            for name, history in histories.items()
        },
    }


def row(variant: str, world: str, users: int, seed: int, **said) -> study.Row:
    naive = {"any_above_null": True, "any_separated": True}
    return {
        "variant": variant, "world": world, "users": users, "seed": seed, "looks": 26,
        "landmarks": 1000,
        "naive": {f"{kind} at {a}": naive for kind in ("one", "bonferroni") for a in study.ALPHAS},
        **{f"at {alpha}": results(**said) for alpha in study.ALPHAS},
    }  # fmt: skip


def keyed(rows: list[study.Row]) -> dict[study.Key, study.Row]:
    return {(r["variant"], r["world"], r["users"], r["seed"]): r for r in rows}


def line(text: str, start: str) -> list[str]:
    [found] = [line for line in text.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_share_of_histories_with_an_error():
    early = {"linear": "t" * 26, "last_touch": "t" * 26}
    rows = [
        row("plain", "null", 5_000, seed, wrong=seed == 3, histories=early) for seed in range(20)
    ]
    cells = line(study.tables(keyed(rows)), "| `null` | plain | 5,000 | 20 | 0.05")
    assert cells[5] == cells[8] == "5.0 ± 4.9 %"
    assert cells[6] == cells[10] == "100.0 ± 0.0 %"


def test_table_of_true_models():
    rows = [
        row("plain", "linear", 5_000, 0, wrong=False,
            histories={"linear": "tc" + "b" * 24, "last_touch": "t" + "r" * 25}),
        row("plain", "linear", 5_000, 1, wrong=False,
            histories={"linear": "tttc" + "c" * 22, "last_touch": "tttt" + "c" * 22}),
    ]  # fmt: skip
    cells = line(study.tables(keyed(rows)), "| `linear` | plain | 2")
    assert cells[3] == "0 (< 77.6) %"
    assert cells[4] == "3 (in 100 %)"
    assert cells[5] == "3 (in 50 %)"
    assert cells[6] == "50 %"
    assert cells[7] == "1.0"
    assert cells[8].startswith("100.0")


def test_table_of_a_changing_true_model():
    histories = {study.BEFORE: "t" + "b" * 15 + "r" * 10, study.AFTER: "r" * 16 + "b" * 10}
    rows = [row("drift", study.BEFORE, 5_000, 0, wrong=True, histories=histories, moved=16)]
    text = study.tables(keyed(rows))
    said = [line for line in text.splitlines() if line.endswith("| 100.0 ± 0.0 % |")]
    assert len(said) >= 3


def test_table_of_large_histories():
    rows = [
        row("plain", "linear", study.LARGE_USERS, 0, wrong=False,
            histories={"linear": "ttc" + "b" * 23, "last_touch": "tt" + "r" * 24}),
        row("plain", "null", study.LARGE_USERS, 0, wrong=False,
            histories={"linear": "t" * 20 + "n" * 6, "last_touch": "t" * 26}),
    ]  # fmt: skip
    text = study.tables(keyed(rows))
    assert line(text, "| `linear`")[3:] == ["too early, contender, best", "1", "`linear`"]
    said = ["too early; too early, no better than volume", "–", "none"]
    assert line(text, "| `null`")[3:] == said


def test_cells_contain_every_world_and_variant():
    assert {variant for variant, _, _ in study.CELLS} == set(study.VARIANTS)
    assert {world for _, world, _ in study.CELLS} == set(study.HYPOTHESES)
    assert len(set(study.CELLS)) == len(study.CELLS)


@pytest.mark.parametrize("variant", list(study.VARIANTS))
def test_histories_are_complete_and_differ_by_seed(variant):
    world = study.BEFORE if variant == "drift" else "null"
    one, two = (study.VARIANTS[variant](world, 200, seed) for seed in (1, 2))
    for touchpoints, conversions in (one, two):
        assert touchpoints["user_id"].null_count() == conversions["user_id"].null_count() == 0
        assert set(conversions["user_id"]) <= set(touchpoints["user_id"])
    assert not set(one[0]["user_id"]) & set(two[0]["user_id"])


@pytest.mark.slow
def test_without_channel_effects_there_are_hardly_any_verdicts():
    rows = [study.run("plain", "null", 2_000, seed)[0] for seed in range(7000, 7040)]
    wrong = sum(r["at 0.05"]["any_separated"] or r["at 0.05"]["any_above_null"] for r in rows)
    assert wrong <= binom.ppf(0.999, len(rows), 0.05)
    naive = sum(r["naive"]["one at 0.05"]["any_separated"] for r in rows)
    assert naive > binom.ppf(0.999, len(rows), 0.05)


@pytest.mark.slow
def test_a_change_of_the_true_model_is_found():
    rows = [study.run("drift", study.BEFORE, 5_000, seed)[0] for seed in range(7000, 7004)]
    for own in rows:
        models = own["at 0.05"]["models"]
        assert models[study.BEFORE]["history"][-1] == "r"
        assert any(model["moved_in"] is not None for model in models.values())
