"""onnxruntime sends its maker what it runs, unless it is told not to before it is imported."""

from imports import ROOT

SERVING = ROOT / "stages/sightline/serving"


def test_the_service_sends_nothing_to_the_maker_of_onnxruntime():
    importing = [path for path in SERVING.rglob("*.py") if "import onnxruntime\n" in path.read_text()]
    assert importing == [SERVING / "model.py"]
    before = importing[0].read_text().partition("import onnxruntime\n")[0]
    assert 'os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")' in before
