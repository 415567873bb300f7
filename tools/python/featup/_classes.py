"""Words, probes and classifiers, and the class of every pixel."""

import ctypes as c
from typing import NamedTuple, Tuple

import numpy as np

from . import _arrays
from ._library import Handle, LabelOptions, Labels, Watch, check, lib, options_text
from ._models import Backbone, SceneOf, Upsampler, _name


class Classes(Handle):
    """What `Words`, `Probe` and `Head` have in common."""

    _kind = "classes"

    @property
    def names(self):
        """Of the classes, in their order."""
        return [lib.fu_classes_name(self.handle, i).decode() for i in range(len(self))]

    @property
    def channels(self):
        """Of the features that they read."""
        return lib.fu_classes_channels(self.handle)

    @property
    def are_numbers(self):
        """Of a probe of numbers, such as depth: use `scores`."""
        return bool(lib.fu_classes_are_numbers(self.handle))

    def __len__(self):
        return lib.fu_classes_count(self.handle)


class Words(Classes):
    """Words as CLIP's or SigLIP's text encoder understands them.

    Parameters
    ----------
    words : sequence of str, or path
        The words; or a file of their vectors, with `channels`.
    weights : path
        Of the model; the backbone must be the same model.
    tokenizer : path, optional
        Of its vocabulary; default: beside the weights.
    templates : {"one", "seven", "all"}
        Sentences that the words are put into.
    channels : int, optional
        Of the features, for a file of vectors.
    """

    def __init__(self, words, weights=None, *, tokenizer=None, templates="seven", channels=None, **options):
        super().__init__()
        if weights is None:
            if channels is None:
                raise ValueError("give weights of a text encoder; or a file of vectors, and channels")
            check(lib.fu_words_load(_name(words), channels, self._out()))
            return
        texts = [word.encode() for word in ([words] if isinstance(words, str) else words)]
        many = (c.c_char_p * len(texts))(*texts)
        vocabulary = None if tokenizer is None else _name(tokenizer)
        check(lib.fu_words_encode(_name(weights), vocabulary, templates.encode(), options_text(options), many,
                                  len(texts), self._out()))


class Probe(Classes):
    """What ``featup probe train`` wrote."""

    def __init__(self, path):
        super().__init__()
        check(lib.fu_probe_load(_name(path), self._out()))


class Head(Classes):
    """The classifier in a file of weights; `backbone` is the one whose features it reads."""

    def __init__(self, path, **options):
        super().__init__()
        self.backbone = Backbone.__new__(Backbone)
        Handle.__init__(self.backbone)
        check(lib.fu_head_open(_name(path), options_text(options), self._out(), self.backbone._out()))


class Segmentation(NamedTuple):
    """What `segment` returns."""

    labels: np.ndarray  #: (H, W), uint8: the number of each pixel's class; 255: none is sure enough
    confidence: np.ndarray  #: (H, W), float32, 0 to 1
    names: Tuple[str, ...]  #: of the classes

    def mask(self, name):
        """(H, W), bool: the pixels of a class."""
        return self.labels == self.names.index(name)


def _asked(image, classes, backbone, upsampler, features, size, out_size, channels, order, threshold, progress):
    if backbone is None and features is None:
        backbone = getattr(classes, "backbone", None) or Backbone()
    scene = SceneOf(image, backbone, features, size, channels, order)
    watch = Watch(progress)
    options = LabelOptions(*_arrays.pair(out_size, "out_size"), threshold, watch.struct)
    return scene, watch, options, upsampler or Upsampler()


def segment(image, classes, backbone=None, upsampler=None, *, features=None, size=224, out_size=None, threshold=0.0,
            channels="last", order="RGB", progress=None):
    """The best class of every pixel.

    Parameters
    ----------
    image, size, out_size, features, channels, order, progress
        As in `Upsampler.__call__`.
    classes : Words, Probe or Head
        At most 255 classes.
    backbone : Backbone, optional
        Default: that of a `Head`, else the built-in one.
    upsampler : Upsampler, optional
        Default: the built-in one.
    threshold : float
        Pixels whose best class is less sure than that get 255.

    Returns
    -------
    Segmentation
        Labels, confidence, names.
    """
    scene, watch, options, upsampler = _asked(image, classes, backbone, upsampler, features, size, out_size, channels,
                                              order, threshold, progress)
    call = (upsampler.handle, c.byref(scene.struct), classes.handle, c.byref(options))
    result = Labels()
    check(lib.fu_label(*call, c.byref(result)))
    labels = np.empty((result.height, result.width), np.uint8)
    sure = np.empty(labels.shape, np.float32)
    result.labels, result.confidence = labels.ctypes.data, sure.ctypes.data
    scene.run(watch, lib.fu_label, *call, c.byref(result))
    return Segmentation(labels, sure, tuple(classes.names))


def scores(image, classes, backbone=None, upsampler=None, *, features=None, size=224, out_size=None, channels="last",
           order="RGB", progress=None):
    """What each pixel scores for each class, or the numbers of a probe of numbers: (H, W, K), float32."""
    scene, watch, options, upsampler = _asked(image, classes, backbone, upsampler, features, size, out_size, channels,
                                              order, 0, progress)
    fine = scene.result(watch, lib.fu_scores, upsampler.handle, c.byref(scene.struct), classes.handle, c.byref(options))
    return _arrays.layout_of(fine, channels)
