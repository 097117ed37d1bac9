import hashlib
import os
from pathlib import Path

import pytest
import torch

from sightline.common.errors import SightlineError
from sightline.training.resume import LARGEST, OLDEST, ResumeFolder, clean, resume_root


def test_a_state_is_read_as_it_was_saved(tmp_path):
    state = {"weights": {"w": torch.arange(3.0)}, "history": [{"val/loss": 0.1}], "position": None}
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        assert folder.load(0) is None
        folder.save(0, state)
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        found = folder.load(0)
        assert torch.equal(found["weights"]["w"], state["weights"]["w"])
        assert (found["history"], found["position"]) == (state["history"], None)
        assert folder.load(1) is None


def saved_then_opened(path, before, finished, now, why_not):
    with ResumeFolder(path, before, why_not) as folder:
        folder.save(0, {"x": 1})
        if finished:
            folder.finish()
    with ResumeFolder(path, now, why_not) as folder:
        return folder.load(0)


WHY = "schedule: cosine depends on the length"


@pytest.mark.parametrize(
    ("before", "finished", "now", "why_not", "goes_on"),
    [
        (5, False, 5, "", True),
        (5, True, 5, "", False),  # a forced run is a run
        (5, True, 9, "", True),
        (5, False, 9, "", True),
        (5, True, 9, WHY, False),
        (5, False, 5, WHY, True),
        (9, False, 5, "", False),
    ],
)
def test_when_a_state_is_gone_on_with(tmp_path, capsys, before, finished, now, why_not, goes_on):  # noqa: PLR0913, PLR0917
    found = saved_then_opened(tmp_path / "a", before, finished, now, why_not)
    assert (found is not None) == goes_on
    said = capsys.readouterr().out
    assert ("anew" in said or "first epoch" in said) == (not goes_on)
    assert (why_not in said) or goes_on or now < before or now == before


def test_a_full_disk_leaves_the_state_before_and_says_so(tmp_path, capsys, monkeypatch):
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        folder.save(0, {"x": 1})

        def full(state, stream):
            stream.write(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(torch, "save", full)
        folder.save(0, {"x": 2})
        assert folder.load(0) == {"x": 1}
    assert "No space left on device" in capsys.readouterr().out
    assert not list((tmp_path / "a").glob("*.partial"))


def test_two_trainings_of_the_same_do_not_run_at_once(tmp_path):
    with (
        ResumeFolder(tmp_path / "a", 5, ""),
        pytest.raises(SightlineError, match="another process trains with the same parameters"),
    ):
        ResumeFolder(tmp_path / "a", 5, "")
    ResumeFolder(tmp_path / "a", 5, "").__exit__()


def test_working_copies_of_dvc_share_the_folder_of_their_repository():
    assert resume_root(Path("/home/me/repo")) == Path("/home/me/repo/.resume")
    assert resume_root(Path("/home/me/repo/.dvc/tmp/exps/tmpab12")) == Path("/home/me/repo/.resume")
    assert resume_root(Path("/home/me/repo/.dvc/tmp/exps/standalone/tmpab12")) == Path("/home/me/repo/.resume")


def entry(root, name, age, size=10):
    (root / name).mkdir(parents=True)
    with (root / name / "member_0.pt").open("wb") as stream:
        stream.truncate(size)  # a hole: takes no disk
    for path in (root / name / "member_0.pt", root / name):
        os.utime(path, (1e9 - age, 1e9 - age))


def test_old_states_and_what_is_too_much_are_removed_but_not_the_own_one(tmp_path):
    entry(tmp_path, "old", OLDEST + 1)
    entry(tmp_path, "own", OLDEST + 1)
    entry(tmp_path, "new", 1, LARGEST // 2)
    entry(tmp_path, "second", 2, LARGEST // 3)
    entry(tmp_path, "third", 3, LARGEST // 3)
    clean(tmp_path, "own", 1e9)
    assert {path.name for path in tmp_path.iterdir()} == {"own", "new", "second"}
    clean(tmp_path / "missing", "own", 1e9)


DAMAGES = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "a byte short": lambda content: content[:-1],
    "a byte long": lambda content: content + b"x",
    "garbage": lambda content: bytes(range(256)) * (len(content) // 256),
    "a flipped bit": lambda content: flip(content, len(content) // 3),
    "a flipped bit of the checksum": lambda content: flip(content, len(content) - 3),
}


def flip(content, place):
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


def damage(path, kind):
    path.write_bytes(DAMAGES[kind](path.read_bytes()))


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_state_is_told_in_a_line_and_not_used(tmp_path, capsys, kind):
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        folder.save(0, {"weights": torch.arange(1000.0)})
        folder.save(1, {"weights": torch.ones(3)})
    damage(tmp_path / "a/member_0.pt", kind)
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        assert folder.load(0) is None
        assert capsys.readouterr().out == f"{tmp_path}/a/member_0.pt: damaged: this training starts anew\n"
        assert torch.equal(folder.load(1)["weights"], torch.ones(3))
        folder.save(0, {"weights": torch.zeros(2)})
        assert torch.equal(folder.load(0)["weights"], torch.zeros(2))


def test_a_state_ends_with_the_checksum_of_what_torch_wrote(tmp_path):
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        folder.save(0, {"weights": torch.arange(1000.0)})
    content = (tmp_path / "a/member_0.pt").read_bytes()
    assert content[-32:] == hashlib.sha256(content[:-32]).digest()
    assert content.startswith(b"PK")


TYPES = '{"epochs": "5", "finished": false, "sha256": ""}'
NOTES = ["", "{}", "[]", "null", '{"epochs": 5', TYPES, "\0" * 40, "\udcff"]


@pytest.mark.parametrize("content", NOTES)
def test_a_damaged_note_is_told_in_a_line_and_training_starts_anew(tmp_path, capsys, content):
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        folder.save(0, {"x": 1})
    (tmp_path / "a/run.json").write_bytes(content.encode(errors="surrogateescape"))
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        assert folder.load(0) is None
        folder.save(0, {"x": 2})
    assert capsys.readouterr().out == f"{tmp_path}/a/run.json: damaged: this training starts anew\n"
    with ResumeFolder(tmp_path / "a", 5, "") as folder:
        assert folder.load(0) == {"x": 2}


def test_a_flipped_digit_of_the_note_is_not_believed(tmp_path, capsys):
    with ResumeFolder(tmp_path / "a", 7, WHY) as folder:
        folder.save(0, {"x": 1})
    path = tmp_path / "a/run.json"
    path.write_text(path.read_text().replace('"epochs": 7', '"epochs": 5'))
    with ResumeFolder(tmp_path / "a", 5, WHY) as folder:  # else a run of 7 epochs would be gone on with as one of 5
        assert folder.load(0) is None
    assert "run.json: damaged" in capsys.readouterr().out
