"""Loads a run's weights into PyTorch, prints their losses on its dataset, trains on, saves, and prints the losses again."""
import glob
import json
import sys

import numpy
import scipy.sparse
import torch

run, target = sys.argv[1:]
with open(f"{run}/weights/pack-00000.safetensors", "rb") as file:
    header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    data = file.read()
metadata = header.pop("__metadata__")
tensors = {k: numpy.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]) for k, t in header.items()}
W, b = (torch.nn.Parameter(torch.tensor(tensors[name])) for name in ("W", "b"))
cells = [instance["cell"] for instance in json.loads(metadata["instances"])]
datasets = {}
for folder in glob.glob(f"{run}/data/eval-*"):
    density = json.load(open(f"{folder}/dataset.json"))["data"]["density"][0]
    x = scipy.sparse.vstack([scipy.sparse.load_npz(shard) for shard in sorted(glob.glob(f"{folder}/shard-*.npz"))])
    datasets[round(1 - density, 6)] = torch.tensor(x.toarray())
samples = [datasets[round(float(instance["coordinates"]["data.sparsity"]), 6)] for instance in json.loads(metadata["instances"])]
importance = 0.9 ** torch.arange(W.shape[1])


def losses(W, b):
    return [(importance.to(W.dtype) * (x.to(W.dtype) - torch.relu(x.to(W.dtype) @ w @ w.T + bias)) ** 2).mean() for x, w, bias in zip(samples, W, b)]


before = [float(loss) for loss in losses(W.double(), b.double())]
optimizer = torch.optim.AdamW([W, b], lr=1e-2)
for step in range(50):
    optimizer.zero_grad()
    sum(losses(W, b)).backward()
    optimizer.step()

values = {"W": W.detach().numpy(), "b": b.detach().numpy()}
text = json.dumps({"__metadata__": metadata} | header).encode()
with open(target, "wb") as file:
    file.write(len(text).to_bytes(8, "little") + text + b"".join(values[name].tobytes() for name in header))
print(json.dumps({"before": before, "after": [float(loss) for loss in losses(W.detach().double(), b.detach().double())]}))
