"""llama.cpp's quantizers for the K types, which the gguf package has not.

Runs in the process of `edgewise model quantize`. xllamacpp binds no quantizer in Python, but its library
carries ggml's C function `ggml_quantize_chunk` in the open; it is called through ctypes. Must not know files
or headers.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable


@functools.cache
def _find_function() -> Callable[..., int] | None:
    """`size_t ggml_quantize_chunk(type, src, dst, start, n_rows, n_per_row, importance)`, or None."""
    package = importlib.util.find_spec("xllamacpp")
    folders = (package.submodule_search_locations or []) if package else []
    for path in (found for folder in folders for found in sorted(Path(folder).glob("xllamacpp*"))):
        if path.suffix not in (".so", ".pyd", ".dylib"):
            continue
        try:
            function = ctypes.CDLL(str(path)).ggml_quantize_chunk
        except (OSError, AttributeError):
            continue
        function.restype = ctypes.c_size_t
        counts = (ctypes.c_int64,) * 3
        function.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *counts, ctypes.c_void_p)
        return cast("Callable[..., int]", function)
    return None


def is_available() -> bool:
    """Whether the installed library carries the function."""
    return _find_function() is not None


def quantize_rows(floats: bytes, n_rows: int, type_code: int, row_bytes: int) -> bytes:
    """Rows of 32-bit floats in the type of this code, each of `row_bytes`. Raises ValueError otherwise."""
    function = _find_function()
    if function is None:
        raise ValueError("the installed xllamacpp carries no quantizer")
    written = ctypes.create_string_buffer(n_rows * row_bytes)
    n_bytes = function(type_code, floats, written, 0, n_rows, len(floats) // 4 // n_rows, None)
    if n_bytes != n_rows * row_bytes:
        raise ValueError(f"the quantizer wrote {n_bytes} bytes instead of {n_rows * row_bytes}")
    return written.raw
