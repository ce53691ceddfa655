"""A safetensors weights file without a package: json and numpy. Prints what it holds as JSON."""
import json
import sys

import numpy


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    return {k: numpy.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]) for k, t in header.items()}, metadata


tensors, metadata = read_safetensors(sys.argv[1])
instances = json.loads(metadata["instances"])
result = {
    "shapes": {name: list(tensor.shape) for name, tensor in tensors.items()},
    "values": {name: [float(value) for value in tensor.ravel()] for name, tensor in tensors.items()},
    "kind": metadata["kind"],
    "seeds": [str(instance["seed"]) for instance in instances],
    "coordinates": [instance["coordinates"] for instance in instances],
}
print(json.dumps(result))
