"""Writes a random CSR matrix with scipy: path, dtype, compressed or not. Prints it as JSON."""
import json
import sys

import scipy.sparse

path, dtype, compressed = sys.argv[1], sys.argv[2], sys.argv[3] == "compressed"
x = scipy.sparse.random(50, 9, density=0.3, format="csr", dtype=dtype, random_state=4)
if len(sys.argv) > 4 and sys.argv[4] == "int64":
    x.indices, x.indptr = x.indices.astype("int64"), x.indptr.astype("int64")
if len(sys.argv) > 4 and sys.argv[4] == "unsorted":
    x = x[:, ::-1]
    assert not x.has_sorted_indices
scipy.sparse.save_npz(path, x, compressed=compressed)
print(json.dumps({"indptr": x.indptr.tolist(), "indices": x.indices.tolist(), "data": [float(value) for value in x.data.astype("f4")]}))
