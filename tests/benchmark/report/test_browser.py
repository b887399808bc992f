"""The page in a real browser, from disk: nothing comes from elsewhere, and everything works by mouse and keyboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.benchmark.report.browser import watched
from tests.benchmark.report.small_run import METHODS, SIDE, SmallRun

SERIOUS = ("serious", "critical")


def column(page: Page, table: str, number: int) -> list[str]:
    """The visible texts of a column of the first group of a table."""
    cells = page.locator(f"{table} tbody").first.locator(f"tr:visible td:nth-child({number})")
    return cells.all_inner_texts()


def section(page: Page, name: str) -> None:
    """Go to a section."""
    page.get_by_label("Sections").get_by_role("link", name=name).click()


def choose(page: Page, label: str, *values: str) -> None:
    """Choose values in a filter of Table 1."""
    box = page.locator("#table-table1 .filter", has_text=label)
    box.locator("summary").click()
    for value in values:
        box.get_by_label(value, exact=True).check()


def ranked(page: Page) -> list[float]:
    """The differences of all images, in the order of the page."""
    shown = page.locator("#ranked span:last-child")
    expect(shown).to_have_count(12)
    # Their text content: what is outside of the window is not laid out, and has no inner text.
    return [float(text.replace("−", "-")) for text in shown.all_text_contents()]


def test_the_page_opens_from_disk_and_shows_the_run(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index)
        expect(page.locator("#overview")).to_be_visible()
        expect(page.locator("#comparison")).to_be_hidden()
        assert column(page, "#table-table1 table", 2)[:3] == list(METHODS.values())
        section(page, "Comparison")
        expect(page.locator("#verdict")).to_contain_text("Other is significantly better")
        assert page.locator("#grid img").count() == 5, "LR, three methods, HR"


def test_training_published_protocol_and_failures_are_shown(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index, "#training")
        assert page.locator("#training svg").count() == 2, "PSNR on validation crops, mean squared error"
        assert page.locator("#training svg").first.locator("circle").count() == 3
        expect(page.locator(".samples img")).to_have_js_property("naturalWidth", 24)
        section(page, "Published")
        expect(page.locator("#table-published tbody tr")).to_contain_text(["25.15"])
        section(page, "Protocol")
        expect(page.locator("#protocol tbody tr").first).to_contain_text("PSNR")
        section(page, "Failures (1)")
        expect(page.locator("#failures tbody")).to_contain_text("fetch them")


def test_the_agreement_of_metrics_is_shown_as_figures_and_tables(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index, "#agreement")
        for drawing in page.locator(".drawing img").all():
            assert drawing.evaluate("image => image.naturalWidth") > 300
        assert page.locator(".drawing img").count() == 2
        rows = page.locator("#table-conclusions tbody tr")
        expect(rows).to_have_count(3)
        cells = rows.first.locator("td").all_inner_texts()
        assert cells == ["Set one", "Bicubic", "OSEDiff", "", "LPIPS, DISTS", "PSNR", ""]
        expect(page.locator("#table-correlations tbody tr").first).to_contain_text("PSNR")
        expect(page.locator("#table-correlations tbody tr")).to_have_count(3)


def test_tables_are_sorted_by_mouse_and_keyboard(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index)
        head = page.locator("#table-table1 thead th", has_text="PSNR")
        head.click()
        expect(head).to_have_attribute("aria-sort", "descending")
        expect(page.locator("#table-table1 tbody tr").first).not_to_contain_text("Bicubic")
        head.press("Enter")
        expect(head).to_have_attribute("aria-sort", "ascending")
        expect(page.locator("#table-table1 tbody tr").first).to_contain_text("Bicubic")


def test_tables_are_filtered_and_hide_published_rows_and_intervals(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index)
        box = page.locator("#table-table1")
        expect(box.locator("tr.published")).to_be_visible()
        box.get_by_label("published rows").uncheck()
        expect(box.locator("tr.published")).to_be_hidden()
        small = box.locator("td small").first
        note = box.get_by_text("In brackets")
        expect(small).to_be_hidden()
        expect(note).to_be_hidden()
        box.get_by_label("intervals").check()
        expect(small).to_be_visible()
        expect(note).to_be_visible()
        choose(page, "Method", "OSEDiff", "Other")
        assert column(page, "#table-table1 table", 2) == ["OSEDiff", "Other"]
        choose(page, "Metric", "LPIPS↓")
        expect(box.locator("th", has_text="PSNR")).to_be_hidden()
        expect(box.locator("th", has_text="LPIPS")).to_be_visible()


def copied(page: Page, form: str) -> list[str]:
    """Copy Table 1; return the lines."""
    page.locator("#table-table1").get_by_role("button", name=f"Copy {form}").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    expect(page.get_by_role("button", name="Copied")).to_be_hidden()
    return str(page.evaluate("navigator.clipboard.readText()")).splitlines()


def test_a_copy_has_what_is_shown(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        box = page.locator("#table-table1")
        assert "| Set one | Bicubic | 1 | 12 | 24.04 | 0.6004 | 0.4011 |  |" in copied(page, "Markdown")
        box.get_by_label("intervals").check()
        assert "PSNR↑ low" in copied(page, "CSV")[0]
        choose(page, "Method", "OSEDiff", "SeeSR")
        choose(page, "Metric", "DISTS↓")
        lines = copied(page, "CSV")
        assert lines[0] == "preset,test_set,method,steps,images,protocol,DISTS↓,source,DISTS↓ low,DISTS↓ high"
        assert [line.split(",")[2] for line in lines[1:]] == ["OSEDiff", "SeeSR"]
        box.get_by_label("published rows").uncheck()
        box.get_by_label("intervals").uncheck()
        lines = copied(page, "LaTeX")
        assert r"\begin{tabular}{llrrr}" in lines
        rows = [line for line in lines if line.endswith(r" \\")]
        assert len(rows) == 2 and rows[1].startswith("Set one & OSEDiff & 1 & 12 & ") and "[" not in rows[1]


def test_the_radar_switches_a_method_off(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index)
        series = page.locator(".charts [data-series=Bicubic]").first
        expect(series).to_be_visible()
        page.locator(".charts").first.get_by_label("Bicubic").uncheck()
        expect(series).to_be_hidden()


def test_the_slider_moves_by_mouse_and_keyboard(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index, "#comparison")
        slider = page.locator("#slider")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] * 0.5, y)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.8, y, steps=4)
        page.mouse.up()
        moved = slider.evaluate("element => element.value")
        assert moved == pytest.approx(80, abs=3)
        slider.focus()
        page.keyboard.down("ArrowRight")
        expect(slider).not_to_have_js_property("value", moved)
        page.keyboard.up("ArrowRight")
        assert slider.evaluate("element => element.value") > moved


def shown_box(page: Page) -> list[str]:
    """Where the images of the crops are, by their style."""
    script = "images => images.map(i => { const s = getComputedStyle(i); return [s.left, s.top, s.width].join() })"
    return list(page.locator("#grid img").evaluate_all(script))


def test_all_crops_zoom_and_move_together(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index, "#comparison")
        before = shown_box(page)
        assert len(set(before)) == 1
        page.locator("#grid .crop").nth(1).hover()
        page.mouse.wheel(0, -300)
        expect(page).to_have_url(re.compile(r"#one/image-\d+/.+/lpips/.+"))
        zoomed = shown_box(page)
        assert len(set(zoomed)) == 1 and zoomed != before
        page.locator("#grid").press("ArrowRight")
        moved = shown_box(page)
        assert len(set(moved)) == 1 and moved != zoomed
        page.locator("#grid").press("0")
        assert shown_box(page) == before


def test_the_order_of_the_images_follows_the_metric(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index, "#comparison")
        page.locator("#all-images summary").click()
        assert ranked(page) == sorted(ranked(page)), "LPIPS: low first"
        page.locator("#metric").select_option("psnr")
        assert ranked(page) == sorted(ranked(page), reverse=True)


def test_a_permalink_is_restored(browser: Browser, index: Path) -> None:
    with watched(browser) as seen:
        page = seen.open(index, "#comparison")
        page.locator("#b").select_option("osediff")
        page.locator("#metric").select_option("dists")
        page.locator("#best-1 button").first.click()
        page.locator("#left").select_option("LR")
        page.locator("#zoom-in").click()
        title, place = page.locator("#image-title").inner_text(), page.evaluate("location.hash")
        box = shown_box(page)
    with watched(browser) as seen:
        page = seen.open(index, place)
        expect(page.locator("#comparison")).to_be_visible()
        assert page.locator("#image-title").inner_text() == title
        values = [page.locator(f"#{name}").input_value() for name in ("b", "metric", "left", "right")]
        assert values == ["osediff", "dists", "LR", "osediff"]
        assert shown_box(page) == box


@pytest.mark.parametrize("width", [360, 1280, 3840])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_section_fits_and_has_no_serious_finding(
    browser: Browser, index: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    with watched(browser, width, scheme) as seen:
        page = seen.open(index)
        for link in page.locator("nav a").all():
            link.click()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), link.inner_text()
            found = Axe().run(page).response["violations"]
            assert [(item["id"], item["nodes"][0]["html"]) for item in found if item["impact"] in SERIOUS] == []


def test_what_is_printed(browser: Browser, index: Path) -> None:
    with watched(browser, scheme="dark") as seen:
        page = seen.open(index)
        page.locator(".charts").first.get_by_label("Bicubic").uncheck()
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        for name in ("overview", "agreement", "training", "published", "protocol", "failures"):
            expect(page.locator(f"#{name}")).to_be_visible()
        expect(page.locator("#comparison")).to_be_hidden()
        expect(page.locator("button:visible, input:visible, summary:visible")).to_have_count(0)
        legend = page.locator("#overview .charts").first.locator("label")
        expect(legend.filter(has_text="OSEDiff")).to_be_visible()
        expect(legend.filter(has_text="Bicubic")).to_be_hidden()
        seen.open(index, "#comparison")
        expect(page.locator("#overview")).to_be_hidden()
        expect(page.locator("#grid img").last).to_be_visible()


def test_names_are_text_and_never_code(browser: Browser, run: SmallRun) -> None:
    evil = "<img src=x onerror=alert(1)>"
    run.images = [f"a\"b'c{index}" for index in range(3)] + ["<script>alert(1)<", "猫-画像", "ütf 8 %41#?&"]
    run.methods = {"bicubic": f"Bi{evil}", "osediff": "</script><script>alert(2)</script>", "other": "Ω 'quoted\""}
    run.title = f"Set {evil}"
    run.failed = {"other": f"broke: {evil}"}
    with watched(browser) as seen:
        page = seen.open(run.write().build(), "#comparison")
        assert page.locator("img[onerror]").count() == 0
        assert evil in page.locator("#image-title").inner_text()
        for image in run.images:
            place = f"#one/{page.evaluate('encodeURIComponent', image)}/bicubic,osediff/lpips/"
            seen.open(run.report / "index.html", place)
            expect(page.locator("#image-title")).to_contain_text(image)
            page.locator("#grid").scroll_into_view_if_needed()
            for shown, side in zip(page.locator("#grid img").all(), (SIDE // 4, SIDE, SIDE, SIDE), strict=True):
                expect(shown).to_have_js_property("naturalWidth", side)
        page.locator("#b").select_option("other")
        expect(page.locator("#verdict")).to_contain_text("no LPIPS of Ω")
        section(page, "Failures")
        expect(page.locator("#failures")).to_contain_text(evil)


def test_one_image_and_a_missing_one(browser: Browser, run: SmallRun) -> None:
    run.images = ["only"]
    run.write()
    (run.sr("osediff") / "only.png").unlink()
    with watched(browser) as seen:
        page = seen.open(run.build(), "#one/only/bicubic,osediff/lpips/")
        expect(page.locator("#verdict")).to_contain_text("on one image; there is no interval and no test")
        expect(page.locator("#slider-absent")).to_contain_text("OSEDiff is missing")
        section(page, "Failures")
        expect(page.locator("#failures")).to_contain_text("no image")


def test_an_image_that_is_here_is_shown_first(browser: Browser, run: SmallRun) -> None:
    run.write()
    for image in run.images[:2]:
        (run.sr("other") / f"{image}.png").unlink()
    with watched(browser) as seen:
        page = seen.open(run.build(), "#comparison")
        expect(page.locator("#image-title")).to_contain_text("image-02")
        expect(page.locator("#slider")).to_be_visible()


def test_rows_of_an_older_protocol_are_shown_as_such(browser: Browser, run: SmallRun) -> None:
    run.protocol = "osediff/1"
    with watched(browser) as seen:
        page = seen.open(run.write().build())
        expect(page.locator(".warning").first).to_contain_text("PSNR was measured by osediff/1")
        assert column(page, "#table-table1 table", 2)[:3] == list(METHODS.values())


def test_nothing_measured_is_no_blank_page(browser: Browser, run: SmallRun) -> None:
    run.failed = dict.fromkeys(run.methods, "no GPU")
    with watched(browser) as seen:
        page = seen.open(run.write().build(), "#comparison")
        expect(page.locator("#verdict")).to_contain_text("No metric has a value")
        section(page, "Failures")
        expect(page.locator("#failures")).to_contain_text("no GPU")
