"""Study of error control: small runs, and its tables."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from scipy.stats import binom

from studies import error_control as study
from studies.histories import HISTORIES


def row(
    variant: str,
    world: str,
    users: int,
    seed: int,
    *,
    histories: dict[str, str],
    turned: bool = False,
    segments: int = 0,
    refuted_by: str | None = None,
    primary_separated: bool = False,
) -> study.Row:
    """Return the results of one history."""
    models = {
        name: {
            "history": history,
            "explained": 0.08 if name == "linear" else 0.04,
            "low": 0.05,
            "high": 0.11,
            "turned": turned,
        }
        for name, history in histories.items()
    }
    return {
        "variant": variant, "world": world, "users": users, "seed": seed, "looks": 26,
        "landmarks": 1000, "models": models, "commit": "abc1234",
        "segments": {"number": segments, "better": segments > 0, "refuted": False},
        "naive": {kind: {"better": True, "separated": True} for kind in ("one", "bonferroni")},
        "refuted_by": refuted_by, "primary_separated": primary_separated,
    }  # fmt: skip


def keyed(rows: list[study.Row]) -> dict[study.Key, study.Row]:
    return {(r["variant"], r["world"], r["users"], r["seed"]): r for r in rows}


def line(text: str, start: str) -> list[str]:
    [found] = [line for line in text.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in found.strip("|").split("|")]


EARLY = dict.fromkeys(("first_touch", *study.PRIMARY), "t" * 26)


def test_share_of_histories_with_an_error():
    rows = [row("plain", "null", 5_000, seed, histories=EARLY) for seed in range(18)]
    challenger = EARLY | {"first_touch": "ttc" + "t" * 23}
    refuted = EARLY | {"linear": "tr" + "t" * 24}
    rows.append(row("plain", "null", 5_000, 18, histories=challenger))
    rows.append(row("plain", "null", 5_000, 19, histories=refuted, primary_separated=True))
    text = study.tables(keyed(rows))
    cells = line(text, "| `null` | plain | 5,000 | 20")
    assert cells[4:8] == ["5.0 ± 4.9 %", "5.0 ± 4.9 %", "5.0 ± 4.9 %", "–"]
    assert cells[8:] == ["100.0 ± 0.0 %"] * 2
    assert "20 histories: 20 on commit `abc1234`." in text


def test_errors_in_segments():
    rows = [
        row("countries", "null", 5_000, seed, histories=EARLY, segments=30 if seed < 5 else 0)
        for seed in range(10)
    ]
    cells = line(study.tables(keyed(rows)), "| `null` | countries | 5,000 | 10")
    assert cells[7] == "50.0 ± 15.8 %"


def test_table_of_true_models():
    rows = [
        row("plain", "linear", 5_000, 0,
            histories={"linear": "tc" + "b" * 24, "last_touch": "t" + "r" * 25}),
        row("plain", "linear", 5_000, 1,
            histories={"linear": "tttc" + "c" * 22, "last_touch": "tttt" + "c" * 22}),
    ]  # fmt: skip
    cells = line(study.tables(keyed(rows)), "| `linear` | plain | 5,000 | 2")
    assert cells[4] == "0 (< 77.6) %"
    assert cells[5] == "–"
    assert cells[6] == "3 (in 100 %)"
    assert cells[7] == "3 (in 50 %)"
    assert cells[8] == "50 %"
    assert cells[9] == "1.0"
    assert cells[10].startswith("100.0")


def test_the_table_of_true_models_names_who_refuted_them():
    refuted = {"linear": "t" + "r" * 25, "last_touch": "t" * 26}
    rows = [
        row("season", "linear", 5_000, seed, histories=refuted, refuted_by=by)
        for seed, by in enumerate(("markov_2", "shapley", "markov_2"))
    ]
    cells = line(study.tables(keyed(rows)), "| `linear` | season | 5,000 | 3")
    assert cells[4] == "100.0 ± 0.0 %"
    assert cells[5] == "`markov_2` 2, `shapley` 1"


def test_table_of_a_changing_true_model():
    histories = {study.BEFORE: "t" + "b" * 15 + "r" * 10, study.AFTER: "r" * 16 + "b" * 10}
    rows = [row("drift", study.BEFORE, 5_000, 0, histories=histories, turned=True)]
    text = study.tables(keyed(rows))
    said = [line for line in text.splitlines() if line.endswith("| 100.0 ± 0.0 % |")]
    assert len(said) >= 3


def test_table_of_large_histories():
    rows = [
        row("plain", "linear", study.LARGE_USERS, 0,
            histories={"linear": "ttc" + "b" * 23, "last_touch": "tt" + "r" * 24}),
        row("plain", "null", study.LARGE_USERS, 0,
            histories={"linear": "t" * 20 + "n" * 6, "last_touch": "t" * 26}),
    ]  # fmt: skip
    text = study.tables(keyed(rows))
    assert line(text, "| `linear`")[3:] == ["too early, contender, best", "1", "`linear`"]
    said = ["too early; too early, no better than volume", "–", "none"]
    assert line(text, "| `null`")[3:] == said


def test_cells_contain_every_world_and_variant():
    assert {variant for variant, _, _ in study.CELLS} == set(HISTORIES)
    assert {world for _, world, _ in study.CELLS} == set(study.HYPOTHESES)
    assert len(set(study.CELLS)) == len(study.CELLS)
    assert {world for _, world, _ in study.NULL_CELLS} == set(study.WITHOUT_SIGNAL)
    assert not {world for _, world, _ in study.TRUE_CELLS} & set(study.WITHOUT_SIGNAL)


def test_keys_are_balanced_over_cells():
    cells = (*study.NULL_CELLS[:2], *study.TRUE_CELLS[:2], *study.LARGE[:1])
    found = list(study.keys(cells, 5, 3))
    assert [key[:3] for key in found[:4]] == list(cells[:4])
    assert {key[3] for key in found[:4]} == {study.FIRST_SEED}
    per_cell = Counter(key[:3] for key in found)
    assert [per_cell[cell] for cell in cells] == [5, 5, 3, 3, study.LARGE_SEEDS]
    assert found[-1][:3] == cells[-1]


@pytest.mark.parametrize(("variant", "world"), [("countries", "null"), ("plain", "last_touch")])
def test_a_history_is_one_row(variant, world):
    [found] = study.run(variant, world, 5_000, 1)
    assert set(found["models"]) == set(study.DEFAULT_MODELS)
    assert {len(model["history"]) for model in found["models"].values()} == {found["looks"]}
    assert 20 <= found["looks"] <= study.LOOKS
    assert (0 < found["segments"]["number"] <= 30) == (variant == "countries")
    assert ("naive" in found) == (world == "null")
    assert json.loads(json.dumps(found)) == found


def test_the_model_that_refuted_the_truth_is_found(monkeypatch):
    """In the world of last touch, `linear` counts as the truth here."""
    monkeypatch.setitem(study.TRUE_MODEL, "last_touch", "linear")
    [found] = study.run("plain", "last_touch", 2_500, 3)
    assert "r" in found["models"]["linear"]["history"]
    assert found["refuted_by"] in set(study.DEFAULT_MODELS) - {"linear"}


def test_separated_primary_models_are_found(monkeypatch):
    """In the world of last touch, primary models are separated, and rightly so."""
    monkeypatch.setitem(study.TRUE_MODEL, "last_touch", None)
    [found] = study.run("plain", "last_touch", 2_500, 3)
    assert found["primary_separated"]


@pytest.mark.slow
def test_without_channel_effects_there_are_hardly_any_verdicts():
    rows = [study.run("plain", "null", 2_000, seed)[0] for seed in range(7000, 7040)]
    wrong = sum(study._any_model(r, study.BETTER + study.REFUTED) for r in rows)
    assert wrong <= binom.ppf(0.999, len(rows), 0.05)
    naive = sum(r["naive"]["one"]["separated"] for r in rows)
    assert naive > binom.ppf(0.999, len(rows), 0.05)


@pytest.mark.slow
def test_a_change_of_the_true_model_is_found():
    rows = [study.run("drift", study.BEFORE, 5_000, seed)[0] for seed in range(7000, 7004)]
    for own in rows:
        assert own["models"][study.BEFORE]["history"][-1] == "r"
        assert any(model["turned"] for model in own["models"].values())
