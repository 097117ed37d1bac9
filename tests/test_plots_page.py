"""The page of `dvc plots show` draws its charts without a network."""

import re
import shutil
import subprocess

import pytest
from dvc_render import VegaRenderer, render_html
from ruamel.yaml import YAML

from imports import ROOT

PAGE = ROOT / ".dvc/plots/page.html"
TEMPLATES = ROOT / ".dvc/plots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
PLOTS = [entry for stage in STAGES.values() for entry in stage.get("plots", [])]
ROWS = {  # what the templates name besides x and y
    "curve": ["one", "two"],
    "decision": ["right", "wrong"],
    "class": ["a", "b"],
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


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_chromium_draws_a_chart_for_each_plot_without_an_error(tmp_path):
    charts = [chart for chart in PLOTS if "template" in next(iter(chart.values()))]
    renderers = [renderer_of(path, options) for chart in charts for path, options in chart.items()]
    page = render_html(renderers, tmp_path / "index.html", html_template=PAGE)
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += ["--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom", f"file://{page}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    errors = [line for line in found.stderr.splitlines() if "CONSOLE" in line and "WARN" not in line]
    assert errors == []
    assert len(re.findall(r'<svg class="marks"|<canvas[^>]*class="marks"', found.stdout)) == len(charts) > 8


def renderer_of(path: str, options: dict) -> VegaRenderer:
    columns = ROWS | {options["x"]: ["0.2", "0.4"], options["y"]: ["0.5", "0.6"]}
    if options["template"] == "confusion_shares":
        columns |= {"actual": ["a", "b"], "predicted": ["b", "a"]}
    rows = [
        {name: values[number] for name, values in columns.items()}
        | {"rev": "workspace", "filename": path, "field": "y"}
        for number in range(2)
    ]
    kept = {name: value for name, value in options.items() if name != "cache"}
    kept["template"] = (
        str(TEMPLATES / f"{kept['template']}.json")
        if (TEMPLATES / f"{kept['template']}.json").exists()
        else kept["template"]
    )
    return VegaRenderer(rows, path, **kept)
