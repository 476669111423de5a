"""The RayJob that the documents give to copy, against what KubeRay and this version require."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from utkage.cli.app import app
from utkage.cluster.predict_on_cluster import ClusterRequest


@pytest.fixture(scope="module")
def job(repository: Path) -> dict[str, Any]:
    return yaml.safe_load((repository / "docs" / "kuberay-rayjob.yaml").read_text())


def _groups(job: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = job["spec"]["rayClusterSpec"]
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def test_fields_are_those_of_kuberay(job):
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    known = {"entrypoint", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished"}
    assert set(job["spec"]) == {*known, "rayClusterSpec"}
    cluster = job["spec"]["rayClusterSpec"]
    assert set(cluster) == {"rayVersion", "headGroupSpec", "workerGroupSpecs"}
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    for group in _groups(job):
        # KubeRay passes them to `ray start`, as texts.
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())


def test_every_pod_sees_the_data_and_reports_nothing(job):
    for group in _groups(job):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        variables = {each["name"]: each["value"] for each in container["env"]}
        assert variables["RAY_USAGE_STATS_ENABLED"] == "0"
        mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        assert set(mounted) == {volume["name"] for volume in pod["volumes"]}
        assert "/data" in mounted.values()
        assert container["resources"]["limits"] == container["resources"]["requests"]


def test_the_entrypoint_is_a_command_of_this_version(job):
    program, name, *arguments = shlex.split(job["spec"]["entrypoint"])
    assert program == "utkage"
    command = typer.main.get_command(app).commands[name]
    values = command.make_context(name, list(arguments)).params
    assert values["resume"]
    assert values["cluster"] == "auto"
    # Both lie on the volume that all pods see.
    assert all(str(path).startswith("/data/") for path in (*values["inputs"], values["out"]))
    sources, most = tuple(values["inputs"]), values["workers"]
    request = ClusterRequest(sources=sources, out=values["out"], most_workers=most)
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    cores = int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
    assert request.most_workers == group["maxReplicas"] * cores
