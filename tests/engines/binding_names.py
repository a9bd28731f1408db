"""Loads TensorRT's bindings on empty libraries and prints which of the names on standard input they lack.

Called as `python binding_names.py BINDINGS.so LIBRARY...` in a process of its own.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import sys


def lacks(library: object, name: str) -> bool:
    found = library
    for part in name.split("."):
        if not hasattr(found, part):
            return True
        found = getattr(found, part)
    return False


if __name__ == "__main__":
    for path in sys.argv[2:]:
        ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
    spec = importlib.util.spec_from_file_location("tensorrt", sys.argv[1])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.stdout.write(json.dumps([name for name in json.load(sys.stdin) if lacks(module, name)]))
