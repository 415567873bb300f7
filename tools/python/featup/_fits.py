"""Fits: the features of one image at any place and size."""

import ctypes as c
import os

import numpy as np

from . import _arrays
from ._library import Handle, Query, Watch, check, lib, options_text
from ._models import Backbone, SceneOf, _name


class Fit(Handle):
    """A fit of one image, made by `fit` or read from a file.

    Parameters
    ----------
    source : str, path, or bytes
        What `save`, or ``featup fit``, wrote.
    """

    _kind = "fit"

    def __init__(self, source):
        super().__init__()
        if isinstance(source, (bytes, bytearray, memoryview)):
            data = np.frombuffer(source, np.uint8)
            check(lib.fu_fit_load_memory(data.ctypes.data, data.size, b"bytes", self._out()))
        else:
            check(lib.fu_fit_load(_name(source), self._out()))

    @property
    def shape(self):
        """(H, W, C): the image as it was fitted, and the channels."""
        shape = (c.c_int64 * 3)()
        check(lib.fu_fit_shape(self.handle, shape))
        return tuple(shape)

    @property
    def explained(self):
        """Share of the variance of views that it never saw, which it explains."""
        return lib.fu_fit_explained(self.handle)

    def __repr__(self):
        return f"<featup.Fit of {self.shape}>" if self._pointer.value else "<featup.Fit: closed>"

    def save(self, path):
        """Writes it as .safetensors."""
        check(lib.fu_fit_save(self.handle, os.fsencode(os.fspath(path))))

    def _query(self, size, part, image, projection, offset, channels, order):
        pixels, kept = (None, None) if image is None else _arrays.image(image, channels, order)
        mapped, arrays = _arrays.projection(projection, offset)
        top, left, rows, columns = (0, 0, 0, 0) if part is None else part
        query = Query(*_arrays.pair(size, "size"), top, left, rows, columns, c.pointer(pixels) if pixels else None,
                      c.pointer(mapped) if mapped else None)
        return query, (pixels, kept, mapped, arrays)

    def __call__(self, size=None, part=None, *, image=None, projection=None, offset=None, channels="last",
                 order="RGB"):
        """Features at a size.

        Parameters
        ----------
        size : (int, int), optional
            Of the whole result; default: as it was fitted.
        part : (int, int, int, int), optional
            (top, left, height, width): only this part of it.
        image : array_like, optional
            The image in full, for its colours; default: the copy in the fit.
        projection, offset, channels, order
            As in `Upsampler.__call__`.

        Returns
        -------
        ndarray
            (H, W, C or K), float32; with ``channels="first"`` (C or K, H, W).
        """
        query, kept = self._query(size, part, image, projection, offset, channels, order)
        fine = _arrays.result(Watch(), lib.fu_fit_query, self.handle, c.byref(query))
        return _arrays.layout_of(fine, channels)

    def points(self, points, size=None, *, image=None, projection=None, offset=None, channels="last", order="RGB"):
        """Features at places: (N, 2) rows and columns in pixels of `size` -> (N, C or K)."""
        query, kept = self._query(size, None, image, projection, offset, channels, order)
        places = _arrays.points(points)
        width = kept[3][0].shape[1] if kept[3] else self.shape[2]
        values = np.empty((len(places), width), np.float32)
        check(lib.fu_fit_points(self.handle, c.byref(query), places.ctypes.data, len(places), values.ctypes.data))
        return values


def fit(image, backbone=None, *, size=224, channels="last", order="RGB", progress=None, **options):
    """Fits an image: the sharpest features, in some seconds.

    Parameters
    ----------
    image, size, channels, order, progress
        As in `Backbone.features`; `size` may not be "own".
    backbone : Backbone, optional
        Default: the built-in one.
    **options
        As ``featup fit`` has them: ``views=80``, ``smoothness=0.1``, ``early_stop=False``.

    Returns
    -------
    Fit
    """
    scene = SceneOf(image, backbone or Backbone(), None, size, channels, order)
    watch = Watch(progress)
    made = Fit.__new__(Fit)
    Handle.__init__(made)
    scene.run(watch, lib.fu_fit_make, c.byref(scene.struct), options_text(options), c.byref(watch.struct), made._out())
    return made
