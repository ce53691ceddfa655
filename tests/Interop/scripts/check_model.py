"""Checks an ONNX model with onnx's own checker and shape inference. Prints its face as JSON."""
import json
import sys

import onnx
import onnx.shape_inference


def shape(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)

# The declared output shapes are set aside: inference must find them by itself.
declared = {value.name: shape(value) for value in model.graph.output}
bare = onnx.ModelProto()
bare.CopyFrom(model)
for value in bare.graph.output:
    value.type.tensor_type.ClearField("shape")
inferred = onnx.shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
found = {value.name: shape(value) for value in inferred.graph.output}
assert found == declared, f"inferred {found}, declared {declared}"

print(json.dumps({
    "ir_version": model.ir_version,
    "opset": [[entry.domain, entry.version] for entry in model.opset_import],
    "inputs": {value.name: shape(value) for value in model.graph.input},
    "outputs": declared,
    "metadata": {entry.key: entry.value for entry in model.metadata_props},
    "instances": [instance["index"] for instance in json.loads({e.key: e.value for e in model.metadata_props}["instances"])],
}))
