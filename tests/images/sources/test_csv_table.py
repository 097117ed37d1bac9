import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.csv_table import open_csv

BOXED = "path,label,box_x,box_y,box_width,box_height\n"


@pytest.fixture
def listing_of(tmp_path):
    def read(text):
        (tmp_path / "table.csv").write_text(text)
        return open_csv(tmp_path / "table.csv")[0]

    return read


def test_further_columns_stay_text_in_their_order(listing_of):
    listing = listing_of("site,path,label,camera,group\n007,a.jpg,cat, one ,anna\n1.50,b.jpg,dog\n")
    assert listing.further == {"site": ["007", "1.50"], "camera": ["one", ""]}
    assert listing.groups == ["anna", ""]


def test_a_table_without_further_columns_has_none(listing_of):
    assert listing_of("path,label,group,subset\na.jpg,cat,,\n").further == {}


def test_columns_without_a_name_are_left_out(listing_of):
    assert listing_of(",path,label,night,\n0,a.jpg,cat,yes,\n").further == {"night": ["yes"]}


def test_equal_texts_are_one_string(listing_of):
    cameras = listing_of("path,label,camera\na.jpg,cat,the left one\nb.jpg,dog,the left one\n").further["camera"]
    assert cameras[0] is cameras[1]


@pytest.mark.parametrize("name", ["id", "class", "width", "height", "sha256", "phash", "row", "fold"])
def test_names_that_the_index_needs_are_refused(listing_of, name):
    with pytest.raises(SightlineError, match=rf"table.csv: the column '{name}' has a name .*: rename it$"):
        listing_of(f"path,label,{name}\na.jpg,cat,x\n")


@pytest.mark.parametrize("name", ["label", "camera"])
def test_a_column_twice_is_refused(listing_of, name):
    with pytest.raises(SightlineError, match=f"has the column '{name}' twice: keep one"):
        listing_of(f"path,label,camera,{name}\na.jpg,cat,x,y\n")


def test_boxes_are_kept_as_given_and_may_be_empty(listing_of):
    further = listing_of(f"{BOXED}a.jpg,cat,-1,0.5,1e1,+20\nb.jpg,dog,,,,\n").further
    assert further == {
        "box_x": ["-1", ""],
        "box_y": ["0.5", ""],
        "box_width": ["1e1", ""],
        "box_height": ["+20", ""],
    }


@pytest.mark.parametrize("box", ["1,2,3,", "1,2,3,x", "1,2,3,nan", "1,2,inf,3", "1,2,1_0,3", "1,2,0,3", "1,2,3,-4"])
def test_half_a_box_names_its_line(listing_of, box):
    with pytest.raises(SightlineError, match=r"table.csv: line 3: box_x, .* must be four numbers") as caught:
        listing_of(f"{BOXED}a.jpg,cat,1,2,3,4\nb.jpg,dog,{box}\n")
    assert "\n" not in str(caught.value)


def test_a_missing_box_column_is_named(listing_of):
    with pytest.raises(SightlineError, match="has no column 'box_height': a box needs box_x, box_y, box_width, box_h"):
        listing_of("path,label,box_x,box_y,box_width\na.jpg,cat,1,2,3\n")
