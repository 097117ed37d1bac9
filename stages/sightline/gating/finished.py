"""Hold a finished run against gates, from what Git and DVC's cache have of it: no stage runs."""

from sightline.drawing.markdown import table
from sightline.gating.judge import Verdict, judge_evaluation, judge_files
from sightline.gating.worse import GATE, judge_worse, read_baseline, read_decisions
from sightline.parameters.gates import GatesSection
from sightline.reporting.revision import Revision


def judge_run(revision: Revision, gates: GatesSection) -> list[Verdict]:
    """Return the verdict of each gate that is set, in the order of params.yaml; none without gates.

    Raises
    ------
    SightlineError
        The revision of `not_worse_than` is not here, or a file of either is damaged.
    """
    verdicts = judge_evaluation(gates, revision.read_results("evaluate"))
    verdicts += judge_files(gates, revision.read_results("export"))
    if gates.not_worse_than:
        decisions = read_decisions(revision)
        if decisions is None:
            measured = f"the predictions of {revision.name} are neither in Git nor in DVC's cache"
            verdicts.append(Verdict(GATE, measured, f"not worse than {gates.not_worse_than}", False))
        else:
            verdicts.append(judge_worse(read_baseline(gates.not_worse_than), decisions, gates.not_worse_level))
    return verdicts


def describe_gates(verdicts: list[Verdict]) -> list[str]:
    """Return a table with a line a verdict; nothing without gates."""
    if not verdicts:
        return []
    missed = sum(not verdict.passed for verdict in verdicts)
    rows = [(v.gate, v.measured, v.wanted, "passed" if v.passed else "**missed**") for v in verdicts]
    return [f"**{missed} of {len(rows)} gates missed.**\n", *table(("gate", "measured", "wanted", ""), rows)]
