import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file
from torch.nn import functional

import train as script
from sightline.common.errors import SightlineError
from sightline.common.files import write_json, write_table
from sightline.common.params import load_params
from sightline.images.samples import Samples, read_samples
from sightline.images.store import read_index
from sightline.networks.architectures.build import build_network
from sightline.networks.saved import load_members, read_spec, write_weights
from sightline.parameters.train import TrainParams
from sightline.training import doubted, first_head, loop
from sightline.training.devices import make_accelerator
from sightline.training.history import Fitted
from sightline.training.logs import summarize_best
from sightline.training.loop import finite_mean
from sightline.training.members import divide
from sightline.training.recipe import precision
from train import main

COLORS = {"blue": (40, 60, 200), "green": (40, 200, 60), "red": (200, 60, 40)}


@pytest.fixture
def prepared(workspace):
    """90 noisy images of three colours, 8 px, divided by hand."""
    random = np.random.default_rng(0)
    labels = np.arange(90) % 3
    means = np.array(list(COLORS.values()))[labels][:, None, None]
    pixels = np.clip(means + random.normal(0, 60, (90, 8, 8, 3)), 0, 255).astype(np.uint8)
    ids = [f"{number}.png" for number in range(90)]
    Path("data/prepared").mkdir(parents=True)
    np.save("data/prepared/images.npy", pixels)
    index = {"id": ids, "label": labels, "class": np.array(list(COLORS))[labels], "group": "", "subset": ""}
    write_table(
        "data/prepared/index.csv", pd.DataFrame({**index, "width": 8, "height": 8, "sha256": "0", "phash": "0"})
    )
    preprocessing = {"image_size": 8, "fit": "crop", "resample": "bilinear", "background": [0, 0, 0]}
    spec = {"source": "x", "classes": list(COLORS), "images": 90, "preprocessing": preprocessing}
    write_json("data/prepared/dataset.json", spec)
    write_split(["train"] * 60 + ["val"] * 15 + ["test"] * 15, -1)
    return workspace


def write_split(subsets, folds):
    ids = [f"{number}.png" for number in range(90)]
    write_table("data/split/split.csv", pd.DataFrame({"id": ids, "subset": subsets, "fold": folds}))


@pytest.fixture
def train(prepared, set_params):
    def run(is_lost=False, **changes):
        set_params(**{"epochs": 3, "batch_size": 16, "augment.crop_padding": 1, "lr": 0.01, **changes})
        AcceleratorState._reset_state(reset_partial_state=True)  # accelerate keeps one state a process
        main(load_params(TrainParams))
        if not is_lost:  # states of what DVC has taken go
            shutil.rmtree(".resume")
        return json.loads(Path("metrics/train.json").read_text())

    return run


def written():
    files = [path for root in ("models/trained", "plots/train", "metrics") for path in Path(root).rglob("*")]
    return {str(path): path.read_bytes() for path in files if path.is_file()}


def test_three_colours_are_learnt_and_logged(train):
    metrics = train()
    assert metrics["best"]["val"]["accuracy"] > 0.9
    curves = pd.read_csv("plots/train/epochs.csv")
    history = curves[(curves["measure"] == "loss") & (curves["subset"] == "training")]
    assert history["epoch"].tolist() == [0, 1, 2]
    assert history["value"].iloc[-1] < history["value"].iloc[0]
    assert list(dict.fromkeys(zip(curves["measure"], curves["subset"], strict=True))) == [
        ("loss", "training"),
        ("loss", "validation"),
        ("accuracy", "training"),
        ("accuracy", "validation"),
        ("balanced accuracy", "validation"),
        ("F1, mean of the classes", "validation"),
        ("learning rate", "training"),
    ]
    stream = pd.read_csv("plots/train/metrics/train/loss.tsv", sep="\t")  # DVCLive's, one file a score
    assert stream["step"].tolist() == [0, 1, 2]
    assert stream["loss"].tolist() == pytest.approx(history["value"].tolist(), abs=1e-12)
    assert read_spec("models/trained").classes == list(COLORS)
    assert Path("params.yaml").exists()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_two_runs_write_the_same_bytes_and_another_seed_others(train, precision):
    train(precision=precision, arithmetic="native")
    first = written()
    train(precision=precision, arithmetic="native")
    assert written() == first
    train(precision=precision, arithmetic="native", seed=1)
    weights = "models/trained/member_0_best.safetensors"
    assert written()[weights] != first[weights]


EFFECTS = [
    {"optimizer": "sgd"}, {"optimizer": "lion"}, {"lookahead": True}, {"layer_decay": 0.5}, {"schedule": "multistep"},
    {"schedule_shape.floor": 0.5}, {"clip.norm": 0.01}, {"clip.value": 0.001}, {"clip.adaptive": 0.01},
    {"loss": "focal"}, {"loss": "bce"}, {"label_smoothing": 0.3}, {"logit_adjustment": 1.0}, {"l1": 0.01},
    {"sampler": "balanced"}, {"class_weights": "balanced"}, {"class_weights": "effective_number"},
    {"augment.random_resized_crop": True}, {"augment.crop_padding": 0}, {"augment.horizontal_flip": 0.5},
    {"augment.alternating_flip": True}, {"augment.vertical_flip": 0.5}, {"augment.rotation": 20.0},
    {"augment.translation": 0.1}, {"augment.shear": 10.0}, {"augment.grayscale": 0.5},
    {"augment.auto_augment": "randaugment"}, {"augment.auto_augment": "trivialaugment"},
    {"augment.auto_augment": "autoaugment"}, {"augment.auto_augment": "augmix"},
    {"augment.color_jitter": [0.4, 0.4, 0.4, 0.1]}, {"augment.gaussian_blur": 0.5}, {"augment.erasing": 0.5},
    {"mixup": 0.2}, {"cutmix": 1.0}, {"drop_rate": 0.5}, {"weight_decay": 0.5}, {"batch_size": 32},
    {"average.method": "ema"}, {"average.method": "swa", "average.swa_start": 0.0},
    {"freeze": "backbone"}, {"freeze": 2}, {"head_init": "probe"}, {"head_init": "prototypes"},
    {"adversarial.method": "pgd"}, {"adversarial.method": "trades"},
    {"head.hidden": 16}, {"head.pool": "max"}, {"head.pool": "catavgmax", "head.hidden": 16, "freeze": "backbone"},
    {"freeze": "backbone", "unfreeze_epoch": 1}, {"freeze": 3, "unfreeze_epoch": 1, "unfreeze_every": 1},
]  # fmt: skip


def test_every_choice_changes_the_weights_and_keeps_them_finite(train):
    write_split(["train"] * 41 + ["test"] * 15 + ["val"] * 15 + ["train"] * 19, -1)  # classes of unequal size
    index = read_index().assign(label=lambda table: np.where(table.index > 80, 0, table["label"]))
    write_table("data/prepared/index.csv", index)
    weights = Path("models/trained/member_0_last.safetensors")

    plain = Path("params.yaml").read_text()

    def last_weights(**changes):
        Path("params.yaml").write_text(plain)
        train(**{"epochs": 2, "batch_size": 8, "monitor": "val/balanced_accuracy", **changes})
        return weights.read_bytes()

    base = last_weights()
    assert last_weights() == base
    same = [change for change in EFFECTS if last_weights(**change) == base]
    assert same == []
    assert all(torch.isfinite(tensor).all() for tensor in load_file(weights).values())


def test_cifarnet_starts_from_filters_that_whiten_the_training_images(train, set_params):
    train(model="cifarnet", epochs=1, drop_rate=0.1, input_size=16)
    (trained,) = load_members("models/trained", read_spec("models/trained"))
    plain = build_network("cifarnet", 3, 16, pretrained=False)
    assert not torch.equal(trained.network.blocks[0].weight, plain.blocks[0].weight)


def test_accumulation_changes_nothing_but_batch_statistics(train):
    """A network without batch norm gets the same weights, clipped by the gradient of the whole batch.

    Without augmentation, that is, whose numbers are drawn for each part.
    """
    path, found = Path("models/trained/member_0_last.safetensors"), []
    for accumulate in (1, 4):
        options = {"optimizer": "sgd", "clip.norm": 0.1, "l1": 1e-4, "augment.crop_padding": 0, "average.method": "ema"}
        metrics = train(model="test_vit", input_size=32, epochs=2, accumulate=accumulate, **options)
        found.append((metrics, load_file(path)))
    (whole, weights), (parts, summed) = found
    assert parts["train"]["loss"] == pytest.approx(whole["train"]["loss"], rel=1e-5)
    assert parts["lr"] == whole["lr"]
    for name, tensor in weights.items():
        torch.testing.assert_close(summed[name], tensor, rtol=1e-4, atol=1e-6, msg=name)


def test_folds_train_a_member_each_on_the_others(train):
    write_split(["train"] * 75 + ["test"] * 15, [number // 3 % 3 for number in range(75)] + [-1] * 15)
    metrics = train(folds=3)
    spec = read_spec("models/trained")
    assert [member.fold for member in spec.members] == [0, 1, 2]
    assert len(load_members("models/trained", spec)) == 3
    assert metrics["fold_2"]["val"]["accuracy"] > 0.5
    assert 0 <= metrics["best"]["std"]["val"]["accuracy"] < 0.5


@pytest.mark.parametrize("folds", [0, 2])
def test_a_stack_is_fitted_on_held_out_images_and_repeats_byte_for_byte(train, folds):
    if folds:
        write_split(["train"] * 75 + ["test"] * 15, [number // 3 % 2 for number in range(75)] + [-1] * 15)
    asked = {"epochs": 1, "model": ["simple_cnn", "lbp+linear_svm"], "ensemble": "stack", "stack_c": 1.0}
    metrics = train(**asked)["stack"]
    first, spec = written(), read_spec("models/trained")
    assert spec.stack == "stack.safetensors"
    assert load_file("models/trained/stack.safetensors")["weight"].shape == (1 + (folds or 5), 3, 6)
    assert metrics["accuracy"] > 0.8
    assert metrics["log_loss"] != metrics["mean_log_loss"]
    train(**asked)
    assert written() == first
    train(**asked | {"stack_c": 0.01})
    assert "models/trained/stack.safetensors" in {path for path, content in written().items() if first[path] != content}


def test_the_members_of_a_division_never_train_on_what_they_validate():
    folds = np.array([0, 1, 0, 1, -1, -1])
    samples = Samples(np.arange(6), np.zeros(6, dtype=int), np.array([0, 0, 0, 0, 2, 2]), folds)
    parts = [(part.fold, part.train.row.tolist(), part.val.row.tolist()) for part in divide(samples)]
    assert parts == [(0, [1, 3], [0, 2]), (1, [0, 2], [1, 3])]


def test_without_validation_images_the_last_epoch_is_kept(train):
    write_split(["train"] * 75 + ["test"] * 15, -1)
    with pytest.raises(SightlineError, match="keep: best needs validation images"):
        train()
    assert train(keep="last")["best"]["epoch"] == 2
    assert read_spec("models/trained").members[0].file == "member_0_last.safetensors"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": 1e30, "clip.norm": 0.0}, r"the loss became (nan|inf) in epoch 0, step \d+: lower lr"),
        ({"augment.color_jitter": [0.4, 0.4, 0.4, 0.6]}, "augment.color_jitter: the fourth, hue, must be at most 0.5"),
        (
            {"augment.crop_scale": [1.0, 0.4]},
            "augment.crop_scale: the first number .1.0. must not be above the second .0.4.",
        ),
        ({"augment.erasing_area": [0.1, 1.5]}, "augment.erasing_area.*less than or equal to 1"),
        ({"loss": "bce", "logit_adjustment": 1.0}, "logit_adjustment: needs loss: cross_entropy or focal"),
        ({"noise": "prune"}, "noise: prune needs weights or pretrained: a new network sees too little"),
        ({"noise": "prune", "pretrained": True, "head.hidden": 8}, "noise: prune needs head.hidden: 0"),
        ({"noise": "elr", "mixup": 0.2}, "noise: elr remembers single images as they are: it needs mixup: 0"),
        ({"noise": "reweight", "adversarial.method": "pgd"}, "noise: reweight remembers single images as they are"),
        ({"noise": "gce", "loss": "focal"}, "noise: gce is a loss itself: it needs loss: cross_entropy .got 'focal'."),
        ({"noise": "gce", "epochs": 0, "head_init": "probe"}, "noise: gce needs epochs above 0"),
        ({"noise": "gce", "model": "hog_lbp_color+svm"}, "noise: gce is for networks: use none with hog_lbp_color"),
        ({"noise": "elr", "model": ["cnn", "hog+svm"]}, r"noise: elr is for networks: use none with hog\+svm"),
        (
            {"adversarial.method": "pgd", "epochs": 0, "head_init": "probe"},
            "adversarial.method: pgd needs epochs above 0",
        ),
        (
            {"adversarial.method": "trades", "model": ["cnn", "hog+svm"]},
            r"adversarial.method: trades is for networks: use none with hog\+svm",
        ),
        ({"epochs": 0}, "epochs: 0 trains nothing: it needs head_init: probe, prototypes or known .got 'zero'."),
        (
            {"model": "cifarnet", "input_size": 16, "head_init": "probe"},
            "head_init: what is fitted on features is for networks whose logits",
        ),
        ({"head_init": "probe", "head.hidden": 8}, "head_init: probe is one linear layer: it needs head.hidden: 0"),
        ({"freeze_batch_norm": True}, "freeze_batch_norm: true needs weights or pretrained"),
        ({"accumulate": 3}, "accumulate: 3 must divide batch_size .16."),
        ({"normalization": "network"}, "simple_cnn brings none of its own"),
        ({"model": "resnet81"}, "no network is called"),
        ({"model": ["cnn", "cnn"]}, "model: an architecture must not stand twice"),
        ({"freeze": "head"}, "freeze: must be 'none' or 'backbone' or must be a valid integer .got 'head'."),
        ({"freeze": 9}, "freeze: 9 is not in 1..3"),
        ({"weights": "elsewhere.pth"}, "weights: elsewhere.pth is not inside models/pretrained"),
        ({"weights": "models/pretrained/x.pth"}, "weights: models/pretrained/x.pth does not exist"),
        ({"normalization": "weights"}, "normalization: weights needs weights to name"),
    ],
)
def test_what_cannot_be_trained_is_one_line_and_writes_no_weights(train, changes, message):
    with pytest.raises(SightlineError, match=message) as caught:
        train(**changes)
    assert "\n" not in str(caught.value)
    assert not list(Path("models").rglob("*.safetensors"))


def test_the_features_of_a_probe_have_batches_for_fp32_whatever_the_precision(train, monkeypatch):
    """bf16 takes half the room, but features are read without it."""
    read = first_head.read_features
    sizes = {"fp32": [], "bf16": []}
    for kind, seen in sizes.items():

        def note(classifier, batches, count, seen=seen):
            return read(classifier, (seen.append(len(pixels)) or pixels for pixels in batches), count)

        monkeypatch.setattr(first_head, "read_features", note)
        train(
            head_init="probe", epochs=0, model="cnn", memory_mb=1, input_size=32, arithmetic="native",
            precision=kind,
        )  # fmt: skip
    assert sizes["bf16"] == sizes["fp32"]
    assert max(sizes["fp32"]) < 16


def test_the_first_loss_that_is_not_finite_is_named():
    losses = torch.tensor([1.0, float("inf"), float("nan")])
    with pytest.raises(SightlineError, match="became inf in epoch 4, step 1"):
        finite_mean(losses, 4)
    assert finite_mean(torch.tensor([1.0, 2.0]), 0) == 1.5


def test_folds_are_summarized_by_mean_and_sample_deviation():
    found = summarize_best([Fitted(1, {"val/accuracy": accuracy}, {}, {}) for accuracy in (0.8, 0.9)])
    assert found["mean"]["val"]["accuracy"] == pytest.approx(0.85)
    assert found["std"]["val"]["accuracy"] == pytest.approx(0.1 / 2**0.5)


def losses_of(measure="loss", subset="training"):
    curves = pd.read_csv("plots/train/epochs.csv")
    return curves.loc[(curves["measure"] == measure) & (curves["subset"] == subset), "value"].tolist()


def test_training_stops_when_nothing_gets_better(train):
    train(epochs=6, patience=2, min_delta=1.0)
    assert len(losses_of()) == 3  # the first epoch, and two without progress
    train(epochs=6, patience=2, min_delta=0.0, monitor="val/loss", lr=1e-4)
    assert len(losses_of()) == 6


def test_a_plateau_lowers_the_rate(train):
    shape = {"schedule_shape.patience": 2, "schedule_shape.gamma": 0.5}
    train(epochs=5, schedule="plateau", warmup_epochs=0, min_delta=1.0, lr=0.01, **shape)
    assert losses_of("learning rate") == pytest.approx([0.01, 0.01, 0.01, 0.005, 0.005])


def test_frozen_parts_keep_their_weights_and_statistics_until_they_wake(train, prepared):
    weights = Path("models/trained/member_0_last.safetensors")
    train(epochs=1, freeze="backbone")
    first = load_file(weights)
    train(epochs=2, freeze="backbone", seed=0)
    frozen = load_file(weights)
    backbone = [name for name in frozen if name.startswith("blocks.")]
    assert backbone
    assert all(torch.equal(first[name], frozen[name]) for name in backbone)
    assert not torch.equal(first["head.weight"], frozen["head.weight"])
    train(epochs=2, freeze="backbone", unfreeze_epoch=1)
    assert not torch.equal(load_file(weights)[backbone[0]], frozen[backbone[0]])


def test_training_starts_from_earlier_weights_and_another_number_of_classes_gets_a_new_head(train):
    train(epochs=3)
    Path("models/trained").rename("models/earlier")
    Path("models/pretrained").mkdir()
    earlier = Path("models/earlier").rename("models/pretrained/colours")
    cold = train(epochs=1, lr=1e-5)["train"]["loss"]
    warm = train(epochs=1, lr=1e-5, weights="models/pretrained/colours", normalization="weights")["train"]["loss"]
    assert warm < cold - 0.1
    assert read_spec("models/trained").mean == read_spec(earlier).mean


@pytest.fixture
def earlier(prepared):
    """Weights of the same network for five classes, so that a new head is needed."""
    torch.manual_seed(3)
    write_weights("models/pretrained/five.safetensors", build_network("simple_cnn", 5, 8, False).state_dict())
    return {"weights": "models/pretrained/five.safetensors"}


def test_a_new_head_on_given_weights_is_zero_so_that_the_first_loss_is_ln_of_the_classes(train, earlier):
    one_step = {"epochs": 1, "batch_size": 60, "loss": "cross_entropy"}
    first = train(**one_step, **earlier)["train"]
    assert first["loss"] == pytest.approx(np.log(3), abs=1e-6)
    assert first["accuracy"] == pytest.approx((pd.read_csv("data/prepared/index.csv")["label"][:60] == 0).mean())
    assert abs(train(**one_step, **earlier, head_init="timm")["train"]["loss"] - np.log(3)) > 1e-3
    assert abs(train(**one_step, head_init="zero", weights="")["train"]["loss"] - np.log(3)) > 1e-3


def test_no_epochs_leave_the_probe_which_repeats_byte_for_byte_and_training_goes_on_from_it(train, earlier):
    probe = {"head_init": "probe", **earlier}
    metrics = train(epochs=0, **probe)
    first = written()
    train(epochs=0, **probe)
    assert written() == first
    (classifier,) = load_members("models/trained", read_spec("models/trained"))
    validation = read_samples().of("val")
    logits = classifier.eval()(torch.from_numpy(np.load("data/prepared/images.npy")[validation.row]))
    truth = torch.from_numpy(validation.label).long()
    assert metrics["val"]["loss"] == pytest.approx(functional.cross_entropy(logits, truth).item(), rel=1e-5)
    assert metrics["best"]["val"]["accuracy"] == (logits.argmax(dim=1) == truth).double().mean().item() > 0.8
    assert metrics["best"]["epoch"] == 0
    weights = load_file("models/trained/member_0_last.safetensors")
    assert torch.equal(weights["blocks.0.0.weight"], load_file(earlier["weights"])["blocks.0.0.weight"])
    still = {"batch_size": 60, "lr": 1e-12, "augment.crop_padding": 0, "freeze": "backbone", "label_smoothing": 0.0}
    gone_on = train(epochs=1, **probe, **still)
    assert gone_on["train"]["loss"] == pytest.approx(metrics["train"]["loss"], rel=1e-4)
    assert gone_on["val"]["loss"] == pytest.approx(metrics["val"]["loss"], rel=1e-4)


def test_prototypes_are_a_model_without_epochs(train, earlier):
    metrics = train(epochs=0, head_init="prototypes", **earlier)
    first = written()
    train(epochs=0, head_init="prototypes", **earlier)
    assert written() == first
    assert metrics["best"]["val"]["accuracy"] > 0.8
    assert read_spec("models/trained").members[0].file == "member_0_best.safetensors"


def test_classes_that_an_earlier_model_knows_keep_their_rows_wherever_they_stand(train, earlier, capsys):
    """The earlier model knew red and blue, in this order; green is new."""
    train(epochs=1)
    shutil.copytree("models/trained", "models/pretrained/first")
    spec = read_spec("models/pretrained/first")
    layer = load_file("models/pretrained/first/member_0_best.safetensors")
    kept = {name: value[[2, 0]] if value.shape[:1] == (3,) else value for name, value in layer.items()}
    write_weights("models/pretrained/first/member_0_best.safetensors", kept)
    write_json("models/pretrained/first/model.json", {**spec.model_dump(), "classes": ["red", "blue"]})
    metrics = train(epochs=0, head_init="known", weights="models/pretrained/first", normalization="weights")
    found = load_file("models/trained/member_0_best.safetensors")
    changed = [name for name in layer if not torch.equal(layer[name], found[name])]
    assert len(changed) == 2  # weight and bias of the head
    assert all(torch.equal(layer[name][[0, 2]], found[name][[0, 2]]) for name in changed)
    assert metrics["best"]["val"]["accuracy"] > 0.8
    assert (metrics["forgetting"]["classes"], metrics["forgetting"]["images"]) == (2, 10)
    taught = {"rehearsal": 3, "distill.teacher": "models/pretrained/first", "keep": "last"}
    numbers = train(epochs=1, **taught)["forgetting"]
    assert numbers["forgetting"] == numbers["before"] - numbers["after"]
    assert (
        "rehearsal: 6 of 40 images that models/pretrained/first has seen, beside 20 new ones" in capsys.readouterr().out
    )
    write_json("models/pretrained/first/model.json", {**spec.model_dump(), "classes": ["lion", "ape"]})
    with pytest.raises(SightlineError, match="models/pretrained/first knows none of the classes"):
        train(epochs=0, weights="models/pretrained/first", **{"rehearsal": 0, "distill.teacher": ""})
    with pytest.raises(SightlineError, match=r"weights: .* does not tell its classes"):
        train(epochs=0, head_init="known", normalization="dataset", **earlier)


@pytest.mark.parametrize(
    "changes",
    [
        {"head_init": "probe", "noise": "prune"},
        {"noise": "elr"},
        {"noise": "reweight"},
        {"adversarial.method": "trades", "adversarial.steps": 2},
    ],
)
def test_a_training_that_was_broken_off_goes_on_with_the_same_bytes(train, earlier, monkeypatch, capsys, changes):
    asked = {"epochs": 2, **changes, **earlier}  # three updates an epoch
    train(**asked)
    whole = written()
    calls, update = [], loop.update

    def break_off(*given):
        calls.append(given)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return update(*given)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(loop, "update", break_off)
        train(**asked)
    train(**asked)
    assert "goes on after epoch 1" in capsys.readouterr().out
    assert written() == whole


def test_training_images_whose_labels_the_others_contradict_are_left_out(train, earlier, monkeypatch, capsys):
    index = read_index()
    wrong = np.arange(90) % 12 == 4
    labels = np.where(wrong, (index["label"] + 1) % 3, index["label"])
    write_table("data/prepared/index.csv", index.assign(label=labels))
    taking_part = []
    plan = script.plan_members

    def note(samples, *given):
        taking_part.append(samples)
        return plan(samples, *given)

    monkeypatch.setattr(script, "plan_members", note)
    monkeypatch.setattr(doubted, "MUCH", 0.0)
    metrics = train(epochs=0, head_init="probe", noise="prune", **earlier)
    (samples,) = taking_part
    left_out = np.setdiff1d(np.arange(60), samples.of("train").row)
    assert set(np.flatnonzero(wrong[:60])) <= set(left_out)
    assert len(left_out) < 12  # of 60, 5 of them wrong
    assert (len(samples.of("val")), len(samples.of("test"))) == (15, 15)
    assert metrics["noise"] == {"left_out": len(left_out), "share": len(left_out) / 60}
    told = capsys.readouterr().out
    assert "noise: prune holds features of 60 images: 0.0 GiB of memory" in told
    assert f"leaves out {len(left_out)} training images" in told
    write_split(["train"] * 75 + ["test"] * 15, [0, 1, 2] * 25 + [-1] * 15)
    with pytest.raises(SightlineError, match="prune needs folds: 0"):
        train()
    write_split(["train"] * 4 + ["val"] * 71 + ["test"] * 15, -1)
    with pytest.raises(SightlineError, match="prune needs two classes of two training images each"):
        train()


def test_a_class_of_which_nothing_would_be_left_keeps_all(train, earlier, monkeypatch):
    """Doubted are all 20 images of the first class, and the first image of the second."""
    monkeypatch.setattr(doubted, "find_surely_wrong", lambda labels, _: np.array([1, *np.flatnonzero(labels == 0)]))
    assert train(epochs=0, head_init="probe", noise="prune", **earlier)["noise"]["left_out"] == 1


def test_labels_are_not_judged_by_a_network_that_offers_no_features(train):
    write_weights("models/pretrained/other.safetensors", build_network("cifarnet", 3, 16, False).state_dict())
    with pytest.raises(SightlineError, match="noise: prune is for networks whose logits are the output of one linear"):
        train(model="cifarnet", input_size=16, weights="models/pretrained/other.safetensors", noise="prune")


def test_another_mistake_while_labels_are_judged_is_told_as_it_is(train, earlier, monkeypatch):
    def fail(*_):
        raise SightlineError("data/prepared/images.npy: damaged")

    monkeypatch.setattr(doubted, "look_at", fail)
    with pytest.raises(SightlineError, match=r"^data/prepared/images\.npy: damaged$"):
        train(noise="prune", **earlier)


def test_a_probe_that_no_epoch_betters_is_kept(train, earlier):
    """Each update at this rate throws the head away."""
    spoilt = {"epochs": 2, "lr": 1e4, "optimizer": "sgd", "monitor": "val/loss", "clip.norm": 1.0, **earlier}
    probe = train(head_init="probe", epochs=0, **earlier)
    kept = load_file("models/trained/member_0_best.safetensors")
    metrics = train(head_init="probe", **spoilt)
    assert (metrics["best"]["epoch"], metrics["best"]["val"]["loss"]) == (0, pytest.approx(probe["val"]["loss"]))
    assert metrics["val"]["loss"] > 10 * metrics["best"]["val"]["loss"]
    best = load_file("models/trained/member_0_best.safetensors")
    assert all(torch.equal(best[name], kept[name]) for name in kept)
    curves = pd.read_csv("plots/train/epochs.csv").set_index(["measure", "subset"])["epoch"]
    assert curves["loss", "validation"].tolist() == [0, 1, 2]
    assert curves["loss", "training"].tolist() == [1, 2]


def test_batch_norms_at_rest_keep_the_statistics_that_were_given(train, earlier):
    train(**earlier, freeze_batch_norm=True, epochs=1)
    given, trained = load_file(earlier["weights"]), load_file("models/trained/member_0_last.safetensors")
    for layer in range(3):
        assert not torch.equal(trained[f"blocks.{layer}.0.weight"], given[f"blocks.{layer}.0.weight"])
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            assert torch.equal(trained[f"blocks.{layer}.1.{name}"], given[f"blocks.{layer}.1.{name}"])


def test_a_copy_with_another_head_starts_a_training_and_is_a_teacher(train):
    train(epochs=1, **{"head.hidden": 8, "head.pool": "catavgmax"})
    Path("models/pretrained").mkdir()
    copy = str(Path("models/trained").rename("models/pretrained/hidden"))
    given = load_file(f"{copy}/member_0_best.safetensors")
    frozen = {"weights": copy, "freeze": "backbone", "distill.teacher": copy, "epochs": 1}
    train(**frozen)  # with the same head
    same = load_file("models/trained/member_0_best.safetensors")
    assert set(same) == set(given) and "head.3.weight" in same
    train(**frozen, **{"head.hidden": 0, "head.pool": "network"})
    other = load_file("models/trained/member_0_best.safetensors")
    assert other["head.weight"].shape == (3, 128)
    assert torch.equal(other["blocks.2.0.weight"], given["blocks.2.0.weight"])


@pytest.mark.parametrize(
    "changes", [{}, {"head_init": "probe", "patience": 1, "monitor": "val/loss", "min_delta": 9.0}]
)
def test_what_finished_but_was_lost_is_given_back_until_something_changes(train, monkeypatch, capsys, changes):
    train(is_lost=True, **changes)
    whole = written()
    for path in whole:
        Path(path).unlink()
    capsys.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr(loop, "update", None)  # nothing is trained
        patched.setattr(first_head, "fit_probe", None)
        train(is_lost=True, **changes)
    assert capsys.readouterr().out.startswith("train: finished before, but not noted by DVC: given back")
    assert written() == whole
    state = next(Path(".resume").glob("*/member_0.pt"))
    content = state.read_bytes()
    state.write_bytes(content[:-1])
    train(is_lost=True, **changes)
    assert "damaged: this training starts anew" in (said := capsys.readouterr().out)
    assert "given back" not in said
    assert "epoch 1/3" in said
    assert written() == whole
    train(is_lost=True, **changes, lr=0.02)
    assert "given back" not in (said := capsys.readouterr().out)
    assert "epoch 1/3" in said
    assert written() != whole


def test_adjusted_logits_give_the_probe_without_the_classes_shares(train):
    """Training adds tau ln(share) to the logits, so that the same regression has its bias lowered by it."""
    write_split(["train" if number % 3 or number < 20 else "test" for number in range(75)] + ["val"] * 15, -1)
    probe = {"head_init": "probe", "epochs": 0}
    train(**probe)
    plain = load_file("models/trained/member_0_last.safetensors")
    train(**probe, logit_adjustment=1.0)
    adjusted = load_file("models/trained/member_0_last.safetensors")
    shares = np.array([7, 25, 25]) / 57
    assert (plain["head.bias"] - adjusted["head.bias"]).numpy() == pytest.approx(np.log(shares), abs=1e-4)
    assert torch.equal(plain["head.weight"], adjusted["head.weight"])


def test_each_fold_and_architecture_has_a_probe_of_its_own_and_handcrafted_ones_none(train):
    write_split(["train"] * 75 + ["test"] * 15, [number // 3 % 2 for number in range(75)] + [-1] * 15)
    metrics = train(epochs=0, head_init="probe", model=["simple_cnn", "lbp+linear_svm"])
    heads = [load_file(f"models/trained/member_{number}_best.safetensors")["head.weight"] for number in range(2)]
    assert not torch.equal(*heads)
    assert {"simple_cnn", "lbp+linear_svm"} < set(metrics)


def test_without_validation_images_the_probe_is_chosen_on_parts_of_the_training_images(train, capsys):
    write_split(["train"] * 75 + ["test"] * 15, -1)
    train(epochs=0, head_init="probe", keep="last")
    assert "chosen on 5 parts of the training images" in capsys.readouterr().out
    assert pd.read_csv("plots/train/epochs.csv")["measure"].tolist() == ["loss", "accuracy"]


def test_a_teacher_teaches(train):
    train(epochs=3)
    Path("models/pretrained").mkdir()
    Path("models/trained").rename("models/pretrained/teacher")
    distill = {"distill.teacher": "models/pretrained/teacher", "distill.weight": 1.0, "label_smoothing": 0.0}
    losses = [train(epochs=epochs, **distill)["train"]["loss"] for epochs in (1, 4)]
    assert losses[1] < losses[0]
    write_json(
        "models/pretrained/teacher/model.json",
        read_spec("models/pretrained/teacher").model_dump() | {"classes": list("abc")},
    )
    with pytest.raises(SightlineError, match=r"distill\.teacher"):
        train(**distill)


def test_several_architectures_make_an_ensemble(train):
    metrics = train(model=["simple_cnn", "hog_lbp_color+linear_svm"])
    spec = read_spec("models/trained")
    assert [member.architecture for member in spec.members] == ["simple_cnn", "hog_lbp_color+linear_svm"]
    assert len(load_members("models/trained", spec)) == 2
    assert metrics["simple_cnn"]["val"]["accuracy"] > 0.5
    assert metrics["best"]["mean"]["val"]["accuracy"] > 0.5


def test_a_member_that_was_finished_is_not_trained_again(train, monkeypatch):
    write_split(["train"] * 75 + ["test"] * 15, [number // 3 % 3 for number in range(75)] + [-1] * 15)
    train(folds=3)
    whole = written()
    trained = []

    def fit(classifier, images, val, run):
        trained.append(run.member)
        if run.member == 1 and len(trained) == 2:
            raise KeyboardInterrupt
        return loop.fit(classifier, images, val, run)

    monkeypatch.setattr("train.fit", fit)
    with pytest.raises(KeyboardInterrupt):
        train(folds=3)
    steps = []
    update = loop.update
    monkeypatch.setattr(loop, "update", lambda *given: steps.append(given[0].run.member) or update(*given))
    train(folds=3)
    assert trained == [0, 1, 0, 1, 2]
    assert set(steps) == {1, 2}
    assert written() == whole


def test_a_compiled_network_is_saved_under_its_own_names(train, monkeypatch):
    compiled, real = [], torch.compile

    def compile_eagerly(network, **options):
        compiled.append(network)
        return real(network, backend="eager")

    monkeypatch.setattr(torch, "compile", compile_eagerly)
    train(epochs=1)
    plain = load_file("models/trained/member_0_last.safetensors")
    train(epochs=1, compile=True, arithmetic="native")
    found = load_file("models/trained/member_0_last.safetensors")
    assert len(compiled) == 1
    assert set(found) == set(plain)
    assert all(torch.allclose(found[name], plain[name]) for name in plain)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("bf16", "train: precision: bf16 is emulated here"), ("auto", "train: precision: auto chose fp32")],
)
def test_where_bf16_is_emulated_one_line_tells(workspace, set_params, monkeypatch, capsys, asked, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    monkeypatch.setattr(precision, "times_as_long", lambda dtype, device: 4.0)
    set_params(precision=asked, arithmetic="native")
    AcceleratorState._reset_state(reset_partial_state=True)
    make_accelerator(load_params(TrainParams))
    (told,) = capsys.readouterr().out.splitlines()
    assert told.startswith(expected)


def test_members_of_different_kinds_are_summarized_by_what_both_have():
    found = summarize_best([Fitted(1, {"lr": 0.1, "val/loss": 2.0}, {}, {}), Fitted(0, {"val/loss": 1.0}, {}, {})])
    assert found["mean"] == {"val": {"loss": 1.5}}
