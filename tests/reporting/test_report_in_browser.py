"""The report in a real browser: nothing is cut off, nothing is loaded, everyone can read it.

With SCREENSHOTS=1 in the environment, screenshots are written to var/screenshots.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from lydite.reporting.report import write_report
from lydite.results import Comparison
from lydite.settings import ReportSettings
from tests.helpers.made_comparisons import (
    BEST,
    CHANNELS,
    CONTENDERS,
    MANY,
    SEGMENTS,
    TOO_EARLY,
    make_comparison,
    make_path_comparison,
)
from tests.helpers.made_experiments import READOUT, compare_with_experiments
from tests.helpers.made_largest import CHANNELS as MANY_CHANNELS
from tests.helpers.made_largest import OUTCOMES, make_largest
from tests.helpers.made_marts import RUN_ID, with_all_marts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
SCREENSHOTS = Path(__file__).parents[2] / "var" / "screenshots"
_ATTACK = "</script><script>window.attacked=1</script><img src=x onerror='window.attacked=1'>"
_HOSTILE = (_ATTACK, "x" * 300, "\u202eright to left", "a&b <b>bold</b>", "\n\t", "渠道 " * 30)
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
#: The top of the report is within the first screen, and within one and a half of a phone.
FOLD = {"desktop": 900, "phone": 1266}


def without(comparison: Comparison, *prefixes: str) -> Comparison:
    """Return a comparison in which some figures of the credit are not known."""
    credit = comparison.marts["channel_credit"]
    names = [name for name in credit.columns if name.split("_")[0] in prefixes]
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in names]
    marts = {**comparison.marts, "channel_credit": credit.with_columns(nothing)}
    return Comparison(marts, comparison.outcomes, {}, alpha=0.05)


def hostile() -> Comparison:
    return make_comparison(
        (_ATTACK, (("linear" + _ATTACK, "best", 0.03, None, ""), *CONTENDERS[1:])),
        channels=_HOSTILE,
        quarantined={_ATTACK: {_ATTACK: 3}},
        segments={_ATTACK: ((_ATTACK, "best", 0.03, None, ""),)},
        warnings=((_ATTACK, "model", _ATTACK),),
    )


def full() -> Comparison:
    """Return a comparison with every table, names from the settings, and a currency code."""
    names = {"paid_search": "Google Ads, all countries", "email": "E-mail"}
    made = make_comparison(("purchase", CONTENDERS), ("lead", BEST), segments=SEGMENTS)
    credit = made.marts["channel_credit"].with_columns(pl.col("value", "cost") * 1_000)
    made = replace(made, marts={**made.marts, "channel_credit": credit})
    return replace(
        with_all_marts(made), report_settings=ReportSettings(currency="EUR", channel_names=names)
    )


def with_experiments() -> Comparison:
    """Return a comparison in which a holdout contradicts the model in use, and a second waits."""
    figures = {
        "hypothesis": "Ads on searches for our name bring purchases.", "users": 9_977,
        "mean": 0.0599, "control_mean": 0.0606, "difference": -0.0006,
        "difference_low": -0.0072, "difference_high": 0.006,
    }  # fmt: skip
    waiting = {"experiment": "subject_of_the_spring_newsletter", "may_read": "none"}
    checks = [{"experiment": "brand_holdout", "check_name": "exposed_early", "status": "warning",
               "text": "818 users had a touch before they were assigned."}]  # fmt: skip
    return compare_with_experiments(
        readout=[READOUT | figures, READOUT | figures | waiting],
        experiment_checks=pl.DataFrame(checks),
    )


KINDS = {
    "full": full,
    "experiments": with_experiments,
    "usual": lambda: make_comparison(("purchase", CONTENDERS), ("lead", BEST), segments=SEGMENTS),
    "decided": lambda: make_comparison(("purchase", BEST)),
    "many": lambda: make_comparison(
        ("purchase", MANY), channels=tuple(f"channel_{number}" for number in range(40))
    ),
    "one_channel": lambda: make_comparison(("purchase", CONTENDERS), channels=("ads",)),
    "hostile": hostile,
    "no_value": lambda: without(make_comparison(("lead", CONTENDERS)), "value", "roas"),
    "no_spend": lambda: without(make_comparison(("lead", CONTENDERS)), "cost", "cpa", "roas"),
    "too_early": lambda: make_comparison(("purchase", TOO_EARLY)),
    "one_model": lambda: make_comparison(("purchase", BEST[:1])),
    "path_table": make_path_comparison,
    "short_history": lambda: make_comparison(("lead", ()), note="the history is too short"),
}

# Elements whose text is cut off or reaches over their box, or which are wider than the window.
_CUT_OFF = """
() => [...document.querySelectorAll("body *")].filter(e => {
  if (e.closest("svg, .hidden, select, details:not([open]) > :not(summary)")) return false;
  if (e.closest(".scroll") && !e.matches(".scroll")) return false;
  const box = e.getBoundingClientRect();
  if (!box.width && !box.height) return false;
  const style = getComputedStyle(e);
  const scrolls = style.overflowX === "auto";
  return box.right > window.innerWidth + 1 || box.left < -1
    || (!scrolls && style.display !== "inline" && e.scrollWidth > e.clientWidth + 1);
}).map(e => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 60))
"""
# Texts of the top that overlap another one.
_OVERLAPS = """
() => {
  const parts = "h1, .detail, .chip, .tiles > div, .move, .caution, .advice li";
  const boxes = [...document.querySelectorAll(parts)]
    .filter(e => !e.closest("details:not([open]) > :not(summary)"))
    .map(e => [e, e.getBoundingClientRect()]);
  const found = [];
  boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
    if (p.left < q.right - 1 && q.left < p.right - 1
        && p.top < q.bottom - 1 && q.top < p.bottom - 1)
      found.push(a.textContent.slice(0, 30) + " / " + b.textContent.slice(0, 30));
  }));
  return found;
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: the report is not opened in a browser")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    for kind, make in KINDS.items():
        write_report(make(), folder / f"{kind}.html")
    return {kind: folder / f"{kind}.html" for kind in KINDS}


def opened(browser: Browser, report: Path, size: str = "desktop", **options: Any) -> Page:
    """Open a report; a message on the console or a request is an error."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, **options)
    page.set_default_timeout(20_000)
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda request: seen.append(request.url))
    page.goto(report.as_uri())
    assert seen == [report.as_uri()]
    return page


def screenshot(page: Page, name: str) -> None:
    if not os.environ.get("SCREENSHOTS"):
        return  # they take as long as everything that is tested
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_cut_off_and_nothing_overlaps(browser, reports, kind, size):
    page = opened(browser, reports[kind], size)
    screenshot(page, f"{kind}-{size}")
    for _ in range(2):  # as it opens, and with every part open
        assert page.evaluate(_CUT_OFF) == []
        assert page.evaluate(_OVERLAPS) == []
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    screenshot(page, f"{kind}-{size}-open")
    assert page.evaluate("window.attacked") is None
    page.close()


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [*((kind, "light") for kind in KINDS), ("full", "dark"), ("decided", "dark")],
)
def test_everyone_can_read_it(browser, reports, kind, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(browser, reports[kind], color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()
    screenshot(page, f"{kind}-{scheme}")
    page.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "kind", ["usual", "full", "decided", "experiments", "no_value", "no_spend"]
)
def test_what_decides_is_above_the_fold(browser, reports, kind, size):
    page = opened(browser, reports[kind], size)
    parts = ["h1", ".chips", ".tiles", ".money", ".move", ".caution"]
    main = page.locator("main > section").first
    for part in parts:
        box = main.locator(part).first.bounding_box()
        assert box is not None, part
        assert box["y"] + box["height"] <= FOLD[size], part
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_there_without_javascript(browser, reports, kind):
    page = opened(browser, reports[kind], java_script_enabled=False)
    text = page.locator("main").inner_text()
    assert "only an experiment shows what a channel adds" in text
    assert not any(select.is_visible() for select in page.locator("select").all())
    if kind == "usual":
        assert "instead of Last touch moves" in " ".join(text.split())
        assert page.locator("svg .credit").count() >= len(CHANNELS)
    screenshot(page, f"{kind}-without-javascript")
    page.close()


@pytest.mark.parametrize("kind", ["full", "experiments", "many", "hostile"])
def test_print_has_at_most_four_sheets(browser, reports, kind):
    page = opened(browser, reports[kind])
    document = page.pdf(format="A4")
    sheets = len(re.findall(rb"/Type\s*/Page\b", document))
    assert 1 <= sheets <= 4
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_is_dark_on_white_and_has_no_controls(browser, reports, scheme):
    page = opened(browser, reports["full"], color_scheme=scheme)
    page.set_viewport_size({"width": 688, "height": 1000})  # an A4 sheet without its margins
    page.emulate_media(media="print", color_scheme=scheme)
    assert not any(page.locator(".pickers, select").nth(n).is_visible() for n in range(3))
    colours = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    assert page.locator("body").evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    chip = page.locator(".chip").first.evaluate(colours)[1]
    assert min(map(int, re.findall(r"\d+", chip))) > 200
    # What decides is on the first sheet: the sentence, the figures and the chart.
    chart = page.locator("main > section").first.locator(".money").bounding_box()
    assert chart["y"] + chart["height"] < 1_000
    screenshot(page, f"full-print-{scheme}")
    page.close()


def test_another_model_changes_sentence_chart_and_figures(browser, reports):
    page = opened(browser, reports["usual"])
    root = page.locator("[data-outcome=outcome-0]")
    first = root.locator(".move").inner_text()
    figures = root.locator("td.conversions").all_inner_texts()
    root.locator("[data-picks=x2]").select_option(label="Markov chain, 1 step")
    assert root.locator("[data-picks=x]").input_value() == "2"
    changed = root.locator(".move").inner_text()
    assert changed.startswith("Budgeting by Markov chain, 1 step instead of Last touch moves")
    assert changed != first
    assert root.locator("td.conversions").all_inner_texts() != figures
    root.locator("[data-picks=x]").select_option(label="Linear")
    assert root.locator("td.conversions").all_inner_texts() == figures
    assert " ".join(root.locator(".move").inner_text().split()) == " ".join(first.split())
    root.locator("[data-picks=y]").select_option(label="Linear")
    assert root.locator(".move").inner_text().endswith("moves nothing.")
    page.close()


def test_a_long_table_is_filtered(browser, reports):
    page = opened(browser, reports["many"])
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    rows = page.locator(".heat").first.locator("tbody tr")
    assert rows.count() == 25
    page.locator(".filter input").nth(1).fill("channel 3")
    shown = [row.locator("th").inner_text() for row in rows.all() if row.is_visible()]
    assert shown
    assert all(name.startswith("Channel 3") for name in shown)
    page.locator(".filter input").nth(1).fill("")
    assert all(row.is_visible() for row in rows.all())
    page.close()


def test_a_link_to_another_outcome_opens_it(browser, reports):
    page = opened(browser, reports["usual"])
    page.locator("header a").click()
    assert page.locator("#outcome-1 h2").is_visible()
    assert page.locator("#outcome-1 .tiles").is_visible()
    page.close()


def test_all_that_is_folded_is_there(browser, reports):
    page = opened(browser, reports["full"], java_script_enabled=False)
    text = page.locator("main").text_content()
    for part in (
        "The models", "Evidence over time", "Credit by every model", "The customer journey",
        "Touches on the path", "Days to convert", "Assisted against last touch", "Segments",
        "Credit in each segment", "Other lookbacks", "Credit with each lookback",
        "Calibration", "Data quality", "How this works", "Words",
    ):  # fmt: skip
        assert part in text, part
    assert "Google Ads, all countries" in text
    assert RUN_ID in page.locator("footer").text_content()
    assert reports["full"].stat().st_size < 1_000_000
    page.close()


@pytest.fixture(scope="module")
def largest(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("largest") / "report.html"
    write_report(make_largest(), path)
    return path


def test_the_largest_report_is_under_a_megabyte(largest):
    assert largest.stat().st_size < 1_000_000


def test_the_largest_report_works(browser, largest):
    page = opened(browser, largest)
    assert page.locator("section[data-outcome]").count() == len(OUTCOMES)
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert page.evaluate(_CUT_OFF) == []
    assert page.evaluate(_OVERLAPS) == []
    last = page.locator("section[data-outcome]").last
    rows = last.locator(".money tbody tr")
    assert rows.count() == len(MANY_CHANNELS)
    first, title = last.locator(".move").inner_text(), rows.last.locator("title").text_content()
    last.locator("[data-picks=x2]").select_option(label="Linear (ruled out)")
    assert last.locator(".move").inner_text() != first
    assert rows.last.locator("title").text_content() != title
    page.close()
