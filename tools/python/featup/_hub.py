"""The published checkpoints, called as their authors' code is."""

import os
import pathlib

import numpy as np

from . import _arrays
from ._library import FileError
from ._models import Backbone, Upsampler

_ADDRESS = "https://marhamilresearch4.blob.core.windows.net/feature-upsampling-public/pretrained/"
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


def _places():
    if os.environ.get("FEATUP_HOME"):
        yield pathlib.Path(os.environ["FEATUP_HOME"])
    torch = os.environ.get("TORCH_HOME") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    yield pathlib.Path(torch).expanduser() / "hub" / "checkpoints"


class HubModel:
    """A backbone and its upsampler, for batches of normalised images.

    Attributes
    ----------
    model : callable
        (B, 3, H, W) -> (B, C, h, w): the coarse features.
    backbone, upsampler
        As in the rest of this package.
    """

    def __init__(self, path):
        self.path = str(path)
        self.backbone = Backbone(path)
        self.upsampler = Upsampler(path, published=True)
        self.model = lambda image: self._run(image, lambda one: self.backbone.features(one, "own"))

    def _run(self, image, function):
        batch = _arrays.array(image, "image")
        if batch.ndim != 4 or batch.shape[1] != 3:
            raise ValueError(f"image has shape {batch.shape}, expected (B, 3, H, W).")
        colors = batch.transpose(0, 2, 3, 1).astype(np.float32) * _STD + _MEAN
        pixels = np.clip(np.rint(colors * 255), 0, 255).astype(np.uint8)
        result = np.stack([function(one).transpose(2, 0, 1) for one in pixels])
        if type(image).__module__.split(".")[0] == "torch":
            import torch

            return torch.from_numpy(result)
        return result

    def __call__(self, image):
        """(B, 3, H, W), normalised by ImageNet's mean and deviation -> (B, C, 16 h, 16 w), of the kind of `image`.

        Colours are rounded to 8 bits: exact for an 8-bit image that was normalised.
        """

        def fine(one):
            patch = self.backbone.patch
            size = (16 * (one.shape[0] // patch), 16 * (one.shape[1] // patch))
            return self.upsampler(one, self.backbone, size="own", out_size=size)

        return self._run(image, fine)


def hub(name, use_norm=True):
    """A published checkpoint: ``upsampler = featup.hub("dino16"); hr = upsampler(image)``.

    Nothing is downloaded. The file is looked for in ``FEATUP_HOME`` and in torch's hub cache.

    Parameters
    ----------
    name : str
        ``"dino16"``, ``"dinov2"``, ``"clip"``, ``"vit"``, ``"resnet50"``, ``"maskclip"``; or the path of a checkpoint.
    use_norm : bool
        The one that was trained on normalised features. Of maskclip there is only the other.

    Raises
    ------
    FileError
        The file is in neither place. The message has the official address.
    """
    if os.path.exists(name):
        return HubModel(name)
    file = f"{name}_jbu_stack_cocostuff.ckpt"
    no_norm = not use_norm or name == "maskclip"
    places = list(_places())
    for place in places:
        for path in ([place / "no_norm" / file, place / f"no_norm_{file}"] if no_norm else []) + [place / file]:
            if path.is_file():
                return HubModel(path)
    address = _ADDRESS + ("no_norm/" if no_norm else "") + file
    raise FileError(f"featup.hub: {file} is not in {' or '.join(map(str, places))}. Download {address} to there, or "
                    "set FEATUP_HOME to the folder that has it.")
