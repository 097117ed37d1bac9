import pytest
from PIL import ImageFont

from sightline.drawing.canvas import font, legible, shortened


@pytest.mark.parametrize("bold", [False, True])
def test_a_text_is_cut_to_a_width_and_no_further(bold):
    letters = font(14, bold)
    text = shortened("a name that is far too long", letters, 100)
    whole = "a name that is far too long"
    assert text.endswith("…") and whole.startswith(text[:-1])
    assert letters.getlength(text) <= 100
    assert letters.getlength(f"{whole[: len(text) + 1]}…") > 100  # two letters more would not fit


def test_a_text_that_fits_is_left_alone():
    assert shortened("cat", font(14), font(14).getlength("cat")) == "cat"


def test_no_room_leaves_the_mark_alone():
    assert shortened("cat", font(14), 0) == "…"


@pytest.mark.parametrize("name", ["$5", "$x_{1}^2$", "Ёж", "μ", "naïve café", "ضب"])
def test_names_that_the_font_has_stay_as_they_are(name):
    assert legible(name) == name


@pytest.mark.parametrize(
    ("name", "shown"), [("猫", "<732B>"), ("犬", "<72AC>"), ("a\nb", "a<A>b"), ("猫 cat", "<732B> cat")]
)
def test_what_cannot_be_drawn_is_shown_as_its_code_so_that_names_stay_apart(name, shown):
    assert legible(name) == shown


def test_letters_stand_where_they_stand_in_every_build():
    assert font(14).layout_engine == ImageFont.Layout.BASIC
