"""Exports a graph that is none of the four kinds, writes a dataset, and prints what numpy measures on its outputs."""
import json
import sys

import numpy
import scipy.sparse
import torch

N, folder = 5, sys.argv[1]
torch.manual_seed(2)
other = torch.nn.Sequential(torch.nn.Linear(N, 3), torch.nn.Tanh(), torch.nn.Linear(3, N), torch.nn.Sigmoid())
fixed = sys.argv[2] == "fixed"
axes = {} if fixed else {"dynamic_axes": {"x": {0: "batch"}}}
torch.onnx.export(other, torch.zeros(7 if fixed else 1, N), f"{folder}/other.onnx", input_names=["x"], **axes)
samples = torch.rand(1000, N) * (torch.rand(1000, N) < 0.3)
scipy.sparse.save_npz(f"{folder}/samples.npz", scipy.sparse.csr_matrix(samples.numpy()))

with torch.no_grad():
    other, x = other.double(), samples.double()
    error = ((x - other(x)) ** 2).numpy()
    response = (other(torch.eye(N).double()) - other(torch.zeros(N).double())).numpy().T    # row i is output i's
print(json.dumps({
    "loss": float((0.9 ** numpy.arange(N) * error).mean()),
    "error": error.mean(axis=0).tolist(),
    "explained": (1 - error.mean(axis=0) / samples.double().numpy().var(axis=0)).tolist(),
    "response": numpy.diag(response).tolist(),
    "interference": ((response ** 2).sum(axis=1) - numpy.diag(response) ** 2).tolist(),
}))
