"""Arrays of others as the library reads them, and its results as NumPy arrays, neither copied."""

import ctypes as c

import numpy as np

from ._library import Block, DeviceError, Handle, Image, InputSize, Projection, check, lib

_ON_CPU = (1, 3, 11)  # DLPack: CPU, and memory of CUDA and ROCm that the CPU can read


def array(x, name="array"):
    """What can be seen as a NumPy array: NumPy's own, PIL's images, tensors of PyTorch, JAX and others by DLPack or
    ``__array__``. Raises DeviceError for a tensor on another device."""
    if isinstance(x, np.ndarray):
        return x
    if isinstance(x, (str, bytes)) or hasattr(x, "__fspath__"):
        raise TypeError(f"{name} is a path or text. Open it first, with PIL: numpy.asarray(PIL.Image.open(path)).")
    if hasattr(x, "__dlpack_device__"):
        kind = int(x.__dlpack_device__()[0])
        if kind not in _ON_CPU:
            raise DeviceError(f"{name} is on device {kind} of DLPack. Move it to the processor's memory first.")
        try:
            return np.from_dlpack(x)
        except (BufferError, RuntimeError, TypeError, AttributeError):
            pass  # such as a tensor that wants gradients
        if hasattr(x, "detach"):
            x = x.detach()
    elif getattr(x, "mode", None) is not None and hasattr(x, "convert") and x.mode not in ("L", "RGB", "RGBA"):
        x = x.convert("RGB")
    result = np.asarray(x)
    if result.dtype == object:
        raise TypeError(f"{name} is {type(x).__name__}, which is no array. Give NumPy's, or what NumPy can see as one.")
    return result


def _strided(a):
    """The array itself if its strides can be said in the interface, where 0 means dense; else a copy."""
    return np.ascontiguousarray(a) if 0 in a.strides else a


def _last(a, layout, name):
    """(H,W,C), by strides alone."""
    if layout not in ("last", "first"):
        raise ValueError(f"channels={layout!r}: give 'last' or 'first'.")
    if a.ndim == 4 and a.shape[0] == 1:
        a = a[0]
    if a.ndim != 3:
        order = "(height, width, channels)" if layout == "last" else "(channels, height, width)"
        raise ValueError(f"{name} has shape {a.shape}, expected {order}.")
    return a if layout == "last" else a.transpose(1, 2, 0)


def image(x, channels="last", order="RGB"):
    """An image for the library, and the array that must live as long."""
    a = array(x, "image")
    if a.ndim == 2:
        a = a[:, :, None]
    else:
        a = _last(a, channels, "image")
    if a.dtype != np.uint8:
        if a.dtype.kind != "f":
            raise TypeError(f"image has dtype {a.dtype}, expected uint8 (0 to 255) or float (0 to 1).")
        a = a.astype(np.float32, copy=False)
    formats = {("RGB", 3): 0, ("BGR", 3): 1, ("RGB", 4): 2, ("BGR", 4): 3, ("RGB", 1): 4, ("BGR", 1): 4}
    if (order, a.shape[2]) not in formats:
        raise ValueError(f"image has shape {a.shape} and order={order!r}: give 1, 3 or 4 channels, and 'RGB' or 'BGR'.")
    a = _strided(a)
    code = formats[order, a.shape[2]] + (0 if a.dtype == np.uint8 else 5)
    return Image(a.ctypes.data, a.shape[1], a.shape[0], code, *a.strides), a


def block(x, channels="last", name="features"):
    """Features for the library, and the array that must live as long."""
    a = _strided(_last(array(x, name).astype(np.float32, copy=False), channels, name))
    return Block(a.ctypes.data, *a.shape, *a.strides), a


def projection(matrix, offset):
    """A map over channels for the library, and the arrays that must live as long; None without one."""
    if matrix is None:
        return None, ()
    m = np.ascontiguousarray(array(matrix, "projection"), np.float32)
    if m.ndim != 2:
        raise ValueError(f"projection has shape {m.shape}, expected (channels, outputs).")
    o = None if offset is None else np.ascontiguousarray(array(offset, "offset"), np.float32)
    if o is not None and o.shape != (m.shape[1],):
        raise ValueError(f"offset has shape {o.shape}, expected ({m.shape[1]},).")
    return Projection(m.ctypes.data, *m.shape, None if o is None else o.ctypes.data), (m, o)


def points(x):
    """(N,2) as doubles, dense."""
    p = np.ascontiguousarray(array(x, "points"), np.float64)
    if p.ndim != 2 or p.shape[1] != 2 or not len(p):
        raise ValueError(f"points have shape {p.shape}, expected (N, 2): rows and columns.")
    return p


def input_size(size):
    """224: the short side; (H, W): exactly that; "own": as the image is."""
    if isinstance(size, str):
        if size != "own":
            raise ValueError(f"size={size!r}: give a number, (height, width), or 'own'.")
        return InputSize(0, 0, 0, 1)
    if np.ndim(size) == 0:
        if int(size) < 1:
            raise ValueError(f"size={size!r}: give at least 1.")
        return InputSize(int(size), 0, 0, 0)
    height, width = pair(size, "size")
    return InputSize(0, height, width, 0)


def pair(size, name):
    """(height, width); (0, 0) for None."""
    if size is None:
        return 0, 0
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"{name}={size!r}: give (height, width).")
    return int(size[0]), int(size[1])


class _Memory(Handle):
    """A result in memory of the library. NumPy's array keeps it alive."""

    _kind = "tensor"

    @property
    def __array_interface__(self):
        shape = (c.c_int64 * 3)()
        check(lib.fu_tensor_shape(self.handle, shape))
        data = lib.fu_tensor_data(self.handle)
        return {"shape": tuple(shape), "typestr": "<f4", "data": (data, False), "version": 3}


def result(watch, function, *arguments):
    """Calls a function whose last argument receives a tensor: (H,W,C) float32, not copied."""
    memory = _Memory()
    watch.run(function, *arguments, memory._out())
    return np.asarray(memory)


def layout_of(a, channels):
    """The result as the caller wants it, by strides alone."""
    return a if channels == "last" else a.transpose(2, 0, 1)
