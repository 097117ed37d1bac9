import numpy as np
import pytest
import torch
from torch.nn import functional

from sightline.common.errors import SightlineError
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.architectures.build import build_network
from sightline.networks.classifier import Classifier
from sightline.networks.saved import Member, ModelSpec, read_spec, write_spec, write_weights
from sightline.training.recipe.distillation import Teacher, load_teacher

CLASSES = ["ant", "bee", "wasp"]


class MeanColor(torch.nn.Module):
    """Logits are the mean of each channel; it remembers what it was given."""

    def forward(self, images):
        self.seen = images
        return images.mean(dim=(2, 3))


def write_trained(folder, architectures, size=32):
    """Write a models/trained of untrained networks whose statistics are not the identity."""
    torch.manual_seed(0)
    members = [Member(architecture=name, file=f"{n}.safetensors", fold=None) for n, name in enumerate(architectures)]
    spec = ModelSpec(
        classes=CLASSES,
        preprocessing=Preprocessing(image_size=size, fit="crop", resample="bilinear", background=[255, 255, 255]),
        input_size=size,
        mean=[0.2, 0.3, 0.4],
        std=[0.5, 0.6, 0.7],
        members=members,
    )
    networks = [build_network(name, len(CLASSES), size, pretrained=False) for name in architectures]
    for member, network in zip(members, networks, strict=True):
        write_weights(folder / member.file, network.state_dict())
    write_spec(folder, spec)
    return [Classifier(network, spec.mean, spec.std, size).eval() for network in networks]


def test_log_probabilities_are_those_of_the_earlier_members(tmp_path):
    members = write_trained(tmp_path, ["simple_cnn", "test_resnet"])
    teacher = load_teacher(tmp_path, CLASSES)
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8))
    expected = torch.stack([member(pixels).softmax(dim=1) for member in members]).mean(dim=0).log()
    torch.testing.assert_close(teacher(pixels), expected.detach())
    torch.testing.assert_close(teacher(pixels.permute(0, 3, 1, 2) / 255), expected.detach())
    assert expected.std(dim=0).min() > 1e-4  # the images do differ


def test_a_stacked_teacher_says_what_its_stack_says(tmp_path):
    members = write_trained(tmp_path, ["simple_cnn", "test_resnet"])
    count = len(CLASSES)
    tensors = {"weight": torch.randn(3, count, 2 * count), "bias": torch.randn(3, count)}
    write_weights(tmp_path / "stack.safetensors", tensors)
    write_spec(tmp_path, read_spec(tmp_path).model_copy(update={"stack": "stack.safetensors"}))
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8))
    inputs = torch.cat([member(pixels).log_softmax(dim=1) for member in members], dim=1)
    expected = (inputs @ tensors["weight"][0].T + tensors["bias"][0]).log_softmax(dim=1).detach()
    teacher = load_teacher(tmp_path, CLASSES)
    torch.testing.assert_close(teacher(pixels), expected)
    torch.testing.assert_close(teacher(pixels.permute(0, 3, 1, 2) / 255), expected)


def test_a_temperature_softens_them_as_it_does_logits(tmp_path):
    (member,) = write_trained(tmp_path, ["simple_cnn"])
    images = torch.rand(3, 3, 32, 32)
    logits = member.network(member.normalize(images))
    softened = (load_teacher(tmp_path, CLASSES)(images) / 4).softmax(dim=1)
    torch.testing.assert_close(softened, (logits / 4).softmax(dim=1).detach())


@pytest.mark.parametrize("side", [2, 4, 8])
def test_a_teacher_of_another_size_sees_the_whole_image_with_its_own_normalization(side):
    """The left half is black, the right half white: means and halves stay, whatever the student's size."""
    network = MeanColor()
    teacher = Teacher([Classifier(network, [0.5, 0.0, 0.0], [0.5, 1.0, 2.0], 4)])
    images = torch.zeros(1, 3, side, side)
    images[..., side // 2 :] = 1
    found = teacher(images)
    logits = torch.tensor([[0.0, 0.5, 0.25]])
    torch.testing.assert_close(found, functional.log_softmax(logits, dim=1))
    assert network.seen.shape == (1, 3, 4, 4)
    assert network.seen[0, 1, 0, 0] < 0.01
    assert network.seen[0, 1, 0, 3] > 0.99


def test_it_never_trains(tmp_path):
    write_trained(tmp_path, ["simple_cnn"])
    teacher = load_teacher(tmp_path, CLASSES)
    student = torch.nn.ModuleDict({"teacher": teacher}).train()
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    images = torch.rand(4, 3, 32, 32, requires_grad=True)
    found = student["teacher"](images)
    assert not found.requires_grad
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert not any(module.training for module in teacher.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in teacher.state_dict().items())
    functional.kl_div(
        torch.log_softmax(images.mean(dim=(2, 3)), dim=1), found, reduction="batchmean", log_target=True
    ).backward()
    assert images.grad is not None  # the target can stand in a loss


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["ant", "bee"], "it knows 3 classes, and the images are of 2"),
        (["ant", "wasp", "bee"], "its class 1 is 'bee', that of the images 'wasp'"),
    ],
)
def test_other_classes_or_another_order_are_refused(classes, message, tmp_path):
    write_trained(tmp_path, ["simple_cnn"])
    with pytest.raises(SightlineError, match=rf"distill\.teacher: .*: {message}: name a teacher") as caught:
        load_teacher(tmp_path, classes)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(SightlineError, match=r"distill\.teacher: .*gone holds no model\.json"):
        load_teacher(tmp_path / "gone", CLASSES)


def test_handcrafted_features_can_teach(tmp_path):
    (member,) = write_trained(tmp_path, ["hog+svm"])
    images = torch.rand(2, 3, 32, 32)
    expected = member.network(images).log_softmax(dim=1)
    torch.testing.assert_close(load_teacher(tmp_path, CLASSES)(images), expected)
