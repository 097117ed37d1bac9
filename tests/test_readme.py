"""What README, docs and the other pages name exists: links, headings, commands, files and parameters."""

import re
import subprocess

import pytest
import timm
from ruamel.yaml import YAML

from imports import ROOT

LIMIT = 8000  # bytes of the README: one screenful and a half
FOLDERS = ("", "docs", "benchmarks", "data/raw", "data/ood", "models/pretrained")
PAGES = sorted(str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
OVERRIDE = re.compile(r"(?:-S |SET=)[\"']?([a-z][\w.]*)=")
MORE_OF_SET = re.compile(r"SET=\"([^\"]+)\"")
PATH = re.compile(
    r"(?<![\w./-])((?:stages|tests|benchmarks|recipes|docs|data/raw|\.github|\.dvc)/[\w./-]*\w|params\.yaml|dvc\.yaml)"
)
MADE_BY_THE_READER = ("data/raw/", "benchmarks/results")
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def read(page):
    return (ROOT / page).read_text()


def leaves(content, prefix=""):
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


PARAMETERS = dict(leaves(YAML(typ="safe").load(ROOT / "params.yaml")))
SECTIONS = {name.split(".")[0] for name in PARAMETERS if "." in name}


def headings(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", read(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def named_parameters(text):
    """Return what a page names as a parameter: overrides, `section.key`, `key: value`, the rows of tables of them."""
    named = set(OVERRIDE.findall(text))
    named |= {pair.split("=")[0] for pairs in MORE_OF_SET.findall(text) for pair in pairs.replace("-S ", "").split()}
    for code in re.findall(r"`([^`\n]+)`", text):
        found = re.fullmatch(r"(\w+\.\w+)|([a-z]\w*): .+", code)
        if found and (found[2] or found[1].split(".")[0] in SECTIONS):
            named.add(found[1] or found[2])
    for table in re.findall(r"^\| parameter \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, flags=re.MULTILINE):
        named |= {name for row in table.splitlines() for name in re.findall(r"`([\w.]+)`", row.split("|")[1])}
    return named - {"key"}  # of `-S key=value`, which stands for all


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= LIMIT


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_exist(page):
    targets = [first or second for first, second in LINK.findall(read(page))]
    missing = []
    for target in targets:
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        if not path.exists() or (anchor and anchor not in headings(path.resolve().relative_to(ROOT))):
            missing.append(target)
    assert missing == []


def test_the_readme_links_every_page_of_docs_and_shows_pictures():
    targets = {first or second for first, second in LINK.findall(read("README.md"))}
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= targets
    assert len([target for target in targets if target.endswith(".png")]) >= 3


@pytest.mark.parametrize("page", PAGES)
def test_parameters_that_a_page_names_are_in_params_yaml(page):
    assert sorted(name for name in named_parameters(read(page)) if name not in PARAMETERS) == []


def test_parameters_are_found_in_a_page():
    text = "-S lr=1e-4 `folds: 5` `augment.rotation` SET=\"a.b=1 c=2\" `-S 'evaluate.attacks=[fgsm]'` `index.csv`"
    assert named_parameters(text) == {"lr", "folds", "augment.rotation", "a.b", "c", "evaluate.attacks"}


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_that_a_page_names_exist(page):
    named = re.findall(r"(?:`|^|&& )make ([a-z-]+)", read(page), flags=re.MULTILINE)
    assert set(named) <= set(TARGETS)


@pytest.mark.parametrize("page", PAGES)
def test_recipes_that_a_page_names_exist(page):
    named = re.findall(r"(?<!make weights )(?<!make add-class )(?<!make pretrain )\bNAME=(\w+)", read(page))
    assert [name for name in named if not (ROOT / "recipes" / name).is_file()] == []


@pytest.mark.parametrize("page", PAGES)
def test_weights_that_a_page_names_are_those_of_timm(page):
    named = re.findall(r"make weights NAME=([\w.]+)", read(page))
    assert [name for name in named if not timm.models.is_model_pretrained(name)] == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page):
    named = [name for name in PATH.findall(read(page)) if not name.startswith(MADE_BY_THE_READER)]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readmes_table_has_the_stages_in_their_order():
    stages = list(YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"])
    section = read("README.md").split("## The stages")[1].split("\n## ")[0]
    assert re.findall(r"^\| (\w+) \| .+ \| .+ \|$", section, flags=re.MULTILINE)[1:] == stages


def test_make_help_tells_every_target_in_one_line():
    printed = subprocess.run(["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^make ([a-z-]+) +\S.+$", printed, flags=re.MULTILINE)
    assert sorted(lines) == sorted(TARGETS)
    assert len(printed.splitlines()) == len(lines)
