"""One peer engine in a process of its own: `worker.py ENGINE VECTORS.npy`.

It builds its index over all rows but the last 1,000, says so in a line of JSON, and then answers each line of JSON on
stdin, which names the settings, with a line that holds the ids found for the last 1,000 rows and the seconds it took.
"""

import ctypes
import gc
import json
import os
import sys
import time

import numpy as np

QUERIES = 1_000
K = 10
BUILD_THREADS = 2


class BadVectors(Exception):
    """The file of vectors cannot be used; the text says why."""


def load(path):
    """The base and the queries in the file, every row scaled to length 1."""
    try:
        vectors = np.load(path, allow_pickle=False)
    except OSError as error:
        raise BadVectors(f"{path}: {error.strerror or 'cannot be read as .npy'}") from None
    except (ValueError, EOFError):
        raise BadVectors(f"{path}: cannot be read as .npy") from None
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2:
        raise BadVectors(f"{path}: an array of two dimensions is needed")
    if vectors.dtype != np.float32:
        raise BadVectors(f"{path}: float32 is needed, this is {vectors.dtype}")
    if len(vectors) < 2 * QUERIES:
        raise BadVectors(f"{path}: {2 * QUERIES} rows are needed at least, this has {len(vectors)}")
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if bad.size:
        raise BadVectors(f"{path}: row {bad[0]} has no direction: it is zero or not finite")
    vectors = (vectors / lengths[:, None]).astype(np.float32)
    return np.ascontiguousarray(vectors[:-QUERIES]), np.ascontiguousarray(vectors[-QUERIES:])


class Hnswlib:
    """hnswlib: HNSW over float32."""

    def __init__(self):
        import hnswlib

        self.lib = hnswlib

    def build(self, base):
        self.index = self.lib.Index("ip", base.shape[1])
        self.index.init_index(len(base), M=16, ef_construction=200)
        self.index.add_items(base, num_threads=BUILD_THREADS)

    def prepare(self, queries, setting, allowed):
        self.index.set_ef(setting["ef"])
        allow = None if allowed is None else allowed.tolist().__getitem__
        return lambda: self.index.knn_query(queries, K, num_threads=1, filter=allow)[0]


class Faiss:
    """faiss: HNSW over codes of a scalar quantizer, the best refined by float32."""

    def __init__(self, codes):
        import faiss

        self.lib = faiss
        self.codes = getattr(faiss.ScalarQuantizer, codes)

    def build(self, base):
        self.lib.omp_set_num_threads(BUILD_THREADS)
        self.graph = self.lib.IndexHNSWSQ(base.shape[1], self.codes, 16, self.lib.METRIC_INNER_PRODUCT)
        self.graph.hnsw.efConstruction = 200
        self.index = self.lib.IndexRefineFlat(self.graph)
        self.index.train(base)
        self.index.add(base)
        self.lib.omp_set_num_threads(1)

    def prepare(self, queries, setting, allowed):
        selector = None if allowed is None else bitmap(self.lib, allowed)
        graph = self.lib.SearchParametersHNSW(efSearch=setting["ef"], sel=selector)
        refine = self.lib.IndexRefineSearchParameters(k_factor=setting["k_factor"], base_index_params=graph)
        return lambda: self.index.search(queries, K, params=refine)[1]


class FaissFlat:
    """faiss: every allowed row compared, in float32."""

    def __init__(self):
        import faiss

        self.lib = faiss

    def build(self, base):
        self.index = self.lib.IndexFlatIP(base.shape[1])
        self.index.add(base)
        self.lib.omp_set_num_threads(1)

    def prepare(self, queries, setting, allowed):
        selector = self.lib.IDSelectorArray(np.flatnonzero(allowed))
        params = self.lib.SearchParameters(sel=selector)
        return lambda: self.index.search(queries, K, params=params)[1]


def bitmap(faiss, allowed):
    """faiss's selector of the rows that are allowed."""
    return faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))


class Usearch:
    """usearch: HNSW over vectors of the given scalar type."""

    def __init__(self, scalar):
        from usearch.index import Index

        self.new = Index
        self.scalar = scalar

    def build(self, base):
        self.index = self.new(
            ndim=base.shape[1], metric="ip", dtype=self.scalar, connectivity=16, expansion_add=200
        )
        self.index.add(np.arange(len(base)), base, threads=BUILD_THREADS)

    def prepare(self, queries, setting, allowed):
        self.index.expansion_search = setting["ef"]
        return lambda: self.index.search(queries, K, threads=1).keys


class Svs:
    """SVS: Vamana over vectors of the given scalar type."""

    def __init__(self, scalar):
        import svs

        self.lib = svs
        self.encode = {"f32": lambda rows: rows, "f16": to_f16, "i8": self.to_i8}[scalar]
        self.step = None

    def to_i8(self, rows):
        """One scale for all; what lies beyond the 99.95th percentile of the base is clipped."""
        if self.step is None:
            self.step = np.float32(127 / np.quantile(np.abs(rows), 0.9995))
        return np.clip(np.rint(rows * self.step), -127, 127).astype(np.int8)

    def build(self, base):
        parameters = self.lib.VamanaBuildParameters(
            alpha=0.95, graph_max_degree=32, prune_to=28, window_size=200, max_candidate_pool_size=750
        )
        self.index = self.lib.Vamana.build(
            parameters, self.encode(base), self.lib.DistanceType.MIP, num_threads=BUILD_THREADS
        )
        self.index.num_threads = 1

    def prepare(self, queries, setting, allowed):
        self.index.search_parameters = self.lib.VamanaSearchParameters(
            buffer_config=self.lib.SearchBufferConfig(setting["ef"]),
            search_buffer_visited_set=True,
            prefetch_lookahead=8,
            prefetch_step=1,
        )
        if self.step is None:
            return lambda: self.index.search(queries, K)[0]
        return lambda: self.index.search(self.to_i8(queries), K)[0]


def to_f16(rows):
    return rows.astype(np.float16)


class Vsag:
    """VSAG: HGraph over bytes, the best refined by float32. Its Python binding takes one query a call."""

    def __init__(self):
        import pyvsag

        self.lib = pyvsag
        self.lib.set_logger_off()

    def build(self, base):
        parameters = {
            "dtype": "float32",
            "metric_type": "ip",
            "dim": base.shape[1],
            "index_param": {
                "base_quantization_type": "sq8_uniform",
                "use_reorder": True,
                "precise_quantization_type": "fp32",
                "max_degree": 32,
                "ef_construction": 200,
                "build_thread_count": BUILD_THREADS,
                "use_elp_optimizer": True,
            },
        }
        self.index = self.lib.Index("hgraph", json.dumps(parameters))
        self.index.build(base, np.arange(len(base)), len(base), base.shape[1])

    def prepare(self, queries, setting, allowed):
        parameters = json.dumps({"hgraph": {"ef_search": setting["ef"]}})
        return lambda: [self.index.knn_search(query, K, parameters)[0] for query in queries]


class Kannolo:
    """kANNolo: HNSW over float16. A filtered search takes one query a call, and asks Python about each row."""

    def __init__(self):
        os.environ["RAYON_NUM_THREADS"] = str(BUILD_THREADS)
        import kannolo

        self.lib = kannolo

    def build(self, base):
        self.index = self.lib.DensePlainHNSW.build_from_array(
            base.ravel(), base.shape[1], m=16, ef_construction=200, metric="dotproduct"
        )

    def prepare(self, queries, setting, allowed):
        ef = setting["ef"]
        if allowed is None:
            flat = queries.ravel()
            return lambda: self.index.batch_search(flat, K, ef_search=ef, num_threads=1)[1].reshape(-1, K)
        allow = allowed.tolist().__getitem__
        return lambda: [self.index.search_filtered(query, K, allow, ef_search=ef)[1] for query in queries]


class Glass:
    """glass: HNSW over codes of four bits, the best refined by float32."""

    def __init__(self):
        import glass

        self.lib = glass

    def build(self, base):
        self.lib.set_num_threads(BUILD_THREADS)
        graph = self.lib.Index(index_type="HNSW", metric="IP", quant="FP32", R=32, L=200).build(base)
        self.index = self.lib.Searcher(
            graph=graph, data=base, metric="IP", quantizer="SQ4U", refine_quant="FP32"
        )
        self.lib.set_num_threads(1)
        self.index.optimize(1)

    def prepare(self, queries, setting, allowed):
        self.index.set_ef(setting["ef"])
        return lambda: self.index.batch_search(queries, K, 1)[0]


ENGINES = {
    "hnswlib": Hnswlib,
    "faiss-sq8": lambda: Faiss("QT_8bit"),
    "faiss-sq4": lambda: Faiss("QT_4bit"),
    "faiss-flat": FaissFlat,
    "usearch-f32": lambda: Usearch("f32"),
    "usearch-f16": lambda: Usearch("f16"),
    "usearch-i8": lambda: Usearch("i8"),
    "svs-f32": lambda: Svs("f32"),
    "svs-f16": lambda: Svs("f16"),
    "svs-i8": lambda: Svs("i8"),
    "vsag": Vsag,
    "kannolo": Kannolo,
    "glass": Glass,
}


def resident():
    """Bytes of memory that the process holds, freed pages given back first."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def timed(search):
    """The answer of a search and the seconds it took, on one thread."""
    processor, clock = time.process_time(), time.perf_counter()
    found = search()
    seconds = time.perf_counter() - clock
    if time.process_time() - processor > 1.2 * seconds + 0.02:
        raise RuntimeError("the search ran on more than one thread")
    return found, seconds


def padded(ids):
    """Ten ids to a query, -1 where fewer were found."""
    rows = [np.asarray(row).astype(np.int64).tolist() for row in ids]
    return [row + [-1] * (K - len(row)) for row in rows]


def answer(engine, queries, request):
    allowed = request.get("allowed")
    search = engine.prepare(queries, request, None if allowed is None else np.load(allowed))
    found, seconds = timed(search)
    return {"seconds": seconds, "ids": padded(found)}


def main(name, path):
    # Some engines print: stdout is kept for the protocol, and what they print goes to stderr.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def reply(message):
        print(json.dumps(message), file=replies)

    engine = ENGINES[name]()
    base, queries = load(path)
    before = resident()
    begun = time.perf_counter()
    engine.build(base)
    build_s = time.perf_counter() - begun
    reply({"ready": True, "engine": name, "build_s": build_s, "bytes": resident() - before})
    for line in sys.stdin:
        reply(answer(engine, queries, json.loads(line)))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ENGINES:
        sys.exit(f"worker.py ENGINE VECTORS.npy, ENGINE one of {', '.join(ENGINES)}")
    try:
        main(*sys.argv[1:])
    except BadVectors as error:
        print(f"worker.py: {error}", file=sys.stderr)
        sys.exit(2)
