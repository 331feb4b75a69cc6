"""Keeps the garbage collector still while very many objects are made that all stay.

Reading a log back makes millions of small objects, none of them garbage and none in a cycle, and
the collector would walk over them again and again: half the time of a restart. It is off for the
whole process meanwhile, however many members recover at once.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_holders = 0
_was_enabled = False


@contextmanager
def without_collecting() -> Iterator[None]:
    """Run a block with the collector off; the last of those who asked for it turns it on again."""
    global _holders, _was_enabled  # noqa: PLW0603
    with _lock:
        if not _holders:
            _was_enabled = gc.isenabled()
            gc.disable()
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if not _holders and _was_enabled:
                gc.enable()
