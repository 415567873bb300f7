"""Backbones and upsamplers."""

import ctypes as c
import os

import numpy as np

from . import _arrays
from ._library import (_NETWORK, Handle, Scene, UpsampleOptions, UpsamplerOptions, Watch, check, lib, options_text)


def _name(path):
    return os.fsencode(os.fspath(path))


class Backbone(Handle):
    """A network that turns an image into a coarse grid of features.

    Parameters
    ----------
    source : str, path, or bytes
        ``"builtin"``, a file or folder of weights, or the bytes of a file.
    **options
        As the program has them: ``feature="key"``, ``layer=9``, ``heads=12``.

    Raises
    ------
    FileError
        There is no such file, or no network of a known family in it.
    UsageError
        An option that the network does not have.

    Notes
    -----
    It may be used from many threads at the same time. The interpreter's lock is released while it computes.
    """

    _kind = "backbone"

    def __init__(self, source="builtin", **options):
        super().__init__()
        text = options_text(options)
        if isinstance(source, (bytes, bytearray, memoryview)):
            data = np.frombuffer(source, np.uint8)
            check(lib.fu_backbone_open_memory(data.ctypes.data, data.size, b"bytes", text, self._out()))
        else:
            check(lib.fu_backbone_open(_name(source), text, self._out()))

    @classmethod
    def from_function(cls, function, patch, channels):
        """A network of your own.

        Parameters
        ----------
        function : callable
            Receives a float32 array (H, W, 3), minus ImageNet's mean and over its standard deviation, H and W multiples
            of `patch`; returns an array (H / patch, W / patch, channels).
        patch, channels : int
        """

        def call(pixels, height, width, out, _user):
            try:
                x = np.ctypeslib.as_array(c.cast(pixels, c.POINTER(c.c_float)), (height, width, 3))
                y = _arrays.array(function(x), "features").astype(np.float32, copy=False)
                shape = (height // patch, width // patch, channels)
                if y.shape != shape:
                    raise ValueError(f"the function returned {y.shape} for an image of {x.shape}, expected {shape}")
                np.ctypeslib.as_array(c.cast(out, c.POINTER(c.c_float)), shape)[...] = y
                return 0
            except BaseException as error:
                self._error = error
                return 1

        self = cls.__new__(cls)
        Handle.__init__(self)
        self._error, self._call = None, _NETWORK(call)
        check(lib.fu_backbone_from_function(self._call, None, patch, channels, self._out()))
        return self

    @property
    def patch(self):
        """Side of a cell of the grid, in pixels."""
        return lib.fu_backbone_patch(self.handle)

    @property
    def channels(self):
        """Length of a feature vector."""
        return lib.fu_backbone_channels(self.handle)

    @property
    def settings(self):
        """What was taken where the weights leave it open, in words."""
        return lib.fu_backbone_settings(self.handle).decode()

    def __repr__(self):
        return f"<featup.Backbone: {lib.fu_backbone_describe(self._pointer).decode() or 'closed'}>"

    def features(self, image, size=224, *, channels="last", order="RGB", progress=None):
        """Coarse features of an image.

        Parameters
        ----------
        image : array_like
            (H, W, 3), (H, W, 4), of which the last is left out, or (H, W); uint8, or float from 0 to 1. NumPy's, PIL's,
            or a tensor on the CPU. It is not copied if its dtype is uint8 or float32.
        size : int, (int, int), or "own"
            Of the image at the network: its short side; height and width, to which it is scaled and cut; or as it is.
        channels : {"last", "first"}
            Where the channels are in `image` and in the result.
        order : {"RGB", "BGR"}
        progress : callable, optional
            Called with the share that is done and what is being done. Return False to cancel.

        Returns
        -------
        ndarray
            (H / patch, W / patch, C), float32.
        """
        scene = SceneOf(image, self, None, size, channels, order)
        watch = Watch(progress)
        fine = scene.result(watch, lib.fu_features_of, c.byref(scene.struct), c.byref(watch.struct))
        return _arrays.layout_of(fine, channels)


class SceneOf:
    """An image with its features, and what must live while the library looks at them."""

    def __init__(self, image, backbone, features, size, channels, order):
        self._image, self._pixels = _arrays.image(image, channels, order)
        self.backbone = backbone
        if features is not None:
            self._block, self._features = _arrays.block(features, channels)
            given = _arrays.input_size(size) if np.ndim(size) else _arrays.InputSize()
            self.struct = Scene(c.pointer(self._image), None, given, c.pointer(self._block))
        else:
            if backbone is None:
                raise ValueError("give a backbone, or features")
            self.struct = Scene(c.pointer(self._image), backbone.handle, _arrays.input_size(size), None)

    def run(self, watch, function, *arguments):
        """Runs a function; an exception of a backbone made from a function is raised as it was."""
        try:
            watch.run(function, *arguments)
        except Exception:
            self.raise_own()
            raise

    def result(self, watch, function, *arguments):
        try:
            return _arrays.result(watch, function, *arguments)
        except Exception:
            self.raise_own()
            raise

    def raise_own(self):
        error = getattr(self.backbone, "_error", None)
        if error is not None:
            self.backbone._error = None
            raise error


class Upsampler(Handle):
    """A method that makes coarse features as fine as the image.

    Parameters
    ----------
    source : str, path, or bytes
        ``"builtin"``, ``"bilinear"``, ``"views:80"``, ``"fit:0.1"``, ..., a file, or the bytes of one.
    backbone : Backbone, optional
        Only for methods that look at an image many times (views, fit).
    seed : int
        Of their views.
    published : bool
        Run a stack as the published code does.

    Examples
    --------
    >>> upsampler = featup.Upsampler()
    >>> upsampler(image, featup.Backbone()).shape  # doctest: +SKIP
    (224, 320, 192)
    """

    _kind = "upsampler"

    def __init__(self, source="builtin", backbone=None, *, seed=0, published=False):
        super().__init__()
        self._backbone = backbone  # one made from a function must live as long
        options = UpsamplerOptions(None if backbone is None else backbone.handle, seed, published)
        if isinstance(source, (bytes, bytearray, memoryview)):
            data = np.frombuffer(source, np.uint8)
            check(lib.fu_upsampler_open_memory(data.ctypes.data, data.size, b"bytes", options, self._out()))
        else:
            check(lib.fu_upsampler_open(_name(source), options, self._out()))

    def __repr__(self):
        return f"<featup.Upsampler: {lib.fu_upsampler_describe(self._pointer).decode() or 'closed'}>"

    def __call__(self, image, backbone=None, *, features=None, size=224, out_size=None, projection=None, offset=None,
                 out=None, channels="last", order="RGB", progress=None):
        """Fine features of an image.

        Parameters
        ----------
        image, size, channels, order, progress
            As in `Backbone.features`.
        backbone : Backbone
            Makes the coarse features; or
        features : array_like
            coarse features of your own, (h, w, C), of all the image; or of a part of the shape `size` = (H, W) of it.
        out_size : (int, int), optional
            Of the result; default: 16 times the coarse features, cut to the image at the backbone.
        projection, offset : array_like, optional
            (C, K) and (K,): the result is ``features @ projection + offset``, at the cost of K channels.
        out : ndarray, optional
            Receives the result; float32, of the shape of the result, with any strides.

        Returns
        -------
        ndarray
            (H, W, C or K), float32; with ``channels="first"`` (C or K, H, W). In memory of the library, or `out`.
        """
        scene = SceneOf(image, backbone, features, size, channels, order)
        watch = Watch(progress)
        mapped, kept = _arrays.projection(projection, offset)
        size_of_result = _arrays.pair(out_size, "out_size")
        options = UpsampleOptions(*size_of_result, c.pointer(mapped) if mapped else None, watch.struct)
        if out is None:
            fine = scene.result(watch, lib.fu_upsample, self.handle, c.byref(scene.struct), c.byref(options))
            return _arrays.layout_of(fine, channels)
        if not isinstance(out, np.ndarray) or out.dtype != np.float32 or not out.flags.writeable or 0 in out.strides:
            raise TypeError("out must be a writeable NumPy array of float32.")
        into, _ = _arrays.block(out, channels, "out")
        scene.run(watch, lib.fu_upsample_into, self.handle, c.byref(scene.struct), c.byref(options), c.byref(into))
        return out

    def points(self, image, points, backbone=None, *, features=None, size=224, out_size=None, projection=None,
               offset=None, channels="last", order="RGB", progress=None):
        """Fine features at some places alone, without memory for all of them.

        Parameters
        ----------
        points : array_like
            (N, 2): rows and columns in pixels of the result, (0, 0) the centre of the first.
        image, backbone, features, size, out_size, projection, offset, channels, order, progress
            As in `__call__`.

        Returns
        -------
        ndarray
            (N, C or K), float32.
        """
        scene = SceneOf(image, backbone, features, size, channels, order)
        watch = Watch(progress)
        mapped, kept = _arrays.projection(projection, offset)
        size_of_result = _arrays.pair(out_size, "out_size")
        options = UpsampleOptions(*size_of_result, c.pointer(mapped) if mapped else None, watch.struct)
        places = _arrays.points(points)
        width = kept[0].shape[1] if kept else scene._features.shape[2] if features is not None else backbone.channels
        values = np.empty((len(places), width), np.float32)
        scene.run(watch, lib.fu_upsample_points, self.handle, c.byref(scene.struct), c.byref(options),
                  places.ctypes.data, len(places), values.ctypes.data)
        return values
