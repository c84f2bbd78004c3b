"""Settings: error messages name the dotted key and what to do."""

from __future__ import annotations

import traceback
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lydite.errors import InputError
from lydite.settings import (
    Completeness,
    DatabaseSource,
    DeclaredEnds,
    ModelSettings,
    QualitySettings,
    Settings,
    SourceSettings,
    load_settings,
    make_settings,
    parse_settings,
)

SOURCES = '[sources]\ntouchpoints = "t.parquet"\nconversions = "c.parquet"\n'


@pytest.fixture
def load(tmp_path):
    def load(text: str) -> Settings:
        path = tmp_path / "lydite.toml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path)

    return load


def names(settings):
    return [entry.name for entry in settings.models]


def test_little_is_enough(load):
    settings = load(SOURCES)
    assert settings.sources.present() == {"touchpoints": "t.parquet", "conversions": "c.parquet"}
    assert names(settings) == []
    assert settings.evaluation.alpha == 0.05
    assert settings.lookbacks(["lead", "purchase"]) == {
        "lead": timedelta(days=30), "purchase": timedelta(days=30)
    }  # fmt: skip


def test_the_end_of_the_data_is_declared_for_all_outcomes_or_for_one(load):
    settings = load(
        SOURCES + '[evaluation]\nas_of = "2026-03-01"\n[outcomes.lead]\ndelivery_delay = "2d"\n'
        "[outcomes.sale]\nas_of = 2026-04-01T06:00:00+02:00\n[outcomes.trial]\n"
    )
    first, second = datetime(2026, 3, 1), datetime(2026, 4, 1, 4)
    assert settings.completeness(["lead", "sale", "trial"]) == {
        "lead": Completeness(delivery_delay=timedelta(days=2)),
        "sale": Completeness(as_of=second),
        "trial": Completeness(as_of=first),
    }
    assert settings.declared_ends() == DeclaredEnds(second, first, {"sale": second})
    assert settings.lookbacks(["lead", "sale", "trial"])["sale"] == timedelta(days=30)


def test_touchpoints_end_only_where_all_outcomes_do(load):
    one = SOURCES + "[outcomes.lead]\nas_of = 2026-03-01\n"
    assert load(one).declared_ends().touchpoints == datetime(2026, 3, 1)
    assert load(one + "[outcomes.sale]\n").declared_ends() == DeclaredEnds(
        None, None, {"lead": datetime(2026, 3, 1)}
    )
    assert load(SOURCES).declared_ends() == DeclaredEnds()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[evaluation]\nas_of = "1.3.2026"', "evaluation.as_of = '1.3.2026': write it as ISO"),
        ("[evaluation]\nas_of = 20260301", "evaluation.as_of = 20260301: write it as ISO-8601"),
        ("[evaluation]\ndelivery_delay = 2", "evaluation.delivery_delay = 2: write it in quotes"),
        ('[outcomes.a]\ndelivery_delay = "soon"', "delay 'soon' cannot be read"),
        ('[quality]\naccept = ["all"]', "quality.accept.1 = 'all': Input should be 'stray_rows'"),
    ],
)
def test_wrong_declarations_are_refused(load, text, words):
    with pytest.raises(InputError) as error:
        load(SOURCES + text)
    assert words in str(error.value)


def test_more_kinds_of_findings_can_be_accepted():
    accepted = QualitySettings(warn=("stray_rows",)).accepting(["sudden_drop"])
    assert accepted == QualitySettings(accept=("sudden_drop",), warn=("stray_rows",))
    with pytest.raises(InputError, match="no kind of finding 'all'; there are: stray_rows"):
        QualitySettings().accepting(["all"])


def test_models_are_names_or_tables(load):
    text = 'models = ["linear", "markov_2"]\n' + SOURCES
    assert names(load(text)) == ["linear", "markov_2"]
    text = SOURCES + '[[models]]\nname = "linear"\n[[models]]\nname = "markov_2"\n'
    assert names(load(text)) == ["linear", "markov_2"]


def test_rules_stand_among_the_models(load):
    own = '[[models]]\nname = "mine"\nclaim = "the early ones"\nrule = "1.0 / position"\n'
    settings = load(SOURCES + own)
    assert settings.models == (
        ModelSettings(name="mine", rule="1.0 / position", claim="the early ones"),
    )
    assert not settings.chooses_models
    text = 'models = ["linear", {name = "mine", rule = "position"}]\n' + SOURCES
    assert names(load(text)) == ["linear", "mine"]
    assert load(text).chooses_models


def test_two_lists_of_models_are_refused(load):
    with pytest.raises(InputError, match="not in both"):
        load('models = ["linear"]\n' + SOURCES + '[[models]]\nname = "mine"\nrule = "1"\n')


def test_outcomes_may_have_their_own_lookback(load):
    text = SOURCES + '[evaluation]\nlookback = "4w"\n[outcomes.lead]\nlookback = "12h"\n'
    settings = load(text)
    assert settings.lookbacks(["lead", "purchase"]) == {"lead": timedelta(hours=12)}
    with pytest.raises(InputError, match=r"no outcome 'lead'.*they hold: purchase, signup"):
        settings.lookbacks(["purchase", "signup"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SOURCES + "[evaluation]\nalpa = 0.1\n", "evaluation.alpa = 0.1: there is no such"),
        (SOURCES + "[storge]\n", "storge: there is no such setting"),
        (SOURCES + 'user = "u"\n', "sources.user = 'u': there is no such setting"),
        ('[sources]\ntouchpoints = "t"\n', "sources.conversions: this setting is required"),
        ('[sources]\nconversions = "c"\n', "sources.touchpoints: this setting is required"),
        (
            '[sources]\npaths = "p"\nusers = "u"\n',
            "sources: paths and users cannot be combined: remove one of them",
        ),
        (
            SOURCES + '[evaluation]\nalpha = "much"\n',
            "evaluation.alpha = 'much': Input should be a valid",
        ),
        (
            SOURCES + "[evaluation]\n\nalpha = 0.7\n",
            "evaluation.alpha = 0.7: Input should be less than",
        ),
        (SOURCES + '[evaluation]\nlookback = "30 moons"\n', "evaluation.lookback = '30 moons'"),
        (SOURCES + "[evaluation]\nlookback = 30\n", "evaluation.lookback = 30: write it in quotes"),
        (SOURCES + '[evaluation]\nlookback = "0d"\n', "evaluation.lookback = '0d'"),
        (SOURCES + '[outcomes.lead]\nlookback = "x"\n', "outcomes.lead.lookback = 'x'"),
        (SOURCES + '[outcomes]\nlead = {lookback = "x"}\n', "outcomes.lead.lookback = 'x'"),
        (SOURCES + '[outcomes]\nlead.lookback = "x"\n', "outcomes.lead.lookback = 'x'"),
        (SOURCES + '[outcomes."web lead"]\nlookback = "x"\n', "outcomes.web lead.lookback"),
        (
            SOURCES + '[evaluation]\nperiod = "year"\n',
            "evaluation.period = 'year': Input should be 'day', 'week' or 'month'",
        ),
        (
            SOURCES + '[[models]]\nname = "linear"\n[[models]]\n',
            "models.2.name: this setting is required",
        ),
        (
            'models = ["linear", "linear"]\n' + SOURCES,
            "models.2 = 'linear': model 'linear' is named twice",
        ),
        (
            'models = [\n"linear",\n"markov_1",\n"linear"\n]\n' + SOURCES,
            "models.3 = 'linear': model",
        ),
        (
            SOURCES + '[[models]]\nname="linear"\n' * 2,
            "models.2 = 'linear': model 'linear' is named twice; remove one",
        ),
        ("models = 3\n" + SOURCES, "models = 3: Input should be a valid tuple"),
        (
            SOURCES + "[engine]\nthreads = 0\n",
            "engine.threads = 0: Input should be greater than or equal to 1",
        ),
        (
            SOURCES + '[engine]\nname = "sparc"\n',
            "engine.name = 'sparc': Input should be 'duckdb' or 'spark'",
        ),
        (
            SOURCES + "[engine.spark]\nmaster = 2\n",
            "engine.spark.master = 2: Input should be a valid string",
        ),
    ],
)
def test_a_mistake_names_its_key_and_what_is_wrong(load, text, words):
    with pytest.raises(InputError) as error:
        load(text)
    message = str(error.value)
    assert "\n" not in message
    assert f"lydite.toml: {words}" in message


def test_several_mistakes_are_named_at_once(load):
    with pytest.raises(InputError) as error:
        load('[sources]\ntouchpoints = "t"\n[evaluation]\nalpha = 7\nseed = -1\n')
    keys = [line.split(": ")[1].split(" ")[0] for line in str(error.value).splitlines()]
    assert keys == ["sources.conversions", "evaluation.alpha", "evaluation.seed"]


def test_without_sources_it_says_so(load):
    with pytest.raises(InputError, match=r"lydite\.toml: sources: this setting is required"):
        load("")


@pytest.mark.parametrize(
    ("text", "line"), [("[sources\n", 1), (SOURCES + "alpha = \n", 4), ('a = "x\n', 1)]
)
def test_invalid_toml_names_the_line(load, text, line):
    with pytest.raises(InputError, match=rf"lydite\.toml is not valid TOML: .*line {line},"):
        load(text)


def test_a_file_that_is_not_there_or_not_readable(tmp_path):
    with pytest.raises(InputError, match=r"there is no settings file .*none\.toml"):
        load_settings(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load_settings(tmp_path)
    path = tmp_path / "latin.toml"
    path.write_bytes("# für\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        load_settings(path)


def test_settings_made_in_code_know_the_same_mistakes():
    with pytest.raises(ValueError, match="named twice"):
        Settings(
            sources=SourceSettings(touchpoints="t", conversions="c"),
            models=("linear", "linear"),  # type: ignore[arg-type]
        )


def test_the_settings_of_this_project_are_right():
    settings = load_settings(Path(__file__).parents[1] / "lydite.toml")
    assert not settings.chooses_models


def test_settings_as_plain_values_are_refused_as_those_of_a_file_are():
    values = {"sources": {"touchpoints": "t.csv"}, "evaluation": {"alpha": 7}}
    with pytest.raises(InputError) as caught:
        parse_settings(values, "defs.yaml")
    missing, wrong = str(caught.value).splitlines()
    assert missing == "defs.yaml: sources.conversions: this setting is required; add it"
    assert wrong.startswith("defs.yaml: evaluation.alpha = 7: ")


# --- databases as sources -------------------------------------------------------------------------

DATABASE = {"select": "orders.sql", "database": "postgresql://u:${PASSWORD}@h/shop"}


def parse_source(value):
    sources = {"touchpoints": "t.parquet", "conversions": value}
    return parse_settings({"sources": sources}, "lydite.toml").sources.conversions


def test_a_table_of_a_source_names_a_select_and_its_database():
    source = parse_source({**DATABASE, "watermark": "changed_at", "look_back": "3d", "key": "id"})
    assert isinstance(source, DatabaseSource)
    assert (source.look_back, source.key, source.is_postgres) == (timedelta(days=3), "id", True)
    assert str(source) == "orders.sql in postgresql://u:${PASSWORD}@h/shop"
    assert not parse_source({"select": "orders.sql", "database": "crm.duckdb"}).is_postgres


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "conversions = 5: Input should be a valid string"),
        ({"select": "orders.sql"}, "conversions.database: this setting is required"),
        ({**DATABASE, "select": "select 1"}, "conversions: select must name a .sql file"),
        ({**DATABASE, "look_back": "1d"}, "conversions: look_back and key need a watermark"),
        ({**DATABASE, "watermark": "x", "look_back": 3}, "conversions.look_back = 3: write it in"),
        (
            {"select": "orders.sql", "database": "crm.duckdb", "watermark": "x"},
            "conversions: a DuckDB file is always read whole: leave out watermark",
        ),
    ],
)
def test_wrong_settings_of_a_database(value, message):
    with pytest.raises(InputError) as caught:
        parse_source(value)
    assert f"lydite.toml: sources.{message}" in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com/orders.csv?token=hunter2",
        "https://u:hunter2@example.com/orders.csv",
        {**DATABASE, "database": "postgresql://u:hunter2@h/shop"},
        {**DATABASE, "database": "postgresql://u@h/shop?password=hunter2"},
        {**DATABASE, "password": "hunter2"},
        {**DATABASE, "databse": "postgresql://u:hunter2@h/shop"},
    ],
)
def test_secrets_in_settings_are_refused_and_not_shown(value):
    with pytest.raises(InputError) as caught:
        parse_source(value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in shown
    assert "***" in str(caught.value)


def test_options_override_the_settings_of_a_project():
    project = Settings.model_validate(
        {
            "sources": {"touchpoints": "t", "conversions": "c"},
            "evaluation": {"lookback": "10d", "alpha": 0.1, "seed": 3},
            "quality": {"accept": ["stray_rows"]},
            "outcomes": {"lead": {"lookback": "5d"}},
        }
    )
    assert make_settings(None, None, None, None, None, base=project) == project
    changed = make_settings(
        "7d", None, ["lead", "sale"], None, 4, accept=["sudden_drop"], keep_duplicates=True,
        base=project,
    )  # fmt: skip
    assert changed.evaluation == project.evaluation.model_copy(
        update={"lookback": timedelta(days=7), "seed": 4}
    )
    assert changed.quality.accept == ("stray_rows", "sudden_drop")
    assert changed.quality.keep_duplicates
    assert changed.lookbacks(["lead", "sale"]) == {
        "lead": timedelta(days=5),
        "sale": timedelta(days=7),
    }
