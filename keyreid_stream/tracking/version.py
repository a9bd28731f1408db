"""Which BoxMOT this package was written for; its interfaces change with every major version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from keyreid_stream.errors import KeyReIDError

SUPPORTED_MAJOR = 25
INSTALL_COMMAND = f'pip install "boxmot>={SUPPORTED_MAJOR},<{SUPPORTED_MAJOR + 1}"'


def require_boxmot() -> str:
    """The installed BoxMOT's version, once it is known to be one we support.

    Read from the package's metadata: `boxmot.__version__` is wrong in several of its releases.

    Raises:
        KeyReIDError: BoxMOT is missing or of another major version; the message holds the command that helps.
    """
    try:
        installed = version("boxmot")
    except PackageNotFoundError:
        raise KeyReIDError(f"boxmot is not installed; run: {INSTALL_COMMAND}") from None
    if installed.split(".")[0] != str(SUPPORTED_MAJOR):
        wanted = f"{SUPPORTED_MAJOR}.x is supported"
        raise KeyReIDError(f"boxmot {installed} is installed, only {wanted}; run: {INSTALL_COMMAND}")
    return installed
