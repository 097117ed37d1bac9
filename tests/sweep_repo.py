"""Small repositories of Git for tests of sweeps, and experiments in them without DVC."""

import os
import subprocess

from sightline.sweeping.plan import Cell, Job


def job_of(name):
    """Return a job whose name begins with its data set and its model."""
    data, model = name.split("-")[:2]
    return Job(name, Cell(data, model, 0, {"seed": 0}))


def git(root, *arguments, **environment):
    done = subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True, env=os.environ | environment
    )
    return done.stdout.strip()


def make_repository(root):
    """Begin a repository with a commit."""
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "config", "user.name", "Tester")
    git(root, "config", "user.email", "tester@example.com")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "First")


def add_experiment(root, name, age, tree="HEAD^{tree}"):
    """Make an experiment, as DVC keeps it, that is so many seconds old, and return its commit."""
    date = f"{1_700_000_000 - age} +0000"
    when = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    made = git(root, "commit-tree", tree, "-p", "HEAD", "-m", name, **when)
    head = git(root, "rev-parse", "HEAD")
    git(root, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", made)
    return made


def experiments(root):
    """Return the names of all experiments."""
    listed = git(root, "for-each-ref", "--format=%(refname)", "refs/exps")
    return {ref.rpartition("/")[2] for ref in listed.splitlines()}
