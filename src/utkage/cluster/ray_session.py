"""Connecting to Ray, or starting it on this machine, without reports to anyone."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from utkage.core.errors import UsageError

LOCAL, AUTO = "local", "auto"
_DEFAULT_PORT = 6379
_CONNECT_SECONDS = 10.0
# Only descriptions of parts and counts go through Ray's shared memory.
_OBJECT_STORE_BYTES = 128 * 1024**2
# Ray's own settings. A user's settings come first, except for the reports of usage.
_QUIET = {
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}


def require_ray() -> Any:
    """The package ``ray`` with ``ray.data``, whose reports of usage are off.

    Raises:
        UsageError: it is not installed.
    """
    # Read when Ray starts.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError(
            f"`cluster` needs one more package ({error.name}); run: pip install 'utkage[ray]'"
        ) from error
    for logger in ("ray", "ray.data"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    return ray


@contextmanager
def connected(address: str, workers: int | None) -> Iterator[Any]:
    """Connect to a cluster while the body runs; yields the package ``ray``.

    Args:
        address: ``"local"`` starts Ray on this machine and ends it afterwards, ``"auto"`` uses the
            one that runs on this machine, ``HOST:PORT`` that whose head is there; it should be
            reachable (``require_reachable``).
        workers: Number of workers on this machine for ``"local"``; None for one per core.

    Raises:
        UsageError: Ray is not installed, there is no such cluster, or its version is another.
    """
    ray = require_ray()
    if ray.is_initialized():
        raise UsageError("this program has started Ray already; call `ray.shutdown()` first")
    settings: dict[str, Any] = {}
    if address == LOCAL:
        settings = {
            "num_cpus": workers or os.cpu_count() or 1,
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
        }
    try:
        with _quiet_native_code():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **settings)
    # Ray raises errors of many kinds, also plain RuntimeError and ConnectionError.
    except Exception as error:
        raise UsageError(_refusal(address, error)) from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _quiet_native_code() -> Iterator[None]:
    """Drop what C++ code writes to stderr: Ray notes there that its log level was set."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def require_reachable(address: str) -> None:
    """Refuse an address at which nothing responds, for which Ray would wait for minutes.

    Raises:
        UsageError: no address of a head node, or no connection to it.
    """
    if "://" in address:
        raise UsageError(
            f"`cluster` {address}: only local, auto and HOST:PORT are supported; run the command "
            "on a node of the cluster, as with 'ray job submit' or a RayJob, with `cluster=auto`"
        )
    host, _, port = address.rpartition(":") if ":" in address else (address, "", "")
    port = port or str(_DEFAULT_PORT)
    if not host or not port.isdigit() or int(port) >= 1 << 16:
        raise UsageError(f"`cluster` {address}: choose local, auto, or HOST:PORT of the head node")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"`cluster` {address}: no Ray cluster can be reached there ({reason}); start one with "
            "'ray start --head', or use `cluster=local`"
        ) from error


def _refusal(address: str, error: Exception) -> str:
    text = " ".join(str(error).split())
    lower = text.lower()
    if address == AUTO and isinstance(error, ConnectionError):
        return (
            "`cluster` auto: no Ray cluster runs on this machine; start one with "
            "'ray start --head', or use `cluster=local`"
        )
    if "version mismatch" in lower:
        return (
            f"`cluster` {address}: this machine has Ray {_ray_version()} and Python "
            f"{'.'.join(map(str, sys.version_info[:3]))}, the cluster has other versions; install "
            f"the same ones ({text[:200]})"
        )
    return f"`cluster` {address}: Ray cannot be used ({text[:300]})"


def _ray_version() -> str:
    from importlib.metadata import version

    return version("ray")
