"""Exported ONNX files: their bytes, outputs, inputs, metadata and numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tools.fuzz.campaign import SLOW, Kind, describe_mutation
from tools.fuzz.mutations import json_text, mutated_array, mutated_bytes, mutated_value
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.samples import write_chip, write_store
from tools.fuzz.weights import weights_command

_FILE = "faces.onnx"
_OUTPUTS = (-5.0, 1e38, math.nan, math.inf, -math.inf, 117.5, 0.0, 30.0)
_SHAPES = ((), (1,), (2,), (1, 1), (1, 117), (1, 9), (1, 0), (0,), (3, 117))


def _set_up(folder: Path) -> None:
    write_chip(folder)
    write_store(folder)
    done = run_command(["export", "--weights", "shipped", "--out", folder / _FILE], "none")
    assert not done.problem, done


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    import onnx

    path = folder / _FILE
    content = (valid / _FILE).read_bytes()
    if random.random() < 0.25:
        content, mutation = mutated_bytes(content, random)
    else:
        model = onnx.load_from_string(content)
        mutation = _mutate(model, random)
        content = model.SerializeToString()
    path.write_bytes(content)
    describe_mutation(folder, mutation)
    return run_command(weights_command(random, valid, path), mutation)


def _mutate(model: Any, random: Random) -> str:
    actions = (_metadata, _metadata, _outputs, _constant, _constant, _input, _numbers, _node)
    return random.choice(actions)(model, random)


def _metadata(model: Any, random: Random) -> str:
    entry = random.choice(model.metadata_props)
    if random.random() < 0.6:
        entry = next(each for each in model.metadata_props if each.key == "utkage_card")
        card, change = mutated_value(json.loads(entry.value), random)
        entry.value = json_text(card, random).encode("utf-8", "replace").decode()
        return f"card: {change}"
    entry.value = random.choice(("", "x", "AAA", "A" * 7, "é"))
    return f"{entry.key} becomes {entry.value!r}"


def _outputs(model: Any, random: Random) -> str:
    outputs = model.graph.output
    output = random.choice(outputs)
    action = random.choice(("remove", "rename", "swap"))
    if action == "remove":
        outputs.remove(output)
    elif action == "rename":
        output.name = random.choice(("x", outputs[0].name))
    else:
        first, second = outputs[0].name, output.name
        for node in model.graph.node:
            swapped = [{first: second, second: first}.get(name, name) for name in node.output]
            node.output[:] = swapped
    return f"output {output.name}: {action}"


def _constant(model: Any, random: Random) -> str:
    """One output is always the same array, of any shape, type and value."""
    from onnx import helper, numpy_helper

    output = random.choice(list(model.graph.output)[:4])
    shape = random.choice(_SHAPES)
    kind = random.choice((np.float32, np.float32, np.float64, np.int64, np.float16, np.bool_))
    with np.errstate(all="ignore"):
        array = np.full(shape, random.choice(_OUTPUTS)).astype(kind)
    for node in model.graph.node:
        node.output[:] = [f"{n}.old" if n == output.name else n for n in node.output]
    name = output.name
    tensor = numpy_helper.from_array(array)
    model.graph.node.append(helper.make_node("Constant", [], [name], value=tensor))
    output.CopyFrom(helper.make_tensor_value_info(name, tensor.data_type, shape))
    return f"output {name} is {array.dtype} {shape} of {array.reshape(-1)[:1]}"


def _input(model: Any, random: Random) -> str:
    chips = model.graph.input[0]
    action = random.choice(("name", "type", "size", "rank"))
    shape = chips.type.tensor_type.shape
    if action == "name":
        chips.name = "pictures"
    elif action == "type":
        chips.type.tensor_type.elem_type = random.choice((1, 7, 8, 10))
    elif action == "size":
        shape.dim[random.randrange(4)].dim_value = random.choice((0, 1, 3, 64, 10**9))
    else:
        del shape.dim[-1]
    return f"input: another {action}"


def _numbers(model: Any, random: Random) -> str:
    from onnx import numpy_helper

    tensor = random.choice([t for t in model.graph.initializer if len(t.raw_data)])
    with np.errstate(all="ignore"):
        changed, change = mutated_array(numpy_helper.to_array(tensor), random)
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(changed, name))
    return f"initializer {name}: {change}"


def _node(model: Any, random: Random) -> str:
    node = random.choice(model.graph.node)
    action = random.choice(("remove", "kind", "domain"))
    if action == "remove":
        model.graph.node.remove(node)
    elif action == "kind":
        node.op_type = random.choice(("Neg", "Sqrt", "Log", "Loop", "NoSuchOperator"))
    else:
        node.domain = "x"
    return f"node {node.name}: {action}"


KIND = Kind(name="onnx", set_up=_set_up, run=_run, hang=SLOW)
