"""Label Studio's exports. JSON-MIN and tables are as Label Studio 1.23.2 wrote them, with fewer keys."""

import base64
import csv
import io
import zipfile

import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.label_tools.recognise import recognise

CAT_OF_TWO = {"id": 1, "data": {"image": "/data/upload/3/42d46c4c-1.png", "patient": 7}}


def choice(*labels, control="animal"):
    value = {"choices": list(labels)}
    return {"id": "a", "type": "choices", "from_name": control, "to_name": "image", "value": value}


def annotation(*marks, who=1, at="2024-01-02T00:00:00Z", **more):
    return {"completed_by": who, "was_cancelled": False, "updated_at": at, "result": list(marks), **more}


def task(image, *annotations, **more):
    return {"id": 1, "data": {"image": image}, "annotations": list(annotations), "predictions": [], **more}


def test_most_annotators_decide_and_their_share_is_kept(fill, opened):
    votes = [annotation(choice(label), who=who) for who, label in enumerate(("cat", "cat", "dog"))]
    tasks = [
        CAT_OF_TWO | {"annotations": votes},
        task("b.png", annotation(choice("dog"), who={"id": 4}), annotation(choice("dog"), who={"id": 5})),
        task("c.png", annotation(choice("dog"))),
        task("d.png", annotation(choice("dog"), who=1), annotation(choice("cat"), who=2)),
    ]
    fill("1.png", "b.png", "c.png", "d.png", files={"project.json": tasks})
    listing, labels, container = opened(group="patient")
    assert labels == {"1.png": "cat", "b.png": "dog", "c.png": "dog"}
    assert listing.further == {"agreement": ["0.667", "1", ""]}
    assert listing.groups == ["7", "", ""]
    assert listing.aside == [("d.png", "annotators disagree: cat 1, dog 1")]
    assert listing.refused == []
    assert listing.notes == [
        "labels are from project.json (Label Studio, 'animal'); several annotators saw 3 images: "
        "all agree on 1, most of them on 1, and 1 are undecided"
    ]
    assert container.read("b.png", 100) == b"b.png"


def test_an_annotator_has_one_vote_the_latest_and_ground_truth_decides(fill, opened):
    changed_mind = [annotation(choice("cat"), at="2024-01-03"), annotation(choice("dog"), at="2024-01-02")]
    checked = [annotation(choice("cat"), who=who) for who in (1, 2)]
    checked.append(annotation(choice("dog"), who=3, ground_truth=True))
    fill("a.png", "b.png", files={"project.json": [task("a.png", *changed_mind), task("b.png", *checked)]})
    listing, labels, _ = opened()
    assert labels == {"a.png": "cat", "b.png": "dog"}
    assert listing.further == {"agreement": ["", "0.333"]}


def test_what_has_no_choice_is_left_aside_with_its_reason(fill, opened):
    tasks = [
        task("a.png", annotation(choice("cat")), annotation(choice("dog"), who=2, was_cancelled=True)),
        task("skipped.png", annotation(was_cancelled=True)),
        task("empty.png", annotation()),
        task("new.png", predictions=[{"model_version": "m", "result": [choice("dog")]}]),
    ]
    fill("a.png", "skipped.png", "empty.png", "new.png", "forgotten.png", files={"project.json": tasks})
    listing, labels, _ = opened()
    assert labels == {"a.png": "cat"}
    assert sorted(listing.aside) == [
        ("empty.png", "no choice in 'animal'"),
        ("forgotten.png", "not in the export"),
        ("new.png", "not annotated"),
        ("skipped.png", "skipped by its annotators"),
    ]
    assert (listing.refused, dict(listing.side_files), listing.further) == ([], {}, {})


def test_predictions_are_labels_only_where_nobody_annotated(fill, opened):
    predicted = [{"model_version": "m", "result": [choice("dog")]}]
    fill("a.png", files={"project.json": [task("a.png", predictions=predicted), task("b.png", predictions=[3])]})
    listing, labels, _ = opened()
    assert labels == {"a.png": "dog"}
    assert listing.notes[1] == "data/raw/set/project.json: nobody annotated it: the labels are predictions of a model"


def test_label_names_one_of_several_controls(fill, opened):
    marks = (choice("cat"), choice("dark", "blurred", control="quality"))
    tasks = [
        task("a.png", annotation(*marks)),
        task("b.png", annotation(choice("dog"), choice("ok", control="quality"))),
    ]
    fill("a.png", "b.png", files={"project.json": tasks})
    with pytest.raises(SightlineError, match=r"has the choices 'animal', 'quality': name one of them by prepare.label"):
        opened()
    with pytest.raises(SightlineError, match=r"has no choices 'breed' .found: 'animal', 'quality'.: set prepare.label"):
        opened(label="breed")
    assert opened(label="animal").labels == {"a.png": "cat", "b.png": "dog"}
    listing, labels, _ = opened(label="quality")
    assert labels == {"b.png": "ok"}
    assert listing.refused == [("a.png", "several classes: blurred, dark")]


def test_choices_within_choices_are_joined(fill, opened):
    fill("a.png", files={"project.json": [task("a.png", annotation(choice(["cat", "tabby"])))]})
    assert opened().labels == {"a.png": "cat/tabby"}


JSON_MIN = [
    {"image": "/data/upload/3/42d46c4c-1.png", "id": 1, "animal": "dog", "annotator": "x@y.z", "annotation_id": 3},
    {"image": "/data/upload/3/42d46c4c-1.png", "id": 1, "animal": "cat", "annotator": 2, "annotation_id": 2},
    {
        "image": "/data/upload/3/42d46c4c-1.png",
        "id": 1,
        "animal": "cat",
        "quality": {"choices": ["sharp", "dark"]},
        "annotator": 1,
        "annotation_id": 1,
    },
    {
        "image": "/data/local-files/?d=set/b/2.png",
        "id": 2,
        "animal": "dog",
        "quality": "sharp",
        "annotator": 1,
        "annotation_id": 4,
    },
    {"image": "https://h/4.png", "id": 4, "annotator": None, "annotation_id": None},
    {"image": "https://h/5.png", "id": 5, "annotator": 1, "annotation_id": 6},
]


def test_json_min_has_a_record_for_each_annotation(fill, opened):
    fill("1.png", "b/2.png", "4.png", "5.png", files={"result.json": JSON_MIN})
    listing, labels, _ = opened(label="animal")
    assert labels == {"1.png": "cat", "b/2.png": "dog"}
    assert listing.further == {"agreement": ["0.667", ""]}
    assert listing.aside == [("4.png", "not annotated"), ("5.png", "no choice in 'animal'")]
    assert opened(label="quality").listing.refused == [("1.png", "several classes: dark, sharp")]
    with pytest.raises(SightlineError, match="has the choices 'animal', 'quality'"):
        opened()


TABLE = (
    '"animal","annotation_id","annotator","id","image","lead_time","patient","quality","updated_at"\n'
    '"cat",1,"1",1,"/data/upload/1/9803479c-one.png","","","{""choices"":[""sharp"",""dark""]}","2026-11-26T08:10:39"\n'
    '"dog",2,"1",2,"/data/upload/1/edd09e9a-my_pic_2.png","","","","2026-11-26T08:10:39"\n'
    '"","","",4,"/data/upload/1/59e34bb3-four.png","","","",""\n'
    '"dog",6,"3",5,"https://h.example/five.png?sig=1","","p1","dark","2026-11-26T08:10:40"\n'
    '"dog",5,"2",5,"https://h.example/five.png?sig=1","","p1","","2026-11-26T08:10:40"\n'
    '"cat",4,"1",5,"https://h.example/five.png?sig=1","","p1","","2026-11-26T08:10:40"\n'
    '"dog",8,"2",6,"s3://bucket/d/six.png","","p2","","2026-11-26T08:10:40"\n'
    '"cat",7,"1",6,"s3://bucket/d/six.png","","p2","","2026-11-26T08:10:40"\n'
    '"","","",7,"/data/local-files/?d=x/seven%20a.png","","p3","",""\n'
)


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv", ";")])
def test_a_table_of_the_server_1_23_2_has_a_row_for_each_annotation(fill, opened, name, delimiter):
    rows = csv.reader(io.StringIO(TABLE))
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    table = stream.getvalue()
    fill("one.png", "my pic (2).png", "four.png", "five.png", "d/six.png", "seven a.png", files={name: table})
    listing, labels, _ = opened(f"data/raw/set/{name}", label="animal", group="patient")
    assert labels == {"five.png": "dog", "my pic (2).png": "dog", "one.png": "cat"}
    assert (listing.groups, listing.further) == (["p1", "", ""], {"agreement": ["0.667", "", ""]})
    assert listing.aside == [
        ("four.png", "not annotated"),
        ("d/six.png", "annotators disagree: cat 1, dog 1"),
        ("seven a.png", "not annotated"),
    ]
    with pytest.raises(SightlineError, match="has the choices 'animal', 'patient', 'quality': name one of them"):
        opened()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_table_that_another_program_saved_is_known(encoding):
    rows, _ = recognise("data/raw/set/a.csv", TABLE.encode(encoding))
    assert (len(rows), rows[0]["id"]) == (len(TABLE.splitlines()) - 1, next(csv.DictReader(io.StringIO(TABLE)))["id"])


def test_tasks_of_one_image_are_counted_together(fill, opened):
    tasks = [task("a.png", annotation(choice("cat"), who=who)) for who in (1, 2)]
    fill("a.png", "b.png", files={"project.json": [*tasks, task("a.png", annotation(choice("dog"), who=3))]})
    listing, labels, _ = opened()
    assert labels == {"a.png": "cat"}
    assert listing.further == {"agreement": ["0.667"]}
    assert "data/raw/set/project.json: 1 images have several tasks, whose annotations count together" in listing.notes


ENCODED = base64.urlsafe_b64encode(b"s3://bucket/a/1.png").decode()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a/1.png", "a/1.png"),
        ("/home/me/photos/a/1.png", "a/1.png"),
        ("C:\\photos\\a\\1.png", "a/1.png"),
        ("/data/local-files/?d=photos/a/1%20b.png", "a/1 b.png"),
        ("http://localhost:8080/data/local-files/?d=a%2F1.png", "a/1.png"),
        ("/data/upload/12/0123abcd-my_pic.png", "my pic.png"),
        ("/data/upload/12/0123abcd-1.png", "0123abcd-1.png"),
        ("/storage-data/uploaded/?filepath=upload/12/0123abcd-1.png", "1.png"),
        ("s3://bucket/photos/a/1%20b.png", "a/1%20b.png"),
        ("gs://bucket/a/1.png", "photos/a/1.png"),
        ("https://host/a/1%20b.png?token=secret", "1 b.png"),
        (f"/tasks/3/presign/?fileuri={ENCODED}", "a/1.png"),
        ("photos/A/1.PNG", "a/1.png"),
        ("f\u00fcr.png", "fu\u0308r.png"),
    ],
)
def test_an_image_is_found_by_the_end_of_its_name(fill, opened, name, file):
    fill(file, "b/other.png", files={"project.json": [task(name, annotation(choice("cat")))]})
    assert opened(label="animal").labels == {file: "cat"}


def test_of_two_files_the_one_with_more_equal_folders_is_meant(fill, opened):
    tasks = [
        task(f"s3://bucket/{name}", annotation(choice("cat"))) for name in ("x/1.png", "z/2.png", "u/3.png", "v/3.png")
    ]
    fill("x/1.png", "y/1.png", "x/2.png", "y/2.png", "3.png", files={"project.json": tasks})
    listing, labels, _ = opened(label="animal")
    assert labels == {"x/1.png": "cat"}
    assert listing.refused == [
        ("s3://bucket/z/2.png", "several files may be meant: 'x/2.png', 'y/2.png'"),
        ("3.png", "2 images of the export may mean this file"),
        ("3.png", "2 images of the export may mean this file"),
    ]
    assert listing.aside == [("y/1.png", "not in the export")]


def test_folders_of_subsets_are_kept(fill, opened):
    tasks = [task(f"/photos/{name}", annotation(choice("cat"))) for name in ("Training/1.png", "valid/2.png")]
    fill("photos/Training/1.png", "photos/valid/2.png", "photos/new/3.png", files={"project.json": tasks})
    listing, _, _ = opened()
    assert listing.subsets == ["train", "val"]
    assert listing.aside == [("photos/new/3.png", "not in the export")]
    assert "subsets: 'Training' is train, 'valid' is val" in listing.notes


def test_images_that_were_unlabelled_before_have_labels(fill, opened):
    fill("unlabeled/1.png", files={"project.json": [task("1.png", annotation(choice("cat")))]})
    listing, labels, _ = opened()
    assert (labels, listing.subsets) == ({"unlabeled/1.png": "cat"}, [""])


def test_a_missing_image_is_listed_without_the_secrets_of_its_address(fill, opened):
    tasks = [task("a.png", annotation(choice("cat"))), task("https://h/gone.png?key=secret", annotation(choice("dog")))]
    tasks += [task(name, annotation(choice("dog"))) for name in ("data:image/png;base64,AAAA", None)]
    fill("a.png", files={"project.json": tasks})
    assert opened().listing.refused == [
        ("https://h/gone.png", "file not found: the export names it"),
        ("data:image/png;base64", "embedded in the export, which is not read: save it as a file"),
        ("an image without a name", "the export names no file"),
    ]


def test_the_file_itself_may_be_named_with_an_archive_beside_it(fill, opened, workspace):
    fill(
        "c.png",
        files={"project.json": [task("x/a.png", annotation(choice("cat"))), task("c.png", annotation(choice("dog")))]},
    )
    with zipfile.ZipFile(workspace / "data/raw/set/photos.zip", "w") as archive:
        archive.writestr("x/a.png", "packed")
        archive.writestr("x/b.png", "")
    listing, labels, container = opened("data/raw/set/project.json")
    assert labels == {"c.png": "dog", "photos.zip/x/a.png": "cat"}
    assert [container.read(path, 100) for path in labels] == [b"c.png", b"packed"]
    assert listing.aside == [("photos.zip/x/b.png", "not in the export")]
    assert opened().labels == labels


def test_the_key_of_the_image_is_found_or_named(fill, opened):
    one = {"id": 1, "data": {"img": "a.png", "site": "x"}, "annotations": [annotation(choice("cat"))]}
    two = {"id": 1, "data": {"img": "a.png", "mask": "b.png"}, "annotations": [annotation(choice("cat"))]}
    fill("a.png", "b.png", files={"project.json": [one]})
    listing, labels, _ = opened()
    assert (labels, listing.further) == ({"a.png": "cat"}, {"site": ["x"]})
    fill(files={"project.json": [two]})
    with pytest.raises(SightlineError, match="which of the data 'img', 'mask' names the image is not clear"):
        opened()
    assert opened(path="img").labels == {"a.png": "cat"}
    with pytest.raises(SightlineError, match=r"no task has 'picture' in its data .found: 'img', 'mask'."):
        opened(path="picture")


BOX = {"type": "rectanglelabels", "from_name": "box", "value": {"rectanglelabels": ["cat"]}}


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([task("/u/other.png", annotation(choice("cat")))], "none of its 1 images is there, such as '/u/other.png'"),
        ([task("a.png"), task("b.png")], "none of its 2 tasks is annotated"),
        ([task("a.png", annotation(BOX))], r"holds no choices \(found: 1 rectanglelabels\)"),
        ([task("a.png", annotation(choice("x"))), 3], "not as its tool writes it"),
        ([{"data": {}, "annotations": [{"completed_by": 1}]}], r"not as its tool writes it \(KeyError: 'result'\)"),
        ('[{"data": {"image": "a.png"}, "annotations": [', r"looks like the export .* cannot be read .* or remove it"),
        (
            '[{"data": {"image": "ü"}, "annotations": []}]'.encode("cp1252"),
            "cannot be read .'utf-8' codec can't decode",
        ),
    ],
)
def test_broken_exports_are_one_line(fill, opened, tasks, message):
    fill("a.png", files={"project.json": tasks})
    with pytest.raises(SightlineError, match=message) as caught:
        opened()
    assert str(caught.value).startswith("data/raw/set/project.json: ")
    assert "\n" not in str(caught.value)


def test_utf_16_is_read(fill, opened):
    tasks = '[{"data": {"image": "ü.png"}, "annotations": [{"result": [{"type": "choices", "from_name": "c", '
    tasks += '"value": {"choices": ["Kätzchen"]}}]}]}]'
    fill("ü.png", files={"project.json": tasks.encode("utf-16")})
    assert opened().labels == {"ü.png": "Kätzchen"}


def test_two_exports_are_refused(fill, opened):
    tasks = [task("a.png", annotation(choice("cat")))]
    fill("a.png", files={"project-1-at-2024.json": tasks, "project-1-at-2025.json": tasks})
    with pytest.raises(
        SightlineError, match=r"holds several exports of labels .'project-1-at-2024.json', 'project-1-at-2"
    ):
        opened()
    assert opened("data/raw/set/project-1-at-2025.json").labels == {"a.png": "cat"}


@pytest.mark.parametrize(
    ("name", "text"), [("empty.json", "[]"), ("other.json", '{"predictions": 1}'), ("other.xml", "<annotation/>")]
)
def test_a_named_file_that_is_no_export_is_refused(fill, opened, name, text):
    fill("cat/a.png", "dog/b.png", files={name: text})
    with pytest.raises(SightlineError, match=f"data/raw/set/{name} is no export that is known"):
        opened(f"data/raw/set/{name}")
    assert opened().labels == {"cat/a.png": "cat", "dog/b.png": "dog"}


def test_a_named_file_that_is_not_there_is_refused(opened):
    with pytest.raises(SightlineError, match=r"data/raw/gone.json: file not found: put the export there"):
        opened("data/raw/gone.json")
