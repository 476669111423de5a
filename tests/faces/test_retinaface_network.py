from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import skimage.data

from utkage.core.device import Device
from utkage.faces.retinaface_network import (
    CPU_PROVIDER,
    CUDA_PROVIDER,
    Detections,
    RetinaFaceNetwork,
    execution_providers,
)

FIRST = Detections(
    np.array([[10.0, 20.0, 40.0, 30.0]]), np.array([0.9]), np.arange(10.0).reshape(1, 5, 2)
)
NONE = Detections(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)))


def test_sizes_and_scores() -> None:
    assert FIRST.sizes.tolist() == [30]
    assert (len(NONE), NONE.sizes.shape, NONE.best_score) == (0, (0,), 0.0)
    assert FIRST.best_score == 0.9


def test_moved_joined_and_chosen() -> None:
    moved = FIRST.moved((10, 20), np.array([2.0, 0.5]))
    assert moved.boxes.tolist() == [[0, 0, 15, 20]]
    assert moved.landmarks[0, 0].tolist() == [-5, -38]
    both = Detections.joined([FIRST, NONE, moved])
    assert len(both) == 2
    np.testing.assert_array_equal(both.where([1]).boxes, moved.boxes)
    np.testing.assert_array_equal(both.where(both.sizes > 25).boxes, FIRST.boxes)


@pytest.fixture(scope="module")
def network() -> RetinaFaceNetwork:
    return RetinaFaceNetwork(1)


def test_detections_lie_in_the_framed_picture(network: RetinaFaceNetwork) -> None:
    # A face that lies on a multiple of the largest stride, in both pictures.
    picture = skimage.data.astronaut()[:256, 96:352]
    plain = network.find(picture, 0, 0.9)
    framed = network.find(picture, 64, 0.9)
    best, best_framed = (found.boxes[found.scores.argmax()] for found in (plain, framed))
    np.testing.assert_allclose(best_framed - 64, best, atol=4)
    assert plain.scores.min() > 0.9
    assert len(network.find(picture, 0, 0.5)) > len(plain)
    assert len(network.find(np.zeros((50, 70, 3), np.uint8), 0, 0.5)) == 0


CUDA = Device("cuda:1", "as requested")


def test_a_gpu_runs_the_network_where_onnx_runtime_can_use_it() -> None:
    first, last = execution_providers(CUDA, [CUDA_PROVIDER, CPU_PROVIDER])
    assert first[0] == CUDA_PROVIDER
    assert first[1]["device_id"] == 1
    assert last == CPU_PROVIDER
    assert execution_providers(CUDA, [CPU_PROVIDER]) == [CPU_PROVIDER]
    assert execution_providers(Device("cpu", ""), [CUDA_PROVIDER, CPU_PROVIDER]) == [CPU_PROVIDER]
    assert execution_providers(Device("mps", ""), [CUDA_PROVIDER, CPU_PROVIDER]) == [CPU_PROVIDER]


def test_the_network_tells_why_it_stays_on_the_cpu(network: RetinaFaceNetwork) -> None:
    assert network.on_cpu_because is None
    if CUDA_PROVIDER not in onnxruntime.get_available_providers():
        assert "onnxruntime-gpu" in (RetinaFaceNetwork(1, CUDA).on_cpu_because or "")
    assert "mps" in (RetinaFaceNetwork(1, Device("mps", "")).on_cpu_because or "")
