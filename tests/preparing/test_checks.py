import pytest

from sightline.common.errors import SightlineError
from sightline.preparing.checks import refuse_classes


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (["Cat", "cat"], "'Cat' and 'cat' differ only in case"),
        (["0", "1", "1.0"], "'1' and '1.0' are the same number"),
        (["0", "10.", "10.00"], "'10.' and '10.00' are the same number"),
        (["cat", "c\u200bat"], "look alike"),
        (["fish", "\ufb01sh"], "look alike"),
        (["cat", "nan"], "'nan' stands for a missing label and is no class"),
    ],
)
def test_classes_that_are_one_or_none_are_refused(classes, told):
    with pytest.raises(SightlineError, match=told):
        refuse_classes(classes, "photos")


def test_classes_that_only_remind_of_one_another_stay():
    refuse_classes(["007", "1", "10", "100.", "7", "1.5", "NA", "none", "cat", "cats"], "photos")
