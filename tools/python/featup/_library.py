"""The shared library: where it is, its types and functions, and its errors as exceptions."""

import ctypes as c
import os
import pathlib
import signal
import threading

_HERE = pathlib.Path(__file__).parent


class Error(Exception):
    """Anything that the library refuses. The message says what was received, the rule, and what to do."""


class UsageError(Error, ValueError):
    """An argument outside its range, or a request that cannot be served."""


class ShapeError(Error, ValueError):
    """Sizes that do not fit together."""


class FileError(Error, OSError):
    """A file, or bytes of one, that cannot be read or written, or hold something else."""


class MemoryLimitError(Error, MemoryError):
    """The memory limit, or what the machine has, does not suffice."""


class Cancelled(Error):
    """A progress callback returned False."""


class DeviceError(Error, TypeError):
    """A tensor that is not in the processor's memory. Move it there first, with PyTorch by ``.cpu()``."""


_KINDS = {1: UsageError, 2: ShapeError, 3: FileError, 4: MemoryLimitError, 5: Cancelled}


def _find():
    given = os.environ.get("FEATUP_LIBRARY")
    if given:
        return given
    for path in sorted(_HERE.glob("libfeatup.so*")):
        return str(path)
    return "libfeatup.so.0.2"  # an installed one


def _load():
    path = _find()
    try:
        return c.CDLL(path)
    except OSError as error:
        raise ImportError(
            f"featup: the library {path} cannot be loaded ({error}). Build it with cmake -DBUILD_SHARED_LIBS=ON, and "
            "set FEATUP_LIBRARY to its libfeatup.so; or install this package with pip, which builds it."
        ) from None


_PROGRESS = c.CFUNCTYPE(c.c_int, c.c_double, c.c_char_p, c.c_void_p)
_NETWORK = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int64, c.c_int64, c.c_void_p, c.c_void_p)


def _struct(name, **fields):
    return type(name, (c.Structure,), {"_fields_": list(fields.items())})


Progress = _struct("Progress", call=_PROGRESS, user=c.c_void_p)
Image = _struct("Image", data=c.c_void_p, width=c.c_int64, height=c.c_int64, format=c.c_int, row_stride=c.c_int64,
                column_stride=c.c_int64, channel_stride=c.c_int64)
Block = _struct("Block", data=c.c_void_p, height=c.c_int64, width=c.c_int64, channels=c.c_int64, row_stride=c.c_int64,
                column_stride=c.c_int64, channel_stride=c.c_int64)  # fu_features, fu_output
Projection = _struct("Projection", matrix=c.c_void_p, channels=c.c_int64, outputs=c.c_int64, offset=c.c_void_p)
InputSize = _struct("InputSize", short_side=c.c_int64, height=c.c_int64, width=c.c_int64, own=c.c_int)
Scene = _struct("Scene", image=c.POINTER(Image), backbone=c.c_void_p, input=InputSize, features=c.POINTER(Block))
UpsamplerOptions = _struct("UpsamplerOptions", backbone=c.c_void_p, seed=c.c_uint64, published=c.c_int)
UpsampleOptions = _struct("UpsampleOptions", height=c.c_int64, width=c.c_int64, projection=c.POINTER(Projection),
                          progress=Progress)
Query = _struct("Query", height=c.c_int64, width=c.c_int64, top=c.c_int64, left=c.c_int64, rows=c.c_int64,
                columns=c.c_int64, image=c.POINTER(Image), projection=c.POINTER(Projection))
LabelOptions = _struct("LabelOptions", height=c.c_int64, width=c.c_int64, threshold=c.c_double, progress=Progress)
Labels = _struct("Labels", labels=c.c_void_p, confidence=c.c_void_p, height=c.c_int64, width=c.c_int64,
                 label_row_stride=c.c_int64, confidence_row_stride=c.c_int64)
Memory = _struct("Memory", live=c.c_uint64, cached=c.c_uint64, peak_live=c.c_uint64, system_calls=c.c_uint64)

lib = _load()

_OUT = c.POINTER(c.c_void_p)
_STATUS = {  # functions that return a fu_status
    "fu_set_threads": [c.c_int],
    "fu_set_memory_limit": [c.c_uint64],
    "fu_set_cache_limit": [c.c_uint64],
    "fu_trim_cache": [],
    "fu_memory_stats": [c.POINTER(Memory)],
    "fu_context_new": [_OUT],
    "fu_context_use": [c.c_void_p],
    "fu_tensor_shape": [c.c_void_p, c.POINTER(c.c_int64)],
    "fu_backbone_open": [c.c_char_p, c.c_char_p, _OUT],
    "fu_backbone_open_memory": [c.c_void_p, c.c_size_t, c.c_char_p, c.c_char_p, _OUT],
    "fu_backbone_from_function": [_NETWORK, c.c_void_p, c.c_int64, c.c_int64, _OUT],
    "fu_features_of": [c.POINTER(Scene), c.POINTER(Progress), _OUT],
    "fu_upsampler_open": [c.c_char_p, c.POINTER(UpsamplerOptions), _OUT],
    "fu_upsampler_open_memory": [c.c_void_p, c.c_size_t, c.c_char_p, c.POINTER(UpsamplerOptions), _OUT],
    "fu_upsample": [c.c_void_p, c.POINTER(Scene), c.POINTER(UpsampleOptions), _OUT],
    "fu_upsample_into": [c.c_void_p, c.POINTER(Scene), c.POINTER(UpsampleOptions), c.POINTER(Block)],
    "fu_upsample_points": [c.c_void_p, c.POINTER(Scene), c.POINTER(UpsampleOptions), c.c_void_p, c.c_int64, c.c_void_p],
    "fu_fit_make": [c.POINTER(Scene), c.c_char_p, c.POINTER(Progress), _OUT],
    "fu_fit_load": [c.c_char_p, _OUT],
    "fu_fit_load_memory": [c.c_void_p, c.c_size_t, c.c_char_p, _OUT],
    "fu_fit_save": [c.c_void_p, c.c_char_p],
    "fu_fit_shape": [c.c_void_p, c.POINTER(c.c_int64)],
    "fu_fit_query": [c.c_void_p, c.POINTER(Query), _OUT],
    "fu_fit_points": [c.c_void_p, c.POINTER(Query), c.c_void_p, c.c_int64, c.c_void_p],
    "fu_words_encode": [c.c_char_p, c.c_char_p, c.c_char_p, c.c_char_p, c.POINTER(c.c_char_p), c.c_int64, _OUT],
    "fu_words_load": [c.c_char_p, c.c_int64, _OUT],
    "fu_probe_load": [c.c_char_p, _OUT],
    "fu_head_open": [c.c_char_p, c.c_char_p, _OUT, _OUT],
    "fu_label": [c.c_void_p, c.POINTER(Scene), c.c_void_p, c.POINTER(LabelOptions), c.POINTER(Labels)],
    "fu_scores": [c.c_void_p, c.POINTER(Scene), c.c_void_p, c.POINTER(LabelOptions), _OUT],
}
for _name, _arguments in _STATUS.items():
    getattr(lib, _name).argtypes, getattr(lib, _name).restype = _arguments, c.c_int
for _name in ("tensor", "backbone", "upsampler", "fit", "classes", "context"):
    getattr(lib, f"fu_{_name}_free").argtypes, getattr(lib, f"fu_{_name}_free").restype = [c.c_void_p], None
for _name in ("backbone_describe", "backbone_settings", "upsampler_describe"):
    getattr(lib, f"fu_{_name}").argtypes, getattr(lib, f"fu_{_name}").restype = [c.c_void_p], c.c_char_p
for _name in ("backbone_patch", "backbone_channels", "classes_count", "classes_channels"):
    getattr(lib, f"fu_{_name}").argtypes, getattr(lib, f"fu_{_name}").restype = [c.c_void_p], c.c_int64
lib.fu_tensor_data.argtypes, lib.fu_tensor_data.restype = [c.c_void_p], c.c_void_p
lib.fu_classes_name.argtypes, lib.fu_classes_name.restype = [c.c_void_p, c.c_int64], c.c_char_p
lib.fu_classes_are_numbers.argtypes, lib.fu_classes_are_numbers.restype = [c.c_void_p], c.c_int
lib.fu_fit_explained.argtypes, lib.fu_fit_explained.restype = [c.c_void_p], c.c_double
lib.fu_last_error.restype = lib.fu_version.restype = c.c_char_p
lib.fu_threads.restype = c.c_int


def check(status):
    """Raises what the library reports, unless that is no error."""
    if status:
        raise _KINDS.get(status, Error)(lib.fu_last_error().decode())


class Watch:
    """A progress callback for one call. It exists also without one, so that Ctrl-C is noticed: Python runs handlers of
    signals only while it runs Python. The usual handler would raise where the callback begins, before it can catch;
    ctypes drops such exceptions. So the signal is noted, the call ends, and the usual handler is run behind it."""

    def __init__(self, callback=None):
        self._callback, self._error, self._signal = callback, None, None
        self.struct = Progress(_PROGRESS(self._tell), None)

    def _tell(self, fraction, stage, _user):
        try:
            if self._signal is not None:
                return 1
            if self._callback is not None and self._callback(fraction, stage.decode()) is False:
                return 1
        except BaseException as error:  # it must not pass through C; KeyboardInterrupt comes here too
            self._error = error
            return 1
        return 0

    def run(self, function, *arguments):
        """Calls a function of the library. An exception of the callback is raised again."""
        try:
            status = self._interruptible(function, arguments)
            if self._error is not None:
                raise self._error
            check(status)
        finally:
            self._error = self.struct = None  # else a cycle would keep the callback alive


    def _note(self, *received):
        self._signal = received

    def _interruptible(self, function, arguments):
        usual = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        if not main or usual is not signal.default_int_handler:
            return function(*arguments)
        signal.signal(signal.SIGINT, self._note)
        try:
            return function(*arguments)
        finally:
            signal.signal(signal.SIGINT, usual)
            if self._signal is not None:
                usual(*self._signal)


class Handle:
    """Something that the library has made, freed once: by close(), at the end of a ``with``, or with the last name."""

    _kind = ""

    def __init__(self):
        self._pointer = c.c_void_p()

    def _out(self):
        return c.byref(self._pointer)

    @property
    def handle(self):
        """The pointer. Raises ValueError after close()."""
        if not self._pointer.value:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._pointer

    def close(self):
        """Frees the memory. Other calls raise ValueError afterwards."""
        pointer, self._pointer = self._pointer, c.c_void_p()
        if pointer.value:
            getattr(lib, f"fu_{self._kind}_free")(pointer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_pointer", None):
            self.close()


def options_text(options):
    """{"feature": "key", "max_pad": 3} as the library reads it."""
    words = (f"{name.replace('_', '-')}={int(value) if isinstance(value, bool) else value}"
             for name, value in options.items())
    return " ".join(words).encode()
