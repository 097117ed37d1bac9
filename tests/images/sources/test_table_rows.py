import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.table_rows import read_rows

NAMED = ("path", "label")
ROWS = [["path", "label", "note"], ["a.png", "chat, noir", "é"], ["b.png", "chien", ""]]
COMMAS = 'path,label,note\na.png,"chat, noir",é\nb.png,chien,\n'


@pytest.fixture
def read(tmp_path):
    def write_and_read(content):
        (tmp_path / "table.csv").write_bytes(content)
        return [cells for _, cells in read_rows(tmp_path / "table.csv", NAMED)]

    return write_and_read


@pytest.mark.parametrize(
    "content",
    [
        COMMAS.encode(),
        COMMAS.encode("utf-8-sig"),
        COMMAS.encode("utf-16"),
        COMMAS.encode("utf-16-be").join([b"\xfe\xff", b""]),
        COMMAS.replace("\n", "\r\n").encode(),
        "Path;LABEL; note \na.png;chat, noir;é\nb.png;chien;\n".encode(),
        "path\tlabel\tnote\na.png\tchat, noir\té\nb.png\tchien\t\n".encode(),
        "path|label|note\na.png|chat, noir|é\nb.png|chien|\n".encode(),
        "sep=;\r\npath;label;note\r\na.png;chat, noir;é\r\nb.png;chien\r\n".encode(),
        'sep=\t\npath\tlabel\tnote\na.png\t"chat, noir"\té\nb.png\tchien\n'.encode(),
        'path,label,note\n\na.png,"chat, noir",é,,\n,,\nb.png,chien\n'.encode(),
    ],
)
def test_tables_of_every_kind_hold_the_same(read, content):
    assert read(content) == ROWS


def test_a_column_whose_name_holds_another_delimiter_stays_whole(read):
    assert read(b'path,label,"a;b;c;d"\n1,2,3\n')[0] == ["path", "label", "a;b;c;d"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b"path,label\na.png,cat, tabby\n",
            "line 2: has 3 cells, the header 2: put a text that holds the delimiter in",
        ),
        (b"path,label\na.png,cat\nb.png,na\xefve\n", r"line 3: not UTF-8 \(b'b.png,na\\xefve\\n'\): save the table as"),
        ("path,label\n".encode("utf-16-le"), r"not a text in UTF-8 \(UTF-16 without its mark\?\)"),
        ("path,label\na".encode("utf-16")[:-1], "a damaged text in UTF-16"),
        (b'path,label\na.png,"cat\nb.png,dog\n', "behind line 1: unexpected end of data: is a quote missing"),
        (b"path,label\na.png," + b"x" * 200_000, "behind line 1: field larger than field limit"),
    ],
)
def test_what_cannot_be_read_names_its_line(read, content, told):
    with pytest.raises(SightlineError, match=f"table.csv: {told}") as caught:
        read(content)
    assert "\n" not in str(caught.value)
