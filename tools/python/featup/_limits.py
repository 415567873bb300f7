"""Limits for a part of a program."""

import ctypes as c
import threading

from ._library import check, lib


class limits:
    """Limits for the calls inside of a ``with`` block, in its thread; others keep those of the process.

    >>> with featup.limits(threads=1, memory=2 * 10**9):
    ...     features = featup.features(image)

    The same object may be used again, and in several threads at once: they share its memory limit. Inside of the block
    `set_threads`, `set_memory_limit`, `set_cache_limit`, `trim_cache`, `threads` and `memory` are about it.

    Parameters
    ----------
    threads : int
        That a call computes with; 0: as in the process.
    memory : int, optional
        Bytes that calls may use at a time; None: no other limit than that of the process.
    cache : int, optional
        Bytes of freed memory that are kept for the next call; None: as many as calls needed so far.
    """

    _inside = threading.local()  # .stack: the contexts that the thread is in, the innermost last

    def __init__(self, threads=0, memory=None, cache=None):
        self._handle = None
        handle = c.c_void_p()
        check(lib.fu_context_new(c.byref(handle)))
        self._handle = handle
        with self:
            check(lib.fu_set_threads(threads))
            check(lib.fu_set_memory_limit(memory or 0))
            check(lib.fu_set_cache_limit(2**64 - 1 if cache is None else cache))

    def __enter__(self):
        stack = self._inside.__dict__.setdefault("stack", [])
        check(lib.fu_context_use(self._handle))
        stack.append(self)
        return self

    def __exit__(self, *exception):
        stack = self._inside.stack
        stack.pop()
        check(lib.fu_context_use(stack[-1]._handle if stack else None))

    def __del__(self):
        if self._handle is not None:
            lib.fu_context_free(self._handle)
