"""Small networks to explain, shared by the tests of this folder."""

import timm
import torch
from timm.models.mlp_mixer import MlpMixer
from timm.models.mvitv2 import MultiScaleVit, MultiScaleVitCfg
from timm.models.vgg import VGG
from torch import nn

from sightline.explaining.methods.layers import read_outputs
from sightline.explaining.methods.subject import Settings, Subject, describe_subject
from sightline.networks.classifier import Classifier

SIZE = 64
SETTINGS = Settings(cells=4, samples=40, steps=8, noise=0.1, seed=0)
TINY_SWIN = {"img_size": SIZE, "window_size": 4, "embed_dim": 24, "depths": (1, 1), "num_heads": (2, 2)}
TINY_VIT = {"img_size": SIZE, "embed_dim": 32, "depth": 2, "num_heads": 2}
VIT, SWIN, DEIT = "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "deit_tiny_distilled_patch16_224"
TINY_CROSSVIT = {"img_size": SIZE, "img_scale": (1.0, 1.0), "patch_size": (8, 16), "embed_dim": (32, 48)}
TINY_COAT = {"img_size": SIZE, "embed_dims": (64,) * 4, "serial_depths": (1,) * 4}
TINY_TNT = {"img_size": SIZE, "embed_dim": 32, "inner_dim": 8, "depth": 2, "num_heads_outer": 2}
TINY_TWINS = {"img_size": SIZE, "embed_dims": (16, 16, 32, 32), "depths": (1,) * 4, "num_heads": (2,) * 4}
TINY_PIT = {"img_size": SIZE, "depth": (1,) * 3}
TINY_VGG = [8, "M", 8, "M", 16, "M", 16, "M"]


def tiny_mixer() -> MlpMixer:
    """Build a mixer whose head, which timm starts at zero, says something."""
    network = MlpMixer(num_classes=4, img_size=SIZE, num_blocks=2, embed_dim=32)
    nn.init.normal_(network.head.weight)
    return network


def tiny_mvit(class_token: bool) -> MultiScaleVit:
    """Build a multiscale vision transformer, whose factory takes no sizes."""
    config = MultiScaleVitCfg(depths=(1,) * 4, embed_dim=(16, 32, 64, 128), use_cls_token=class_token)
    return MultiScaleVit(config, img_size=(SIZE, SIZE), num_classes=4)


NETWORKS = {  # builder, the layer that is right for SIZE px, positions a side
    "resnet": (lambda: timm.create_model("test_resnet", num_classes=4), "layer3", 4),
    "efficientnet": (lambda: timm.create_model("test_efficientnet", num_classes=4), "blocks.3", 4),
    "mobilenetv3": (lambda: timm.create_model("mobilenetv3_small_050", num_classes=4), "blocks.3", 4),
    "densenet": (
        lambda: timm.create_model("densenet121", num_classes=4, growth_rate=8, block_config=(2, 2, 2, 2)),
        "features.denseblock3",
        4,
    ),
    "vgg": (lambda: VGG(TINY_VGG, num_classes=4, mlp_ratio=0.01), "features.11", 4),
    "regnet": (lambda: timm.create_model("regnetx_002", num_classes=4), "s3", 4),
    "convnext": (lambda: timm.create_model("test_convnext", num_classes=4), "stages.2", 4),
    "vit, class token": (lambda: timm.create_model(VIT, num_classes=4, **TINY_VIT), "blocks.1.norm1", 4),
    "vit, mean pool": (
        lambda: timm.create_model(VIT, num_classes=4, **TINY_VIT, global_pool="avg"),
        "blocks.1",
        4,
    ),
    "vit, registers": (lambda: timm.create_model(VIT, num_classes=4, **TINY_VIT, reg_tokens=5), "blocks.1.norm1", 4),
    "deit": (lambda: timm.create_model(DEIT, num_classes=4, **TINY_VIT), "blocks.1.norm1", 4),
    "swin": (lambda: timm.create_model(SWIN, num_classes=4, **TINY_SWIN), "layers.1", 8),
    "maxvit": (lambda: timm.create_model("maxvit_rmlp_pico_rw_256", num_classes=4, img_size=SIZE), "stages.2", 4),
    "mixer": (tiny_mixer, "blocks.1", 4),
}


PROBED = {  # networks that name no layer which can be read; otherwise as NETWORKS
    "coat": (
        lambda: timm.create_model("coat_tiny", num_classes=4, **TINY_COAT, parallel_depth=1),
        "parallel_blocks.0.norm13",
        4,
    ),
    "coat, one branch": (
        lambda: timm.create_model("coat_lite_tiny", num_classes=4, **TINY_COAT),
        "serial_blocks3.0",
        4,
    ),
    "crossvit": (
        lambda: timm.create_model(
            "crossvit_tiny_240", num_classes=4, **TINY_CROSSVIT, num_heads=(2, 2), depth=((1, 1, 0),)
        ),
        "blocks.0.fusion.1.norm1",
        8,
    ),
    "efficientvim": (lambda: timm.create_model("efficientvim_m1", num_classes=4), "stages.0.downsample.dwconv1", 4),
    "hrnet": (lambda: timm.create_model("hrnet_w18_small", num_classes=4), "downsamp_modules.1.2", 4),
    "mvitv2": (lambda: tiny_mvit(class_token=False), "stages.3.blocks.0.norm1", 4),
    "mvitv2, class token": (lambda: tiny_mvit(class_token=True), "stages.3.blocks.0.norm1", 4),
    "pit": (lambda: timm.create_model("pit_ti_224", num_classes=4, **TINY_PIT), "transformers.1.blocks", 4),
    "pit, distilled": (
        lambda: timm.create_model("pit_ti_distilled_224", num_classes=4, **TINY_PIT),
        "transformers.1.blocks",
        4,
    ),
    "tnt": (
        lambda: timm.create_model("tnt_s_legacy_patch16_224", num_classes=4, **TINY_TNT),
        "blocks.1.norm_out",
        4,
    ),
    "twins": (lambda: timm.create_model("twins_svt_small", num_classes=4, **TINY_TWINS), "pos_block.2", 4),
}


def subject(network: nn.Module, size: int = SIZE) -> Subject:
    """Describe a network that takes pixels as they are, in [0, 1]; black stands for nothing."""
    return describe_subject("here", Classifier(network, mean=[0.0] * 3, std=[1.0] * 3, input_size=size).eval(), 64)


def noise(count: int, size: int = SIZE) -> torch.Tensor:
    """Return images float [count, 3, size, size] in [0, 1]."""
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def place_of_change(seen: Subject) -> tuple[float, float]:
    """Return the row and column in the image where the target layer changes most as a square at (40, 8) lights up."""
    images = torch.zeros(2, 3, SIZE, SIZE)
    images[1, :, 40:56, 8:24] = 1
    black, changed = seen.layer.to_grid(read_outputs(seen.classifier, [seen.layer.name], images)[seen.layer.name])
    distance = (changed - black).norm(dim=0)
    row, column = divmod(int(distance.argmax()), distance.shape[1])
    return row * SIZE / len(distance), column * SIZE / len(distance)


class Channels(nn.Module):
    """Logit k is a weighted sum of the spatial means of red, green and blue."""

    def __init__(self, weights: list[list[float]]):
        super().__init__()
        self.feature_info = [{"module": "features", "num_chs": 3}]
        self.features = nn.Identity()
        self.weights = torch.tensor(weights)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.features(images).mean(dim=(2, 3)) @ self.weights.T


class Weighted(nn.Module):
    """Two classes; the first one's probability is the mean of red over the image, each pixel times its weight."""

    def __init__(self, weights: list[list[float]]):
        super().__init__()
        self.weights = torch.tensor(weights)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = (images[:, 0] * self.weights).mean(dim=(1, 2))
        return torch.stack([first, 1 - first], dim=1).log()
