"""The README's table of parameters is that of params.yaml; `python tests/test_readme.py` writes it anew."""

import re
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- parameters -->", "<!-- end of parameters -->"
LINE = re.compile(r"^(?P<indent> *)(?P<key>\w+): *(?P<value>[^#]*?)(?: *# (?P<comment>.*))?$")


def parameter_table():
    """Return a Markdown table: key, default, meaning, one row a parameter in the file's order."""
    values = dict(leaves(YAML(typ="safe").load(ROOT / "params.yaml")))
    rows, section = ["| parameter | default | meaning |", "|---|---|---|"], ""
    for line in (ROOT / "params.yaml").read_text().splitlines():
        match = LINE.match(line)
        if not match:
            continue
        section = section if match["indent"] else ""
        name = f"{section}{match['key']}"
        if name not in values:
            section = f"{name}."
            continue
        default = match["value"] or values[name]  # lists stand on the lines below their key
        comment = (match["comment"] or "").replace("|", "\\|")
        rows.append(f"| `{name}` | `{default}` | {comment} |")
    return "\n".join(rows)


def leaves(content, prefix=""):
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def test_the_table_shows_every_parameter_with_its_comment():
    table = parameter_table()
    names = re.findall(r"^\| `([\w.]+)`", table, flags=re.MULTILINE)
    assert names == [name for name, _ in leaves(YAML(typ="safe").load(ROOT / "params.yaml"))]
    assert [row for row in table.splitlines()[2:] if row.endswith("|  |")] == []


def test_the_readme_has_this_table():
    readme = (ROOT / "README.md").read_text()
    assert readme.split(START)[1].split(END)[0].strip() == parameter_table()


def test_the_readmes_links_and_pictures_exist():
    readme = (ROOT / "README.md").read_text()
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in target]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def rewrite():
    path = ROOT / "README.md"
    before, rest = path.read_text().split(START)
    path.write_text(f"{before}{START}\n{parameter_table()}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    rewrite()
