"""What the nodes of a cluster have: the same packages, the output folder, the weights, GPUs."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from utkage.core.errors import UsageError

# Packages whose versions change rows, or the exchange between driver and workers.
_SAME = ("utkage", "ray")
_NEEDED = ("pyarrow", "onnxruntime")
_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class PoolSize:
    """The workers of a job.

    Attributes:
        least: Number of workers from the beginning.
        most: Largest number of workers.
        cpus: Cores of each worker, which are its threads.
        gpus: GPUs of each worker, 0 or 1.
    """

    least: int
    most: int
    cpus: int
    gpus: int


def pool_size(resources: dict[str, float], device: str, workers: int | None) -> PoolSize:
    """One worker per core, or per GPU where there are any.

    >>> pool_size({"CPU": 8}, "auto", None)
    PoolSize(least=8, most=8, cpus=1, gpus=0)
    >>> pool_size({"CPU": 8, "GPU": 2}, "auto", None)
    PoolSize(least=2, most=2, cpus=4, gpus=1)

    Args:
        resources: Those of the whole cluster, as Ray counts them.
        device: As in ``PredictSettings``.
        workers: Largest number of workers, which may exceed what there is now, for a cluster that
            grows; None for as many as there is room for.

    Raises:
        UsageError: the cluster has no GPU and ``device`` is one, or no core, and none is expected.
    """
    cores, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
    on_gpus = gpus > 0 if device == "auto" else device != "cpu"
    if device.startswith("cuda:"):
        raise UsageError(f"`device` {device}: Ray gives each worker its GPU; use `device=cuda`")
    if on_gpus and not gpus:
        raise UsageError(f"`device` {device}: the cluster has no GPU; use `device=cpu`")
    room = gpus if on_gpus else cores
    if room < 1 and workers is None:
        raise UsageError(
            "the cluster has no core for a worker; add a node, or give the largest number of "
            "`workers` if it grows"
        )
    most = workers or room
    cpus = max(1, cores // gpus) if on_gpus else 1
    return PoolSize(least=max(1, min(most, room)), most=most, cpus=cpus, gpus=int(on_gpus))


def require_equal_nodes(ray: Any, plan: Path, weights: Path | None) -> None:
    """Check that workers on every node can do what this process expects.

    Args:
        ray: The package, connected.
        plan: A file of this process that all nodes must see.
        weights: A weights file that all nodes must see; None for the one in the package.

    Raises:
        UsageError: which node lacks what.
    """
    probe = _probe_of(_SAME + _NEEDED, [str(path) for path in (plan, weights) if path])
    expected = probe()
    node_affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        name = f"{node['NodeName']} ({node['NodeManagerAddress']})"
        task = ray.remote(num_cpus=0, max_retries=1)(probe).options(
            scheduling_strategy=node_affinity(node["NodeID"], soft=False)
        )
        try:
            found = ray.get(task.remote(), timeout=_SECONDS)
        except Exception as error:
            text = " ".join(str(error).split())[-200:]
            raise UsageError(f"node {name}: no worker can be started there ({text})") from error
        problem = difference(expected, found)
        if problem is not None:
            raise UsageError(f"node {name}: {problem}")


def difference(expected: dict[str, Any], found: dict[str, Any]) -> str | None:
    """What a node lacks, and what to do; None if nothing is missing."""
    for name, own in expected["versions"].items():
        other = found["versions"][name]
        if other is None:
            return f"{name} is not installed there; install 'utkage[ray]' on every node"
        if name in (*_SAME, "python") and other != own:
            return f"has {name} {other}, this process has {own}; install the same on every node"
    for path, own in expected["files"].items():
        if found["files"][path] != own:
            return (
                f"does not see {path}, or sees another file; use a folder that all nodes share, "
                "at the same path"
            )
    return None


def _probe_of(packages: Sequence[str], files: Sequence[str]) -> Callable[[], dict[str, Any]]:
    """A function that describes the node that it runs on, without the package utkage."""

    # Defined here, so that it is sent as code: a node may lack utkage.
    def probe() -> dict[str, Any]:
        def version_of(package: str) -> str | None:
            try:
                return version(package)
            except PackageNotFoundError:
                return None

        def digest(path: str) -> str | None:
            try:
                return hashlib.sha256(Path(path).read_bytes()).hexdigest()
            except OSError:
                return None

        versions = {package: version_of(package) for package in packages}
        # A whole version differs where only its last number does, which changes nothing here.
        versions["python"] = ".".join(platform.python_version_tuple()[:2])
        return {"versions": versions, "files": {path: digest(path) for path in files}}

    return probe
