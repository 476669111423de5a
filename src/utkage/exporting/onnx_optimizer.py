"""The exporter's detours taken out of an ONNX model, while chosen numbers stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import ModelProto, TensorProto, helper


def simplified(model: ModelProto, held: Sequence[TensorProto]) -> ModelProto:
    """The optimised model, without the initializers ``held``, which its nodes still name.

    Args:
        model: As the exporter wrote it; it is changed.
        held: Some of its initializers.
    """
    from onnxscript import optimizer

    graph = model.graph
    given = list(graph.input)
    names = {tensor.name for tensor in held}
    others = [tensor for tensor in graph.initializer if tensor.name not in names]
    # As inputs they are variables to the optimiser, which would else compute with their values.
    graph.input.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        for tensor in held
    )
    graph.ClearField("initializer")
    graph.initializer.extend(others)
    simple: ModelProto = optimizer.optimize(model)
    simple.graph.ClearField("input")
    simple.graph.input.extend(given)
    return simple
