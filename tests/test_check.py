import pytest

from check import main


def test_the_committed_file_passes(workspace):
    main()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"export.opset": 3}, "export.opset: must be greater than or equal to 18 (got 3)"),  # of the last stage
        ({"gradcam.alpha": 1.5}, "gradcam.alpha: must be less than or equal to 1 (got 1.5)"),
        ({"precision": "bf16"}, "precision: bf16 needs arithmetic: native"),
        ({"compile": True}, "compile: true needs arithmetic: native"),
        ({"epochs": 2, "warmup_epochs": 3}, "warmup_epochs: must not be above epochs, 2: lr would never be reached"),
        ({"epochs": 0, "head_init": "probe", "warmup_epochs": -1}, "warmup_epochs: must be greater than or equal to 0"),
        ({"pretrain.epochs": 1}, "pretrain.warmup_epochs: must not be above epochs, 1"),
        ({"gates.min_accuracy": 95.0}, "gates.min_accuracy: must be less than or equal to 1 (got 95.0)"),
        ({"launch": ""}, "launch: must have at least 1 character (got '')"),
    ],
)
def test_a_bad_value_for_any_stage_is_one_line(set_params, changes, message):
    set_params(**changes)
    with pytest.raises(SystemExit) as ended:
        main()
    assert str(ended.value).startswith(f"params.yaml: {message}")


def test_a_key_that_moved_into_a_section_names_its_new_place(workspace):
    with (workspace / "params.yaml").open("a") as stream:
        stream.write("horizontal_flip: 0.5\n")
    with pytest.raises(
        SystemExit, match=r"horizontal_flip: is not a known key: did you mean augment\.horizontal_flip\?"
    ):
        main()


def test_a_folder_linked_into_the_source_is_refused(set_params, photo_folder, tmp_path_factory):
    set_params(**{"prepare.source": "data/raw/photos"})
    main()
    (photo_folder / "kitten").symlink_to(photo_folder.resolve() / "cat")  # read at its own place
    main()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (photo_folder / "cat/more").symlink_to(elsewhere)
    with pytest.raises(SystemExit, match=r"^data/raw/photos/cat/more: a link leads to .*, where DVC sees no changes: "):
        main()
