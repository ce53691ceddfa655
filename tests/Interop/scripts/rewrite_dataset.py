"""Writes a dataset folder again with scipy and json: the same samples, other bytes. Its CSV files must hold the same numbers to the last bit."""
import hashlib
import json
import os
import sys

import numpy
import scipy.sparse

folder = sys.argv[1]
manifest = json.load(open(f"{folder}/dataset.json"))
for shard in manifest["shards"]:
    path = f"{folder}/{shard['file']}"
    x = scipy.sparse.load_npz(path)
    table = path.replace(".npz", ".csv")
    if os.path.exists(table):
        text = numpy.loadtxt(table, dtype="f4", delimiter=",", skiprows=1, ndmin=2)
        assert (text.view("u4") == x.toarray().view("u4")).all(), "the CSV differs"
    before = open(path, "rb").read()
    scipy.sparse.save_npz(path, x.astype("f8"), compressed=True)
    after = open(path, "rb").read()
    assert before != after
    shard["sha256"] = hashlib.sha256(after).hexdigest()
with open(f"{folder}/dataset.json", "w") as file:
    json.dump(manifest, file)
print(len(manifest["shards"]))
