"""What methods of pretraining are tried with: a backbone without weights, settings, rows of numbers."""

from pathlib import Path

import torch
from ruamel.yaml import YAML
from torch import nn

from sightline.parameters.pretrain import PretrainSection

SMALL = {"hidden": 16, "dimensions": 8, "queue": 1024}


class Flat(nn.Module):
    """Pixels [N, 3, 2, 2] as features."""

    features = 12

    def forward(self, images):
        return images.flatten(1)


def rows(count, width, start):
    return torch.sin(torch.arange(count * width).float() * 0.7 + start).view(count, width)


def images(start):
    return rows(6, Flat.features, start).view(6, 3, 2, 2)


def read_settings(**changes):
    content = YAML(typ="safe").load(Path("params.yaml"))["pretrain"]
    return PretrainSection(**content | SMALL | changes)
