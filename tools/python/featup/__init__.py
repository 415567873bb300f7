"""High-resolution features from vision models, on an ordinary CPU.

>>> import featup
>>> features = featup.features(image)                        # (H, W, C), by the built-in backbone and upsampler
>>> fit = featup.fit(image)                                  # the sharpest ones, in some seconds
>>> labels = featup.segment(image, featup.Probe("my.probe.safetensors")).labels

Arrays go in and out without copies. Images are (H, W, 3), uint8 or float from 0 to 1, of NumPy, PIL, PyTorch, JAX and
others; results are float32 arrays of NumPy, channels last unless ``channels="first"`` is given.
"""

import ctypes as _c

from ._classes import Classes, Head, Probe, Segmentation, Words, scores, segment
from ._fits import Fit, fit
from ._hub import HubModel, hub
from ._library import (Cancelled, DeviceError, Error, FileError, MemoryLimitError, ShapeError, UsageError)
from ._library import Memory as _Memory
from ._library import check as _check
from ._library import lib as _lib
from ._limits import limits
from ._models import Backbone, Upsampler

__version__ = _lib.fu_version().decode()
__all__ = [
    "Backbone", "Upsampler", "Fit", "Words", "Probe", "Head", "Classes", "Segmentation", "HubModel", "features",
    "fit", "segment", "scores", "load", "hub", "limits", "set_threads", "threads", "set_memory_limit",
    "set_cache_limit", "trim_cache", "memory", "Error", "UsageError", "ShapeError", "FileError", "MemoryLimitError",
    "Cancelled", "DeviceError",
]


def features(image, backbone=None, upsampler=None, **arguments):
    """Fine features of an image: what ``featup upsample`` writes, bit for bit.

    Parameters
    ----------
    image, **arguments
        As in `Upsampler.__call__`.
    backbone, upsampler : Backbone, Upsampler, str, or path, optional
        Default: the built-in ones. Open them once yourself if there are many images.

    Returns
    -------
    ndarray
        (H, W, C), float32.
    """
    if backbone is None and arguments.get("features") is None:
        backbone = "builtin"
    if backbone is not None and not isinstance(backbone, Backbone):
        backbone = Backbone(backbone)
    if not isinstance(upsampler, Upsampler):
        upsampler = Upsampler("builtin" if upsampler is None else upsampler, backbone)
    return upsampler(image, backbone, **arguments)


def load(path):
    """Opens what a file or folder holds: a `Fit`, an `Upsampler`, or a `Backbone`, also a folder as hubs give it."""
    reasons = []
    for kind in (Fit, Upsampler, Backbone):
        try:
            return kind(path)
        except FileError as error:
            reasons.append(str(error))
    raise FileError(reasons[-1])


def set_threads(number):
    """Threads that a call computes with; 0: as many as there are cores. Results have the same bits for any number."""
    _check(_lib.fu_set_threads(number))


def threads():
    """Threads that a call computes with."""
    return _lib.fu_threads()


def set_memory_limit(size):
    """Bytes that the library may use at a time, for all of the process; None: no limit."""
    _check(_lib.fu_set_memory_limit(size or 0))


def set_cache_limit(size):
    """Bytes of freed memory that are kept for the next call; None: as many as calls needed so far."""
    _check(_lib.fu_set_cache_limit(2**64 - 1 if size is None else size))


def trim_cache():
    """Gives the memory that is kept for the next call back to the system."""
    _check(_lib.fu_trim_cache())


def memory():
    """Bytes in use (live), kept (cached), in use at most so far (peak_live), and blocks asked of the system."""
    stats = _Memory()
    _check(_lib.fu_memory_stats(_c.byref(stats)))
    return {name: getattr(stats, name) for name, _ in _Memory._fields_}
