"""Evaluates an ONNX model node by node. Prints the evaluator and the largest difference from the formulas in numpy."""
import sys

import numpy
import onnx
import onnx.numpy_helper

try:
    from onnx.reference import ReferenceEvaluator
except ImportError:
    ReferenceEvaluator = None  # It came with onnx 1.13; Debian 12 has 1.12.

OPERATORS = {
    "MatMul": lambda a, b: a @ b,
    "Gemm": lambda a, b, c, transB=0: a @ (b.T if transB else b) + c,
    "Transpose": lambda a, perm: numpy.transpose(a, perm),
    "Add": lambda a, b: a + b,
    "Relu": lambda a: numpy.maximum(a, 0),
    "Identity": lambda a: a,
}


def evaluate(model, names, values):
    """What the reference evaluator does, for the six operators that our models have."""
    values |= {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        values[node.output[0]] = OPERATORS[node.op_type](*(values[name] for name in node.input), **attributes)
    return [values[name] for name in names]


model = onnx.load(sys.argv[1])
kind = {entry.key: entry.value for entry in model.metadata_props}["kind"]
weights = {tensor.name: onnx.numpy_helper.to_array(tensor).astype("f8") for tensor in model.graph.initializer}
W1, W2, b = weights.get("W1", weights.get("W")), weights.get("W2", weights.get("W")), weights["b"]
sizes = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
x = numpy.random.default_rng(1).uniform(-1, 1, [7] + sizes[1:]).astype("f4")

hidden = numpy.einsum("...i,...ik->...k", x, W1)
if kind in ("relu-hidden", "absolute-value"):
    hidden = numpy.maximum(hidden, 0)
preactivation = numpy.einsum("...k,...ik->...i", hidden, W2) + b
reconstruction = preactivation if kind == "linear" else numpy.maximum(preactivation, 0)

names = ["reconstruction", "hidden", "preactivation"]
outputs = ReferenceEvaluator(model).run(names, {"x": x}) if ReferenceEvaluator else evaluate(model, names, {"x": x})
difference = max(abs(output - expected).max() for output, expected in zip(outputs, (reconstruction, hidden, preactivation)))
print("onnx.reference" if ReferenceEvaluator else "own evaluator", difference)
