"""Trains a toy model in PyTorch with code of its own, saves it in three forms, and prints what numpy measures on its weights."""
import json
import sys

import numpy
import scipy.sparse
import torch

N, M, DENSITY = 8, 3, 0.15
folder = sys.argv[1]


class Toy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.nn.init.xavier_normal_(torch.empty(M, N)))
        self.bias = torch.nn.Parameter(torch.zeros(N))

    def forward(self, x):
        return torch.relu(torch.nn.functional.linear(torch.nn.functional.linear(x, self.weight), self.weight.t(), self.bias))


def draw(samples):
    return torch.rand(samples, N) * (torch.rand(samples, N) < DENSITY)


torch.manual_seed(3)
toy = Toy()
importance = 0.9 ** torch.arange(N)
optimizer = torch.optim.AdamW(toy.parameters(), lr=1e-2)
for step in range(300):
    x = draw(256)
    loss = (importance * (x - toy(x)) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

torch.onnx.export(toy, torch.zeros(1, N), f"{folder}/toy.onnx", input_names=["x"], dynamic_axes={"x": {0: "batch"}})
torch.jit.script(toy).save(f"{folder}/toy.pt")
tensors = {"model.weight": toy.weight.detach().numpy(), "model.bias": toy.bias.detach().numpy()}
header, offset = {}, 0
for name, values in tensors.items():
    header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset := offset + values.nbytes]}
text = json.dumps(header).encode()
with open(f"{folder}/toy.safetensors", "wb") as file:
    file.write(len(text).to_bytes(8, "little") + text + b"".join(values.tobytes() for values in tensors.values()))

dataset = scipy.sparse.csr_matrix(draw(4000).numpy())
scipy.sparse.save_npz(f"{folder}/samples.npz", dataset)

# The measures, by their formulas, in float64.
W, b, x = tensors["model.weight"].T.astype("f8"), tensors["model.bias"].astype("f8"), dataset.toarray().astype("f8")
G = W @ W.T
norm = numpy.sqrt(numpy.diag(G))
unit = (W / norm[:, None]) @ W.T
superposition = (unit ** 2).sum(axis=1) - numpy.diag(unit) ** 2
error = x - numpy.maximum(x @ G + b, 0)
print(json.dumps({
    "norm": norm.tolist(),
    "superposition": superposition.tolist(),
    "dimensionality": (norm ** 2 / (unit ** 2).sum(axis=1)).tolist(),
    "bias": b.tolist(),
    "loss": float((0.9 ** numpy.arange(N) * error ** 2).mean()),
    "dimensions_per_feature": M / float((W ** 2).sum()),
}))
