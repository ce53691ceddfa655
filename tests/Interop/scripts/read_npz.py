"""Reads a CSR shard as the documentation says. Prints it as JSON."""
import json
import sys

import scipy.sparse

x = scipy.sparse.load_npz(sys.argv[1])
assert x.format == "csr" and x.dtype == "float32" and x.indices.dtype == "int32", (x.format, x.dtype, x.indices.dtype)
x.check_format(full_check=True)
assert x.has_canonical_format
print(json.dumps({
    "shape": x.shape,
    "indptr": x.indptr.tolist(),
    "indices": x.indices.tolist(),
    "data": [float(value) for value in x.data],
    "dense": x.toarray().tolist(),
}))
