"""Draws sparse samples with numpy and writes them as scipy.sparse does, a shard at a time.

Arguments: features, density, samples of a shard, folder. Each line of the input is a number of shards; the answer is the seconds they took.
"""
import sys
import time

import numpy as np
import scipy.sparse

n, p, samples, folder = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
rng = np.random.default_rng(0)
for line in sys.stdin:
    start = time.perf_counter()
    for shard in range(int(line)):
        x = (rng.random((samples, n)) < p) * rng.random((samples, n))
        scipy.sparse.save_npz(f"{folder}/shard-{shard:05d}.npz", scipy.sparse.csr_matrix(x))
    print(time.perf_counter() - start, flush=True)
