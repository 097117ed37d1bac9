"""The page of `dvc plots show` draws its charts without a network."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from dvc_render import ImageRenderer, VegaRenderer, render_html
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from ruamel.yaml import YAML

from imports import ROOT
from sightline.drawing import canvas
from sightline.explaining.choice import KINDS

PAGE = ROOT / ".dvc/plots/page.html"
TEMPLATES = ROOT / ".dvc/plots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
PLOTS = [entry for stage in STAGES.values() for entry in stage.get("plots", [])]
SCALE = ["#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"]  # of shares from 0 to 1
ROWS = {  # what the templates name besides x and y
    "curve": ["one", "two"],
    "decision": ["right", "wrong"],
    "class": ["a", "b"],
    "measure": ["loss", "accuracy"],
    "subset": ["training", "validation"],
    "member": ["", ""],
    "method": ["gradcam", "random order"],
    "low": ["0.1", "0.2"],
    "high": ["0.8", "0.9"],
}


def test_dvc_uses_the_page_and_the_page_asks_nothing_of_the_network():
    assert "html_template = plots/page.html" in (ROOT / ".dvc/config").read_text()
    page = PAGE.read_text()
    assert "{plot_divs}" in page
    assert "{scripts}" not in page  # those of DVC come from the network
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.?https?:", page)
    assert len(page) < 1_500_000


def test_the_scripts_licence_is_in_the_page():
    page = PAGE.read_text()
    assert "University of Washington Interactive Data Lab" in page
    assert "Redistributions in binary form must reproduce" in page


def test_every_chart_has_a_title_and_axes_in_words():
    options = [options for entry in PLOTS for path, options in entry.items() if path.endswith(".csv")]
    assert len(options) > 10
    for chart in options:
        words = [chart["title"], chart["x_label"], chart["y_label"]]
        assert not [text for text in words if re.search(r"/|\.csv|_(?!epsilon)", text)], chart
    assert len({chart["title"] for chart in options}) == len(options)


def test_every_picture_has_a_title_in_words_on_the_page():
    named = set(re.findall(r"^    (plots_\w+_png): \"[A-Z]", PAGE.read_text(), flags=re.MULTILINE))
    pictures = [path for entry in PLOTS for path in entry if path.endswith(".png")]
    pictures += [f"plots/gradcam/maps/{name}.png" for name in (*KINDS, "classes", "features")]
    assert named == {re.sub(r"\W", "_", path) for path in pictures}


def test_page_and_templates_take_the_colours_of_the_pictures():
    page = PAGE.read_text().rsplit("<script>\n//", 1)[1]
    series = re.search(r"SERIES = \[(.+?)\]", page, flags=re.DOTALL).group(1)
    assert tuple(re.findall(r"#\w{6}", series)) == canvas.SERIES
    colours = {value for value in vars(canvas).values() if isinstance(value, str) and value.startswith("#")}
    colours |= {*canvas.SERIES, *canvas.SUBSETS.values()}
    for text in (page, *(path.read_text() for path in TEMPLATES.glob("*.json"))):
        assert set(re.findall(r"#[0-9a-f]{6}", text)) <= colours | set(SCALE)


def test_the_confusion_matrix_has_the_scale_of_its_picture():
    template = "".join((TEMPLATES / "confusion_shares.json").read_text().split())
    assert json.dumps(SCALE, separators=(",", ":")) in template
    for place, color in zip((0.0, 0.25, 0.5, 0.75, 1.0), SCALE, strict=True):
        assert to_rgb(color) == pytest.approx(colormaps[canvas.SHARES](place)[:3], abs=0.02)


@needs_chromium
@pytest.mark.parametrize("revisions", [["workspace"], ["main", "a"], ["v1", "v2", "v3", "v4", "v5"]])
def test_chromium_draws_a_chart_for_each_plot_without_an_error(tmp_path, revisions):
    charts = [chart for chart in PLOTS if "template" in next(iter(chart.values()))]
    dom = opened(
        [renderer_of(path, options, revisions) for chart in charts for path, options in chart.items()], tmp_path
    )
    assert len(re.findall(r'<svg class="marks"|<canvas[^>]*class="marks"', dom)) == len(charts) > 8
    assert re.findall(r'<span class="revision"[^>]*>([^<]+)</span>', dom) == revisions


@needs_chromium
def test_the_page_goes_by_stage_and_leaves_out_what_was_not_measured_and_what_a_chart_shows(tmp_path):
    options = {path: options for entry in PLOTS for path, options in entry.items()}
    shown = ["plots/gradcam/faithfulness.csv", "plots/evaluate/headline.csv", "plots/split/classes.csv"]
    charts = [renderer_of(path, options[path], ["workspace"]) for path in (*shown, "plots/evaluate/confusion.csv")]
    robustness, roc = "plots/evaluate/robustness.csv", "plots/evaluate/roc.csv"
    unchanged = [{"severity": "0", "accuracy": "0.9", "curve": "unchanged", "rev": "workspace"}]
    charts.append(VegaRenderer(unchanged, robustness, **template_of(options[robustness])))
    charts.append(VegaRenderer([], roc, **template_of(options[roc])))
    names = [
        "plots/evaluate/label_issues",
        "plots/evaluate/mistakes",
        "plots/evaluate/confusion",
        "plots/prepare/samples",
    ]
    pictures = [ImageRenderer([{"rev": "workspace", "src": "x.png"}], f"{name}.png") for name in names]
    dom = opened([*charts, *pictures], tmp_path)
    main = dom[dom.index("<main>") : dom.index("</main>")]
    assert re.findall(r"<h2>([^<]+)</h2>", main) == ["Result", "Prepare", "Split", "Evaluate", "Gradcam"]
    assert re.findall(r"<h3[^>]*>([^<]+)</h3>", main) == [
        "Samples of the classes",
        "The most confident mistakes on test",
        "Labels that may be wrong",
    ]
    assert len(re.findall(r'class="marks"', main)) == 4
    assert "robustness" not in main and "roc_csv" not in main and "confusion_png" not in main


def opened(renderers: list, folder: Path) -> str:
    """Return the page as Chromium leaves it, which found no error in it."""
    page = render_html(renderers, folder / "index.html", html_template=PAGE)
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += ["--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom", f"file://{page}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    errors = [line for line in found.stderr.splitlines() if "CONSOLE" in line and "WARN" not in line]
    assert errors == []
    return found.stdout


def renderer_of(path: str, options: dict, revisions: list[str]) -> VegaRenderer:
    columns = ROWS | {options["x"]: ["0.2", "0.4"], options["y"]: ["0.5", "0.6"]}
    if options["template"] == "confusion_shares":
        columns |= {"actual": ["a", "b"], "predicted": ["b", "a"]}
    rows = [
        {name: values[number] for name, values in columns.items()} | {"rev": revision, "filename": path, "field": "y"}
        for revision in revisions
        for number in range(2)
    ]
    return VegaRenderer(rows, path, **template_of(options))


def template_of(options: dict) -> dict:
    """Return the options of a plot with the path of its template."""
    kept = {name: value for name, value in options.items() if name != "cache"}
    own = TEMPLATES / f"{kept['template']}.json"
    return kept | ({"template": str(own)} if own.exists() else {})
