import numpy as np
import onnxruntime
from onnx import ModelProto, TensorProto, helper, numpy_helper

from utkage.exporting.onnx_optimizer import simplified


def detour(held: float, constant: float) -> ModelProto:
    """y = (x + (constant + constant)) * held, with a constant that can be folded."""
    nodes = [
        helper.make_node("Add", ["constant", "constant"], ["twice"]),
        helper.make_node("Add", ["x", "twice"], ["sum"]),
        helper.make_node("Mul", ["sum", "held"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    values = {"held": held, "constant": constant}
    initializers = [
        numpy_helper.from_array(np.array([value], np.float32), name)
        for name, value in values.items()
    ]
    graph = helper.make_graph(nodes, "detour", ends[:1], ends[1:], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_constants_are_folded_and_held_tensors_stay_open() -> None:
    model = detour(held=3.0, constant=1.0)
    held = [tensor for tensor in model.graph.initializer if tensor.name == "held"]
    small = simplified(model, held)
    assert [node.op_type for node in small.graph.node] == ["Add", "Mul"]
    assert [value.name for value in small.graph.input] == ["x"]
    assert "held" not in {tensor.name for tensor in small.graph.initializer}
    small.graph.initializer.append(numpy_helper.from_array(np.array([5.0], np.float32), "held"))
    session = onnxruntime.InferenceSession(small.SerializeToString())
    (y,) = session.run(None, {"x": np.array([4.0], np.float32)})
    assert y.tolist() == [30.0]
