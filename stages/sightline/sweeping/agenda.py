"""All that a sweep is to do: its experiments by their names, and the studies that come before some of them."""

from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.experiments.scores import find_experiment
from sightline.sweeping.file import SweepFile
from sightline.sweeping.identity import Identity
from sightline.sweeping.plan import Cell, Job, check_cells, plan_cells, read_params
from sightline.sweeping.studies import plan_studies, with_tuned


class Agenda:
    """The experiments of a sweep, whose parameters are all checked before the first one runs.

    Parameters
    ----------
    sweep : SweepFile
        The content of sweep.yaml.
    root : Path
        Root of the repository.

    Raises
    ------
    SightlineError
        A recipe, a key or a value is not known.
    """

    def __init__(self, sweep: SweepFile, root: Path):
        self.params = read_params()
        self.cells = plan_cells(sweep)
        check_cells(self.cells, self.params)
        self._root = root
        self._identity = Identity(root, self.params)
        self.studies = plan_studies(sweep, self.cells, self._identity, root)

    def name_jobs(self) -> tuple[list[Job], dict[str, Cell]]:
        """Return the experiments that can run by now, and why others cannot, each reason with one of these.

        Those that wait for a study are in neither.
        """
        jobs = []
        blocked = {}
        for cell in with_tuned(self.cells, self.studies, self._root):
            try:
                jobs.append(Job(self._identity.name(cell), cell))
            except SightlineError as error:
                blocked[f"cannot run: {error}"] = cell
        return jobs, blocked


def without_results(jobs: list[Job], root: Path) -> list[Job]:
    """Return the experiments that have still to run."""
    return [job for job in jobs if find_experiment(job.name, root) is None]
