"""CVAT, COCO and VoTT. The first export of CVAT and of COCO is what Datumaro 1.13.12 wrote from six images."""

import zipfile

import pytest

from sightline.common.errors import SightlineError

IMAGES = ("1.jpg", "2.jpg", "deep/3.jpg", "4.jpg", "5.jpg")


def cvat(*images, meta="<meta><task><name>x</name></task></meta>"):
    inside = f"<version>1.1</version>{meta}{''.join(images)}"
    return f'<?xml version="1.0" encoding="utf-8"?><annotations>{inside}</annotations>'


def tagged(name, *tags, **attributes):
    told = "".join(f' {key}="{value}"' for key, value in attributes.items())
    marks = "".join(f'<tag label="{tag}" source="manual"></tag>' if tag[0] != "<" else tag for tag in tags)
    return f'<image id="0" name="{name}" width="8" height="8"{told}>{marks}</image>'


TRAIN_XML = cvat(tagged("1.jpg", "cat"), tagged("2.jpg", "dog"))
VAL_XML = cvat(tagged("deep/3.jpg", "dog"), tagged("4.jpg", "cat", "dog"), tagged("5.jpg"))


def test_cvat_has_a_tag_an_image(fill, opened):
    fill(*(f"images/{name}" for name in IMAGES), files={"train.xml": TRAIN_XML, "val.xml": VAL_XML})
    listing, labels, _ = opened()
    assert labels == {"images/1.jpg": "cat", "images/2.jpg": "dog", "images/deep/3.jpg": "dog"}
    assert listing.subsets == ["train", "train", "val"]
    assert listing.refused == [("images/4.jpg", "several classes: cat, dog")]
    assert listing.aside == [("images/5.jpg", "not annotated")]


def test_cvat_s_zip_is_read_in_place_with_the_subsets_of_a_project(opened, workspace):
    images = [("Train", "1.jpg", "cat"), ("Validation", "1.jpg", "dog"), ("default", "1.jpg", "dog")]
    with zipfile.ZipFile(workspace / "data/raw/task.zip", "w") as archive:
        told = (tagged(name, label, subset=subset, task_id=3) for subset, name, label in images)
        archive.writestr("annotations.xml", cvat(*told))
        for subset, name, _ in images:
            archive.writestr(f"images/{subset}/{name}", subset)
    listing, labels, container = opened("data/raw/task.zip", group="task_id")
    assert labels == {"images/Train/1.jpg": "cat", "images/Validation/1.jpg": "dog", "images/default/1.jpg": "dog"}
    assert (listing.subsets, listing.groups) == (["train", "val", ""], ["3", "3", "3"])
    assert container.read("images/Validation/1.jpg", 100) == b"Validation"


def test_cvat_s_subsets_of_other_names_are_left_out(fill, opened):
    fill("1.jpg", "2.jpg", files={"a.xml": cvat(tagged("1.jpg", "cat", subset="batch 1"), tagged("2.jpg", "dog"))})
    listing, _, _ = opened()
    assert listing.subsets == ["", ""]
    assert listing.notes[1] == "a.xml: subsets that are no train, val or test are left out: 'batch 1'"


def attribute(tag, **told):
    inside = "".join(f'<attribute name="{name}">{text}</attribute>' for name, text in told.items())
    return f'<tag label="{tag}">{inside}</tag>'


def test_frames_of_a_video_have_names_without_a_suffix(fill, opened):
    xml = cvat(tagged("frame_000000", "cat"), tagged("frame_000001", "dog"))
    fill("images/frame_000000.PNG", "images/frame_000001.PNG", "images/frame_000001.x.PNG", files={"a.xml": xml})
    assert opened().labels == {"images/frame_000000.PNG": "cat", "images/frame_000001.PNG": "dog"}


def test_cvat_s_attributes_are_columns_or_classes(fill, opened):
    images = (
        tagged("1.jpg", attribute("animal", kind="cat", light="day"), attribute("scene", kind="street")),
        tagged("2.jpg", attribute("animal", kind="dog", light="__undefined__"), attribute("scene", kind="lawn")),
    )
    fill("1.jpg", "2.jpg", files={"annotations.xml": cvat(*images)})
    listing, labels, _ = opened(label="animal.kind")
    assert labels == {"1.jpg": "cat", "2.jpg": "dog"}
    assert listing.further == {"light": ["day", ""]}
    assert opened(label="light").listing.aside == [("2.jpg", "not annotated")]
    with pytest.raises(SightlineError, match=r"no image with a label: 1.jpg \(several classes: cat, street\)"):
        opened(label="kind")
    with pytest.raises(SightlineError, match=r"has no attribute of tags 'breed' .found: 'animal.kind', "):
        opened(label="breed")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (cvat(), r"no image has a tag \(found: nothing\)"),
        (cvat('<image id="0" name="1.jpg"><box label="cat"/></image>'), r"no image has a tag \(found: 1 box\)"),
        (cvat('<track id="0" label="cat"/>'), "holds the tracks of a video: export the task as 'CVAT for images'"),
        (cvat(tagged("1.jpg", attribute("x", kind="cat"))), r"every tag is 'x': .* by prepare.label \(found: 'kind'\)"),
        (cvat(tagged("gone.jpg", "cat")), "none of its 1 images is there, such as 'gone.jpg'"),
        (VAL_XML[:200], "looks like the export of a label tool and cannot be read"),
        (TRAIN_XML.replace("utf-8", "klingon"), "looks like the export of a label tool and cannot be read"),
    ],
)
def test_other_exports_of_cvat_are_one_line(fill, opened, text, message):
    fill("1.jpg", files={"annotations.xml": text})
    with pytest.raises(SightlineError, match=message) as caught:
        opened()
    assert str(caught.value).startswith("data/raw/set/annotations.xml: ")
    assert "\n" not in str(caught.value)


def test_what_cvat_s_imagenet_export_left_without_a_tag_is_no_class(fill, opened):
    fill("cat/cat_1.jpg", "dog/dog_2.jpg", "no_label/3.jpg")
    listing, labels, _ = opened()
    assert labels == {"cat/cat_1.jpg": "cat", "dog/dog_2.jpg": "dog"}
    assert listing.aside == [("no_label/3.jpg", "without a label: no_label is no class")]


def test_lines_of_images_beside_synsets_txt_are_read(fill, opened):
    files = {"synsets.txt": "cat\ngrey owl\n", "train.txt": '1.jpg 0\n"b c/2".jpg 1\n', "readme.txt": "of no kind\n"}
    fill("images/1.jpg", "images/b c/2.jpg", "images/4.jpg", "images/5.jpg", files=files)
    fill(files={"val.txt": "4.jpg 0 1\n5.jpg \n"})
    listing, labels, _ = opened()
    assert labels == {"images/1.jpg": "cat", "images/b c/2.jpg": "grey owl"}
    assert listing.subsets == ["train", "train"]
    assert listing.refused == [("images/4.jpg", "several classes: cat, grey owl")]
    assert listing.aside == [("images/5.jpg", "not annotated")]
    assert listing.side_files == {".txt": 2}


@pytest.mark.parametrize("lines", ["", "1.jpg 2\n", "not a list\n"])
def test_other_texts_beside_synsets_txt_are_none_of_images(fill, opened, lines):
    fill("cat/1.jpg", "dog/2.jpg", files={"synsets.txt": "cat\ndog\n", "train.txt": lines})
    assert opened().labels == {"cat/1.jpg": "cat", "dog/2.jpg": "dog"}


CATEGORIES = [{"id": 1, "name": "cat", "supercategory": "pet"}, {"id": 2, "name": "dog", "supercategory": ""}]


def coco(images, *labels, categories=CATEGORIES, **more):
    """Return COCO's parts; `labels` are pairs of an image's and a category's number."""
    images = [{"id": key, "width": 8, "height": 8, "file_name": name, **more} for key, name in images.items()]
    annotations = [{"id": key, "image_id": image, "category_id": kind} for key, (image, kind) in enumerate(labels)]
    return {"info": {}, "licenses": [], "categories": categories, "images": images, "annotations": annotations}


def test_coco_has_a_category_an_image(fill, opened):
    train = coco({1: "1.jpg", 2: "2.jpg"}, (1, 1), (2, 2))
    val = coco({3: "deep/3.jpg", 4: "4.jpg", 5: "5.jpg"}, (3, 2), (4, 1), (4, 2))
    fill("images/train/1.jpg", "images/train/2.jpg", "images/val/deep/3.jpg", "images/val/4.jpg", "images/val/5.jpg")
    fill(files={"annotations/labels_train.json": train, "annotations/labels_val.json": val})
    listing, labels, _ = opened()
    assert labels == {"images/train/1.jpg": "cat", "images/train/2.jpg": "dog", "images/val/deep/3.jpg": "dog"}
    assert listing.subsets == ["train", "train", "val"]
    assert listing.refused == [("images/val/4.jpg", "several classes: cat, dog")]
    assert listing.aside == [("images/val/5.jpg", "not annotated")]
    assert listing.further == {}


def test_several_classes_of_a_test_image_are_refused_too(fill, opened):
    train = coco({1: "1.jpg"}, (1, 1))
    test = coco({2: "2.jpg", 3: "3.jpg"}, (2, 1), (2, 2), (3, 1))
    fill("train/1.jpg", "test/2.jpg", files={"labels_train.json": train, "labels_test.json": test})
    assert opened().listing.refused == [
        ("test/2.jpg", "several classes: cat, dog"),
        ("3.jpg", "file not found: the export names it"),
    ]


def test_annotations_of_images_that_coco_does_not_name_are_told(fill, opened):
    fill("1.jpg", files={"a.json": coco({1: "1.jpg"}, (1, 1), (7, 2), ("1", 2))})
    listing, labels, _ = opened()
    assert labels == {"1.jpg": "cat"}
    assert listing.notes[1] == "data/raw/set/a.json: 2 annotations are of images that it does not name"


def test_subsets_of_coco_without_labels_are_left_aside(fill, opened):
    train = {"labels_train.json": coco({1: "1.jpg"}, (1, 1)), "labels_test.json": coco({2: "2.jpg"})}
    fill("train/1.jpg", "test/2.jpg", files=train)
    listing, labels, _ = opened()
    assert (labels, listing.aside) == ({"train/1.jpg": "cat"}, [("test/2.jpg", "not annotated")])


def test_coco_below_folders_of_subsets_names_equal_files(fill, opened):
    for subset, kind in (("train", 1), ("valid", 2), ("test", 2)):
        fill(f"{subset}/1.jpg", files={f"{subset}/_annotations.coco.json": coco({0: "1.jpg"}, (0, kind))})
    listing, labels, _ = opened()
    assert labels == {"test/1.jpg": "dog", "train/1.jpg": "cat", "valid/1.jpg": "dog"}
    assert listing.subsets == ["test", "train", "val"]


def test_folders_that_mean_the_same_subset_tell_equal_files_apart(fill, opened):
    for subset, kind in (("train", 1), ("val", 2)):
        fill(files={f"annotations/instances_{subset}.json": coco({0: "1.jpg"}, (0, kind))})
    fill("train2019/1.jpg", "valid/1.jpg")
    assert opened().labels == {"train2019/1.jpg": "cat", "valid/1.jpg": "dog"}


def test_coco_of_camera_traps_keeps_columns_and_groups(fill, opened):
    content = coco({"a": "x/1.jpg", "b": "x/2.jpg"}, ("a", 1), ("a", 1), ("b", 2), location="L3", seq_id="s")
    content["annotations"][0]["bbox"] = [1, 2, 3, 4]
    fill("x/1.jpg", "x/2.jpg", files={"traps.json": content})
    listing, labels, _ = opened(group="location")
    assert labels == {"x/1.jpg": "cat", "x/2.jpg": "dog"}
    assert (listing.groups, listing.further) == (["L3", "L3"], {"seq_id": ["s", "s"]})
    assert "data/raw/set/traps.json: an image whose boxes all have one class has that class" in listing.notes


def test_label_names_another_key_of_coco_s_categories_or_attributes(fill, opened):
    content = coco({1: "1.jpg", 2: "2.jpg"}, (1, 1), (2, 2))
    content["annotations"][1]["attributes"] = {"light": "day"}
    fill("1.jpg", "2.jpg", files={"labels.json": content})
    assert opened(label="supercategory").labels == {"1.jpg": "pet"}
    assert opened(label="light").labels == {"2.jpg": "day"}
    with pytest.raises(SightlineError, match=r"has no key of categories or attributes 'genus' .found: 'light', 'name'"):
        opened(label="genus")


def test_the_annotations_of_coco_may_be_named(fill, opened):
    fill("images/val/1.jpg", "images/train/1.jpg", files={"annotations/labels_val.json": coco({1: "1.jpg"}, (1, 2))})
    with pytest.raises(SightlineError, match=r"no image with a label: 1.jpg .several files may be meant"):
        opened("data/raw/set/annotations/labels_val.json")
    fill(files={"annotations/labels_val.json": coco({1: "val/1.jpg"}, (1, 2))})
    assert opened("data/raw/set/annotations/labels_val.json").labels == {"images/val/1.jpg": "dog"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (coco({1: "1.jpg"}, (1, 1), categories=[CATEGORIES[0]] * 2), "several of its categories have the id 1"),
        (coco({1: "1.jpg"}, (1, 7)), "an annotation names the category 7, which it does not have"),
        (coco({1: "1.jpg"}), "none of its 1 images has a label"),
        (coco({}), "none of its 0 images has a label"),
        (
            {"images": [{"id": 1}], "categories": [], "annotations": []},
            "not as its tool writes it .KeyError: 'file_name'",
        ),
    ],
)
def test_broken_coco_is_one_line(fill, opened, content, message):
    fill("1.jpg", files={"labels.json": content})
    with pytest.raises(SightlineError, match=f"data/raw/set/labels.json: {message}"):
        opened()


VOTT_CSV = (
    '"image","xmin","ymin","xmax","ymax","label"\n"1.jpg",1,2,3,4,"cat"\n"1.jpg",5,5,8,8,"cat"\n"2.jpg",1,1,2,2,"dog"\n'
    '"4.jpg",1,1,2,2,"dog"\n"4.jpg",1,1,2,2,"cat"\n'
)


def test_vott_s_table_gives_a_class_to_images_of_one(fill, opened):
    fill("1.jpg", "2.jpg", "4.jpg", "5.jpg", files={"Pets-export.csv": VOTT_CSV})
    for source in ("data/raw/set", "data/raw/set/Pets-export.csv"):
        listing, labels, _ = opened(source)
        assert labels == {"1.jpg": "cat", "2.jpg": "dog"}
        assert listing.refused == [("4.jpg", "several classes: cat, dog")]
        assert listing.aside == [("5.jpg", "not in the export")]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "none of its 0 images has a label"),
        ("1.jpg,1,2,3,4,cat,dog\n", "line 2: has 7 cells, the header 6: put"),
        ('"1.jpg,1,2,3,4,cat\n', "behind line 1: unexpected end of data: is a quote missing"),
        ("1.jpg,1,2,3,4,K\xe4fer\n".encode("cp1252"), "line 2: not UTF-8 .*: save the table as CSV"),
    ],
)
def test_broken_tables_of_vott_are_one_line(fill, opened, rows, message):
    header = b"image,xmin,ymin,xmax,ymax,label\n"
    fill("1.jpg", files={"Pets-export.csv": header + (rows if isinstance(rows, bytes) else rows.encode())})
    with pytest.raises(SightlineError, match=f"data/raw/set/Pets-export.csv: .*{message}"):
        opened()


def test_files_of_another_source_are_not_taken_for_those_of_an_export(fill, opened):
    fill("project/only.txt", "1.jpg", files={"project/Pets-export.csv": VOTT_CSV})
    assert opened("data/raw/set/project/Pets-export.csv").labels == {"1.jpg": "cat"}
    fill("../other/1.jpg", files={"../alone/Pets-export.csv": VOTT_CSV})
    with pytest.raises(SightlineError, match=r"none of its 3 images is there, such as '1\.jpg'"):
        opened("data/raw/alone/Pets-export.csv")


def test_vott_s_json_names_images_without_tags_too(fill, opened):
    def asset(name, *tags):
        regions = [{"id": "r", "type": "RECTANGLE", "tags": list(tags), "boundingBox": {}}] if tags else []
        return {"asset": {"id": name, "name": name, "path": f"file:/x/{name}", "state": 2}, "regions": regions}

    assets = {name: asset(name, *tags) for name, *tags in (("1.jpg", "cat"), ("2.jpg", "dog", "cat"), ("5.jpg",))}
    fill("1.jpg", "2.jpg", "5.jpg", files={"Pets-export.json": {"name": "Pets", "tags": [], "assets": assets}})
    listing, labels, _ = opened()
    assert labels == {"1.jpg": "cat"}
    assert listing.refused == [("2.jpg", "several classes: cat, dog")]
    assert listing.aside == [("5.jpg", "not annotated")]


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("a.json", coco({1: "ants/1.jpg", 2: "bees/2.jpg"}, (1, 1), (2, 2)), "name"),
        ("a.xml", cvat(tagged("ants/1.jpg", "cat"), tagged("bees/2.jpg", "dog")), "tag"),
        ("a.csv", "image,xmin,ymin,xmax,ymax,label\n1.jpg,1,1,2,2,cat\n2.jpg,1,1,2,2,dog\n", "tag"),
    ],
)
def test_where_folders_are_classes_too_one_of_both_must_be_named(fill, opened, name, text, key):
    fill("ants/1.jpg", "bees/2.jpg", files={name: text})
    message = (
        rf"ants/1.jpg is 'cat' by {name} and 'ants' by its folder: prepare.label: {key} takes what .* move {name} out"
    )
    with pytest.raises(SightlineError, match=message):
        opened()
    expected = {"ants/1.jpg": "cat", "bees/2.jpg": "dog"}
    assert opened(label=key).labels == expected
    assert opened(f"data/raw/set/{name}").labels == expected


def test_synsets_txt_is_named_by_itself(fill, opened):
    fill("ants/1.jpg", "bees/2.jpg", files={"synsets.txt": "cat\ndog\n", "a.txt": "ants/1.jpg 0\nbees/2.jpg 1\n"})
    with pytest.raises(SightlineError, match=r"prepare\.label: synsets\.txt takes what ImageNet says"):
        opened()
    assert opened(label="synsets.txt").labels == {"ants/1.jpg": "cat", "bees/2.jpg": "dog"}


def test_folders_that_say_the_same_as_an_export_need_no_choice(fill, opened):
    fill("cat/1.jpg", "dog/2.jpg", "dog/3.jpg", files={"a.json": coco({1: "1.jpg", 2: "2.jpg"}, (1, 1), (2, 2))})
    listing, labels, _ = opened()
    assert (labels, listing.aside) == ({"cat/1.jpg": "cat", "dog/2.jpg": "dog"}, [("dog/3.jpg", "not in the export")])


def test_many_files_of_one_suffix_are_none_of_the_exports(fill, opened):
    files = {f"cat/{number}.json": coco({1: f"{number}.jpg"}, (1, 2)) for number in range(17)}
    fill("cat/1.jpg", "dog/1.jpg", files=files)
    listing, labels, _ = opened()
    assert labels == {"cat/1.jpg": "cat", "dog/1.jpg": "dog"}
    assert listing.side_files == {".json": 17}


def test_a_pattern_for_file_names_stands_above_an_export(fill, opened):
    fill("cat_1.jpg", "dog_2.jpg", files={"labels.json": coco({1: "cat_1.jpg"}, (1, 2))})
    assert opened(label=r"regex:^(?P<label>\w+)_").labels == {"cat_1.jpg": "cat", "dog_2.jpg": "dog"}
