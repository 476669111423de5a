import numpy as np

from utkage.faces.overlap import distinct


def kept(boxes, scores, max_iou=0.4, max_inside=0.7):
    return distinct(
        np.array(boxes, float).reshape(-1, 4), np.array(scores, float),
        max_iou=max_iou, max_inside=max_inside,
    )  # fmt: skip


def test_best_of_overlapping_boxes_stays():
    assert kept([[0, 0, 10, 10], [1, 1, 11, 11], [30, 0, 40, 10]], [0.8, 0.9, 0.7]) == [1, 2]


def test_part_of_a_face_is_not_another_face():
    assert kept([[0, 0, 100, 100], [20, 20, 50, 50]], [0.9, 0.8]) == [0]
    assert kept([[0, 0, 100, 100], [80, 80, 120, 120]], [0.9, 0.8]) == [0, 1]


def test_touching_boxes_and_none():
    assert kept([[0, 0, 10, 10], [10, 0, 20, 10]], [0.5, 0.5]) == [0, 1]
    assert kept([], []) == []


def test_chain_is_cut_only_where_it_overlaps_the_best():
    boxes = [[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]
    assert kept(boxes, [0.9, 0.8, 0.7]) == [0, 2]
