"""Hold a run's numbers against the gates of params.yaml; those of files, and of another revision, stand apart."""

from dataclasses import dataclass

from sightline.common.errors import SightlineError
from sightline.parameters.gates import GatesSection

MEASURED = {  # gate -> what it is about, and where metrics/evaluate.json has it
    "min_accuracy": ("test accuracy", ("test", "accuracy")),
    "min_f1_macro": ("test f1_macro", ("test", "f1_macro")),
    "max_ece": ("test ece", ("test", "ece")),
    "min_worst_slice": ("accuracy of the worst slice", ("slices", "worst", "accuracy")),
}
MEGABYTE = 1_000_000  # bytes


@dataclass(frozen=True)
class Verdict:
    """Whether a run passes one gate.

    Parameters
    ----------
    gate : str
        Its key in params.yaml, below `gates`.
    measured, wanted : str
        What the run has and what the gate asks for, in words with their numbers.
    passed : bool
        What was not measured does not pass.
    """

    gate: str
    measured: str
    wanted: str
    passed: bool

    def __str__(self) -> str:
        return f"{self.gate}: {self.measured}, wanted {self.wanted}"


def judge_evaluation(gates: GatesSection, metrics: dict) -> list[Verdict]:
    """Judge the content of metrics/evaluate.json by the gates that are set."""
    verdicts = []
    for gate, (words, path) in MEASURED.items():
        limit = getattr(gates, gate)
        if _is_set(gate, limit):
            verdicts.append(_judge(gate, words, _find(metrics, path), limit))
    return verdicts


def judge_files(gates: GatesSection, metrics: dict) -> list[Verdict]:
    """Judge the content of metrics/export.json: each file's accuracy on test, and the smallest file's size."""
    kept = {name: file for name, file in metrics.get("artifacts", {}).items() if file["kept"]}
    verdicts = []
    if _is_set("min_accuracy", gates.min_accuracy):
        on_test = metrics.get("parity", {}).get("subset") == "test"
        accuracies = {name: file["accuracy"] for name, file in kept.items() if on_test and "accuracy" in file}
        name = min(accuracies, key=accuracies.get, default=None)
        words = f"test accuracy of the exported {name}" if name else "test accuracy of the exported files"
        verdicts.append(_judge("min_accuracy", words, accuracies.get(name), gates.min_accuracy))
    if _is_set("max_file_mb", gates.max_file_mb):
        sizes = {name: file["bytes"] / MEGABYTE for name, file in kept.items()}
        name = min(sizes, key=sizes.get, default=None)
        words = f"MB of the smallest exported file{f', {name},' if name else ''}"
        verdicts.append(_judge("max_file_mb", words, sizes.get(name), gates.max_file_mb))
    return verdicts


def refuse_missed(verdicts: list[Verdict], written: str) -> None:
    """Raise SightlineError with one line of all gates that are missed; `written` tells where to look."""
    missed = [str(verdict) for verdict in verdicts if not verdict.passed]
    if missed:
        raise SightlineError(f"gates missed: {'; '.join(missed)} ({written} are written, DVC records no result)")


def _is_set(gate: str, limit: float) -> bool:
    """Tell whether a limit asks for anything: shares may be from 0 to 1, and no file may have 0 MB."""
    return limit < 1 if gate == "max_ece" else limit > 0


def _judge(gate: str, words: str, value: float | None, limit: float) -> Verdict:
    at_least = gate.startswith("min_")
    wanted = f"at {'least' if at_least else 'most'} {limit:.6g}"
    if value is None:
        return Verdict(gate, f"{words} was not measured", wanted, False)
    return Verdict(gate, f"{words} {value:.6g}", wanted, value >= limit if at_least else value <= limit)


def _find(metrics: dict, path: tuple[str, ...]) -> float | None:
    for name in path:
        metrics = metrics.get(name, {})
    return metrics if metrics != {} else None
