"""Exports toy models as people write them in PyTorch, with its own exporter. Prints their weights as JSON, by file."""
import itertools
import json
import sys
import warnings

import torch
import torch.nn.functional as F

warnings.filterwarnings("ignore")
FEATURES, HIDDEN = 6, 3


class Toy(torch.nn.Module):
    def __init__(self, kind, style):
        super().__init__()
        self.kind, self.style = kind, style
        self.W = torch.nn.Parameter(0.7 * torch.randn(FEATURES, HIDDEN))
        self.W2 = torch.nn.Parameter(0.7 * torch.randn(FEATURES, HIDDEN))
        self.b = torch.nn.Parameter(0.3 * torch.randn(FEATURES))

    def forward(self, x):
        decoder = self.W2 if self.kind == "absolute-value" else self.W
        if self.style == "folded":
            z = x @ (self.W @ self.W.T) + self.b
        else:
            h = self.product(x, self.W)
            if self.kind in ("relu-hidden", "absolute-value"):
                h = torch.relu(h)
            z = F.linear(h, decoder, self.b) if self.style == "linear" else self.product(h, decoder.T) + self.b
        if self.kind == "linear":
            return z
        return z.clamp(min=0) if self.style == "einsum" else torch.relu(z)

    def product(self, x, w):
        if self.style == "einsum":
            return torch.einsum("bi,ij->bj", x, w)
        if self.style == "columns":
            return (w.T @ x.T).T
        return F.linear(x, w.T) if self.style == "linear" else x @ w


torch.manual_seed(0)
kinds = ["linear", "relu-output", "relu-hidden", "absolute-value"]
weights = {}
for kind, style, opset, batch in itertools.product(kinds, ["matmul", "linear", "einsum", "columns", "folded"], [11, 13, 16], [None, 4]):
    if (style == "folded" and kind in kinds[2:]) or (style == "einsum" and opset < 12):
        continue
    model = Toy(kind, style)
    if style == "matmul" and opset == 16:
        model = model.double()
    x = torch.zeros(batch or 2, FEATURES, dtype=model.W.dtype)
    file = f"{kind}_{style}_{opset}_{batch or 'free'}.onnx"
    free = {} if batch else {"dynamic_axes": {"input": {0: "batch"}}}
    # Folded, a tied matrix is stored twice; else once, with a Transpose node.
    torch.onnx.export(model, x, f"{sys.argv[1]}/{file}", opset_version=opset, input_names=["input"], do_constant_folding=batch is None, **free)
    weights[file] = {"kind": kind, "style": style} | {name: values.detach().double().flatten().tolist() for name, values in model.named_parameters()}
print(json.dumps(weights))
