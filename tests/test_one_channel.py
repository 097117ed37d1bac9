"""What `prepare.channels: 1` changes, room by room: grey images give what the same in three equal channels give."""

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from prepare import main
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.drawing.contact_sheet import thumbnail
from sightline.drawing.tiles import resized
from sightline.explaining.methods.catalogue import METHODS, explain, select_methods
from sightline.explaining.methods.subject import describe_subject
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.duplicates import perceptual_hashes
from sightline.images.store import open_pixels, read_dataset
from sightline.networks.architectures.build import OWN_NETWORKS, build_network
from sightline.networks.classifier import Classifier
from sightline.parameters.prepare import PrepareParams
from sightline.scoring.pixel_summary import summarize_pixels
from sightline.scoring.robustness.corruptions import CORRUPTIONS, corrupt
from sightline.training.augmentation.color import jitter_colors
from sightline.training.augmentation.operations import NAMES, apply_operations
from sightline.training.recipe.normalization import dataset_normalization
from sightline.training.recipe.pretrained import load_weights
from sightline.training.recipe.published import in_channels
from subjects import SETTINGS

HOW = Preprocessing(8, "pad", "box", (255, 0, 0), bands=1)


def grey(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_pixels_are_the_luma(encode):
    decoded = decode(encode(Image.new("RGB", (8, 4), (0, 255, 0))), HOW, 100)
    assert decoded.pixels.shape == (8, 8, 1)
    assert (decoded.pixels[2:6] == 150).all()  # 0.587 of 255 is 149.7
    assert (decoded.pixels[:2] == 76).all()  # the bars' red: 0.299 of 255 is 76.2
    levels = grey(8, 8)
    assert (decode(encode(Image.fromarray(levels)), HOW, 100).pixels[..., 0] == levels).all()


def test_another_number_of_bands_is_refused():
    with pytest.raises(ValueError, match=r"^bands must be 3 or 1 \(got 4\)$"):
        Preprocessing(8, "pad", "box", (0, 0, 0), bands=4)


def test_prepare_stores_one_channel_and_draws_it(set_params, photo_folder):
    set_params(**{"prepare.source": "data/raw/photos", "prepare.image_size": 16, "prepare.channels": 1})
    main(load_params(PrepareParams))
    assert open_pixels().shape == (7, 16, 16, 1)
    assert read_dataset().preprocessing.bands == 1
    assert json.loads(Path("data/prepared/dataset.json").read_text())["preprocessing"]["bands"] == 1
    assert Image.open("plots/prepare/samples.png").mode == "RGB"


def test_pictures_and_hashes_are_those_of_three_equal_channels():
    pixels = grey(5, 16, 16, 1)
    same = np.repeat(pixels, 3, axis=3)
    assert (np.asarray(thumbnail(pixels[0], 8)) == np.asarray(thumbnail(same[0], 8))).all()
    assert (resized(pixels[0], 32) == resized(same[0], 32)).all()
    assert (perceptual_hashes(pixels) == perceptual_hashes(same)).all()
    summaries = summarize_pixels(pixels, np.arange(5)), summarize_pixels(same, np.arange(5))
    assert set(summaries[0]) == {"brightness", "contrast", "sharpness"}
    for name, values in summaries[0].items():
        np.testing.assert_allclose(values, summaries[1][name], rtol=1e-5)
    assert [level[0] for level in dataset_normalization(pixels, np.arange(5))] == [
        level[2] for level in dataset_normalization(same, np.arange(5))
    ]


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name != "noise"])
def test_corruptions_are_those_of_three_equal_channels(name):
    pixels = grey(24, 24, 1)
    found = corrupt(pixels, name, 3, 0)
    assert found.shape == (24, 24, 1)
    same = corrupt(np.repeat(pixels, 3, axis=2), name, 3, 0)
    assert np.abs(found.astype(int) - same).max() <= 2  # JPEG rounds its colours


@pytest.mark.parametrize("name", NAMES)
def test_augmentation_is_that_of_three_equal_channels(name):
    images = torch.from_numpy(grey(6, 1, 16, 16)).float() / 255
    chosen = torch.full((6,), NAMES.index(name))
    values = torch.linspace(0.1, 0.9, 6) if name != "Posterize" else torch.arange(6.0)
    found = apply_operations(images, chosen, values, [0.5])
    same = apply_operations(images.expand(-1, 3, -1, -1), chosen, values, [0.5] * 3)
    torch.testing.assert_close(found.expand(-1, 3, -1, -1), same, atol=1e-5, rtol=0)


def test_jitter_is_that_of_three_equal_channels():
    images = torch.from_numpy(grey(6, 1, 16, 16)).float() / 255
    found, same = (
        jitter_colors(given, (0.4, 0.4, 0.4, 0.1), 0.5, torch.Generator().manual_seed(1))
        for given in (images, images.expand(-1, 3, -1, -1))
    )
    torch.testing.assert_close(found.expand(-1, 3, -1, -1), same, atol=1e-5, rtol=0)
    assert not torch.equal(found, images)


@pytest.mark.parametrize("name", [*OWN_NETWORKS, "hog_lbp+linear_svm", "test_resnet", "test_vit"])
def test_networks_take_one_channel(name):
    network = build_network(name, 4, 64, pretrained=False, channels=1).eval()
    classifier = Classifier(network, [0.5], [0.2], 64)
    assert classifier.channels == 1
    assert classifier(torch.from_numpy(grey(2, 32, 32, 1))).shape == (2, 4)


def test_whitening_fits_one_channel():
    network = build_network("cifarnet", 4, 32, pretrained=False, channels=1)
    network.initialize_from(torch.rand(64, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert network.blocks[0].weight.shape == (8, 1, 2, 2)
    whitened = torch.nn.functional.conv2d(torch.rand(64, 1, 32, 32), network.blocks[0].weight[:4])
    assert whitened.var(dim=(0, 2, 3)).tolist() == pytest.approx([1] * 4, rel=0.1)


def test_given_weights_see_grey_images_as_in_three_channels(tmp_path):
    color = timm.create_model("test_resnet", num_classes=4).eval()
    save_file(color.state_dict(), tmp_path / "color.safetensors")
    network = build_network("test_resnet", 4, 64, pretrained=False, channels=1)
    assert load_weights(network, tmp_path / "color.safetensors") == []
    images = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, same = network.eval()(images), color(images.expand(-1, 3, -1, -1))
    torch.testing.assert_close(found, same, atol=1e-5, rtol=1e-4)


def test_normalisation_of_three_channels_becomes_that_of_one():
    assert in_channels([0.4, 0.5, 0.6], 1) == pytest.approx([0.5])
    assert in_channels([0.5], 3) == [0.5] * 3
    assert in_channels([0.4, 0.5, 0.6], 3) == [0.4, 0.5, 0.6]


def test_features_of_color_need_colors():
    with pytest.raises(SightlineError, match=r"model: hog_color\+svm: prepare.channels: 1 has no color: leave it out"):
        build_network("hog_color+svm", 3, 32, pretrained=False, channels=1)


def test_every_method_explains_one_channel():
    torch.manual_seed(0)
    classifier = Classifier(build_network("simple_cnn", 2, 16, pretrained=False, channels=1).eval(), [0.5], [0.2], 16)
    subject = describe_subject("simple_cnn", classifier, 64)
    for name in select_methods(list(METHODS), [subject])[0]:
        maps = explain(name, [subject], torch.rand(2, 1, 16, 16), torch.arange(2), SETTINGS)
        assert maps.shape == (2, 16, 16)
        assert np.isfinite(maps).all(), name
