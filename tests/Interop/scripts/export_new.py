"""Writes models as PyTorch's newer exporter leaves them: opset 18 to 21, Gemm and MatMul on folded weights, values in a file beside the model."""
import json
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES, HIDDEN = 6, 3
random = numpy.random.default_rng(0)
weights = {}


def save(name, nodes, initializers, opset, external, functions=()):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["s0", FEATURES])
    y = helper.make_tensor_value_info("relu", TensorProto.FLOAT, ["s0", FEATURES])
    graph = helper.make_graph(nodes, "main_graph", [x], [y], [numpy_helper.from_array(v, k) for k, v in initializers.items()])
    imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid("pkg.onnxscript.torch_lib", 1)] * bool(functions)
    model = helper.make_model(graph, opset_imports=imports, producer_name="pytorch", functions=list(functions))
    model.ir_version = 8 if opset < 21 else 10
    onnx.save_model(model, f"{sys.argv[1]}/{name}", save_as_external_data=external, location=f"{name}.data", size_threshold=0)


for opset in (18, 20, 21):
    for external in (False, True):
        W, b = random.normal(size=(FEATURES, HIDDEN)).astype("f4"), random.normal(size=FEATURES).astype("f4")
        file = f"linear_{opset}_{external}.onnx"
        save(file, [
            helper.make_node("MatMul", ["x", "val_0"], ["linear"], name="node_linear"),
            helper.make_node("Gemm", ["linear", "W", "b"], ["linear_1"], name="node_linear_1", transB=1, beta=1.0, alpha=1.0),
            helper.make_node("Relu", ["linear_1"], ["relu"], name="node_relu"),
        ], {"val_0": W, "W": W, "b": b}, opset, external)
        weights[file] = (W, b)

        file = f"function_{opset}_{external}.onnx"
        aten_t = helper.make_function(
            "pkg.onnxscript.torch_lib", "aten_t", ["self"], ["result"],
            [helper.make_node("Transpose", ["self"], ["result"], perm=[1, 0])], [helper.make_opsetid("", opset)])
        save(file, [
            helper.make_node("Identity", ["W"], ["w"]),
            helper.make_node("MatMul", ["x", "w"], ["h"]),
            helper.make_node("aten_t", ["w"], ["t"], domain="pkg.onnxscript.torch_lib"),
            helper.make_node("MatMul", ["h", "t"], ["p"]),
            helper.make_node("Add", ["p", "b"], ["z"]),
            helper.make_node("Relu", ["z"], ["relu"]),
        ], {"W": W, "b": b}, opset, external, [aten_t])
        weights[file] = (W, b)

print(json.dumps({file: {"W": W.astype("f8").ravel().tolist(), "b": b.astype("f8").ravel().tolist()} for file, (W, b) in weights.items()}))
