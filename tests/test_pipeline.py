"""dvc.yaml and params.yaml say exactly what the stages import, read and write."""

import json
import re

import pytest
from dvc_render.vega_templates import TEMPLATES
from ruamel.yaml import YAML

from imports import ROOT, collapse, expand, imported_files
from sightline.parameters.evaluate import EvaluateParams
from sightline.parameters.export import ExportParams
from sightline.parameters.gradcam import GradcamParams
from sightline.parameters.prepare import PrepareParams
from sightline.parameters.split import SplitParams
from sightline.parameters.train import TrainParams
from sightline.parameters.whole import WholeParams

SCHEMAS = {
    "prepare": PrepareParams,
    "split": SplitParams,
    "train": TrainParams,
    "evaluate": EvaluateParams,
    "gradcam": GradcamParams,
    "export": ExportParams,
}
PIPELINE = YAML(typ="safe").load(ROOT / "dvc.yaml")
STAGES = PIPELINE["stages"]


def entries(stage, kind):
    """Return path -> options of a stage's outs, metrics or plots; a plain path has none."""
    found = {}
    for entry in STAGES[stage].get(kind, []):
        found |= entry if isinstance(entry, dict) else {entry: {}}
    return found


def test_the_pipeline_has_six_stages_each_run_from_its_own_script_after_the_check():
    starts = dict.fromkeys(SCHEMAS, "python") | {"train": "${launch}"}
    assert {name: stage["cmd"] for name, stage in STAGES.items()} == {
        name: ["python stages/check.py", f"{start} stages/{name}.py"] for name, start in starts.items()
    }


@pytest.mark.parametrize("stage", SCHEMAS)
def test_deps_are_the_modules_that_a_stage_imports(stage):
    code = [dep for dep in STAGES[stage]["deps"] if dep.startswith("stages/")]
    imported = imported_files(ROOT / f"stages/{stage}.py")
    assert sorted(expand(code)) == sorted(imported)  # sorted lists, so nothing stands twice
    assert sorted(code) == collapse(imported), "a folder of which all modules are imported is one dep"


@pytest.mark.parametrize("stage", SCHEMAS)
def test_params_are_the_keys_of_a_stages_schema(stage):
    assert sorted(STAGES[stage]["params"]) == sorted(SCHEMAS[stage].model_fields)


def test_every_key_of_params_yaml_is_read_by_a_stage():
    read = {"launch", "pretrain"} | {key for schema in SCHEMAS.values() for key in schema.model_fields}
    assert set(YAML(typ="safe").load(ROOT / "params.yaml")) == read == set(WholeParams.model_fields)


def test_no_line_of_params_yaml_is_too_long_to_read():
    assert [line for line in (ROOT / "params.yaml").read_text().splitlines() if len(line) > 120] == []


@pytest.mark.parametrize("stage", SCHEMAS)
def test_no_schema_holds_a_default(stage):
    schemas = [SCHEMAS[stage], *(field.annotation for field in SCHEMAS[stage].model_fields.values())]
    fields = [field for schema in schemas for field in getattr(schema, "model_fields", {}).values()]
    assert all(field.is_required() for field in fields)


def test_every_parameter_has_a_comment():
    bare, before = [], ""
    for line in (ROOT / "params.yaml").read_text().splitlines():
        sets_value = re.match(r" *\w+: *[^ #]", line)
        if sets_value and " #" not in line and not before.lstrip().startswith("#"):
            bare.append(line)
        before = line
    assert bare == []


@pytest.mark.parametrize("stage", SCHEMAS)
def test_metrics_and_plots_live_in_git_and_other_outs_in_the_cache(stage):
    small = entries(stage, "metrics") | entries(stage, "plots")
    assert f"metrics/{stage}.json" in small
    assert [path for path, options in small.items() if options.get("cache") is not False] == []
    assert [path for path in small if not path.startswith((f"metrics/{stage}.json", f"plots/{stage}"))] == []
    assert [path for path, options in entries(stage, "outs").items() if options] == []


def test_every_template_exists():
    own = {path.stem for path in (ROOT / ".dvc/plots").glob("*.json")}
    named = {options.get("template", "linear") for stage in SCHEMAS for options in entries(stage, "plots").values()}
    assert own <= named, "a template that no plot uses"
    assert named <= own | {template.DEFAULT_NAME for template in TEMPLATES}


@pytest.mark.parametrize("path", sorted((ROOT / ".dvc/plots").glob("*.json")), ids=lambda path: path.stem)
def test_own_templates_are_json_with_a_place_for_the_data(path):
    assert json.loads(path.read_text())["data"]["values"] == "<DVC_METRIC_DATA>"


def test_the_registered_model_is_an_output_of_export():
    path = PIPELINE["artifacts"]["classifier"]["path"]
    assert any(path.startswith(f"{out}/") for out in STAGES["export"]["outs"])
