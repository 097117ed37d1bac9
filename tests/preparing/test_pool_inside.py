"""A pool whose folder lies inside the source: never a class in silence."""

import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.listing import Listing
from sightline.preparing.pool_source import refuse_pool_as_class

LISTING = Listing(paths=["cat/1.jpg", "cat/new/2.jpg", "fresh/a/3.jpg"], classes=["cat", "cat", "fresh"])


@pytest.mark.parametrize(("folder", "name"), [("fresh", "fresh"), ("fresh/a", "fresh"), ("cat/new", "cat")])
def test_a_pool_that_the_source_takes_for_a_class_is_refused(folder, name):
    with pytest.raises(SightlineError, match=f"data/raw/set/{folder} lies .* the class '{name}': move the folder out"):
        refuse_pool_as_class(LISTING, "data/raw/set", f"data/raw/set/{folder}")


@pytest.mark.parametrize("unlabelled", ["", "data/raw", "data/raw/set", "data/raw/set2/fresh", "data/raw/set/pred"])
def test_any_other_pool_is_taken(unlabelled):
    refuse_pool_as_class(LISTING, "data/raw/set", unlabelled)


def test_images_of_it_that_a_table_labels_are_no_class_of_its_name():
    refuse_pool_as_class(Listing(paths=["new/1.jpg"], classes=["cat"]), "data/raw/set", "data/raw/set/new")
