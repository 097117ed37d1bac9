"""What others train with, on the same images as files: two loops over a DataLoader, each as a contender."""

from collections.abc import Callable

from own import Setting, make_step

WORKERS = 2  # one a core


def torchvision_loop(setting: Setting, tick: Callable[[], None]) -> None:
    """Train from ImageFolder, a DataLoader with two workers that stay, and transforms v2.

    Cropping and flipping Pillow's images, with a constant border, was the fastest of five orders of the transforms.
    """
    import torch
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    from sightline.common.device import pick_device

    transforms = [
        v2.RandomCrop(setting.size, padding=4),
        v2.RandomHorizontalFlip(),
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
    ]
    images = ImageFolder(setting.images / "train", v2.Compose(transforms))
    options = {"shuffle": True, "drop_last": True, "num_workers": WORKERS, "persistent_workers": True}
    device = pick_device()
    loader = DataLoader(images, setting.batch_size, pin_memory=device.type == "cuda", **options)
    step = make_step(setting)
    while True:
        for loaded, labels in loader:
            batch = loaded.to(device, non_blocking=True, memory_format=torch.channels_last)
            step(batch, labels.to(device, non_blocking=True))
            tick()
