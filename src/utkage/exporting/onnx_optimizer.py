"""Simplifying an exported ONNX model while chosen initializers keep their values."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import ModelProto, TensorProto, helper


def simplified(model: ModelProto, held: Sequence[TensorProto]) -> ModelProto:
    """Optimise ``model``, in place, and drop its initializers ``held``; nodes still name them."""
    from onnxscript import optimizer

    graph = model.graph
    inputs = list(graph.input)
    names = {tensor.name for tensor in held}
    others = [tensor for tensor in graph.initializer if tensor.name not in names]
    # The optimiser folds constants but not inputs, so the held tensors become inputs for now.
    graph.input.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        for tensor in held
    )
    graph.ClearField("initializer")
    graph.initializer.extend(others)
    optimised: ModelProto = optimizer.optimize(model)
    optimised.graph.ClearField("input")
    optimised.graph.input.extend(inputs)
    return optimised
