"""Compares rapport's index with its peers: recall against queries a second, on one thread. README.md says how."""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from worker import K, QUERIES, BadVectors, load

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EFS = [10, 12, 14, 16, 18, 20, 22, 24, 28, 32, 36, 40, 48, 56, 64, 80, 96, 128, 160, 200, 300, 400, 600, 800]
TARGETS = [0.95, 0.98, 0.99]
# A filtered search of the same index needs more room.
FILTERED_EFS = [10, 14, 20, 40, 80, 160, 320, 800, 1600, 3200]
FILTERED_TARGET = 0.95
SELECTIVITIES = [0.5, 0.1, 0.01, 0.001]
SEED = 11
# Scores nearer than this are the same score.
TIE = 1e-6
# A ladder ends once this is reached, or once a request takes this long.
ENOUGH = 0.999
TOO_SLOW_S = 5


class Failed(Exception):
    """The comparison cannot go on; the text says why."""


def by_ef(efs):
    return [{"ef": ef} for ef in efs]


def refined(efs):
    """Settings of an index whose k_factor x 10 best are compared anew."""
    return [{"ef": ef, "k_factor": factor} for ef in efs for factor in (1, 2, 3) if factor * K <= ef]


def exhaustive(efs):
    return [{}]


@dataclass(frozen=True)
class Engine:
    """What is tried with an engine, and in which of the two experiments."""

    settings: object = by_ef
    plain: bool = True
    filters: bool = False


ENGINES = {
    "rapport": Engine(filters=True),
    "hnswlib": Engine(filters=True),
    "faiss-sq8": Engine(refined, filters=True),
    "faiss-sq4": Engine(refined, filters=True),
    "faiss-flat": Engine(exhaustive, plain=False, filters=True),
    "usearch-f32": Engine(),
    "usearch-f16": Engine(),
    "usearch-i8": Engine(),
    "svs-f32": Engine(),
    "svs-f16": Engine(),
    "svs-i8": Engine(),
    "vsag": Engine(),
    "kannolo": Engine(filters=True),
    "glass": Engine(),
}


@dataclass
class Truth:
    """The exact answer: which rows may be found, and the score that the last of a query's best has."""

    base: np.ndarray
    queries: np.ndarray
    last: np.ndarray
    allowed: np.ndarray | None = None

    def recall(self, ids):
        return sum(map(self.found, range(QUERIES), ids)) / (QUERIES * K)

    def found(self, query, ids):
        rows = np.unique(np.asarray(ids, dtype=np.int64))
        rows = rows[(rows >= 0) & (rows < len(self.base))]
        if self.allowed is not None:
            rows = rows[self.allowed[rows]]
        scores = self.base[rows].astype(np.float64) @ self.queries[query].astype(np.float64)
        return min(K, int((scores >= self.last[query] - TIE).sum()))


def truth(base, queries, allowed=None):
    """The exact answer, the scores of the candidates in float64."""
    rows = np.arange(len(base)) if allowed is None else np.flatnonzero(allowed)
    last = np.empty(QUERIES)
    for begin in range(0, QUERIES, 100):
        some = queries[begin : begin + 100]
        scores = some @ base[rows].T
        near = np.argpartition(-scores, min(2 * K, len(rows)) - 1, axis=1)[:, : 2 * K]
        for offset, candidates in enumerate(near):
            exact = base[rows[candidates]].astype(np.float64) @ some[offset].astype(np.float64)
            last[begin + offset] = np.sort(exact)[-K]
    return Truth(base, queries, last, allowed)


@dataclass
class Worker:
    """An engine in a process of its own, its index built."""

    name: str
    process: subprocess.Popen
    errors: object
    build_s: float = 0.0
    bytes: int = 0

    def reply(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            last = self.errors.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise Failed(f"{self.name} ended with exit code {self.process.wait()}: {last}")
        return json.loads(line)

    def ask(self, request):
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # What the worker said last is read below.
        answer = self.reply()
        if len(answer["ids"]) != QUERIES or any(len(ids) > K for ids in answer["ids"]):
            raise Failed(f"{self.name} did not answer {QUERIES} queries with {K} ids at most")
        return answer

    def stop(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # It has ended already.
        self.process.wait()


def start(name, command, vectors):
    """Starts a worker and waits until it has built its index."""
    errors = tempfile.TemporaryFile()
    process = subprocess.Popen(
        [*command, str(vectors)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
    )
    worker = Worker(name, process, errors)
    ready = worker.reply()
    worker.build_s, worker.bytes = ready["build_s"], ready["bytes"]
    note(f"{name}: built in {worker.build_s:.1f} s, {worker.bytes / 1e6:.0f} MB")
    return worker


def command(name):
    if name == "rapport":
        return [cargo_bench()]
    return [sys.executable, str(HERE / "worker.py"), name]


def cargo_bench():
    """Builds rapport's worker and says where it lies."""
    note("building rapport")
    arguments = ["bench", "--bench", "peers", "--no-run", "--message-format=json"]
    try:
        built = subprocess.run(["cargo", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failed(f"cargo could not build the bench `peers`: {error}") from None
    for message in map(json.loads, built.stdout.splitlines()):
        if message["reason"] == "compiler-artifact" and message["target"]["kind"] == ["bench"]:
            return message["executable"]
    raise Failed("cargo built no bench `peers`")


@dataclass
class Tried:
    """A setting of an engine and how it did."""

    worker: Worker
    setting: dict
    recall: float
    seconds: list = field(default_factory=list)
    selectivity: float | None = None

    @property
    def qps(self):
        return QUERIES / statistics.median(self.seconds)

    def row(self):
        row = {
            "engine": self.worker.name,
            "setting": self.setting,
            "recall": round(self.recall, 4),
            "qps": round(self.qps, 1),
            "build_s": round(self.worker.build_s, 2),
            "bytes": self.worker.bytes,
        }
        return row if self.selectivity is None else row | {"selectivity": self.selectivity}


def ladder(worker, settings, exact, extra):
    """The settings worth measuring: each tried twice, less those that another beats clearly."""
    tried = []
    for setting in settings:
        answers = [worker.ask(setting | extra) for _ in range(2)]
        seconds = min(answer["seconds"] for answer in answers)
        tried.append(Tried(worker, setting, exact.recall(answers[0]["ids"]), [seconds]))
        if tried[-1].recall >= ENOUGH or seconds > TOO_SLOW_S:
            break
    return [one for one in tried if not any(beats(other, one) for other in tried)]


def beats(one, other):
    return one.recall >= other.recall and one.qps > 2 * other.qps


def measure(workers, efs, exact, rounds, extra):
    """Every setting of every engine, the engines taking turns, `rounds` times."""
    ladders = []
    for worker in workers:
        note(f"{worker.name}: looking for its settings")
        ladders.append(ladder(worker, ENGINES[worker.name].settings(efs), exact, extra))
    tried = [one for step in range(max(map(len, ladders))) for rungs in ladders for one in rungs[step : step + 1]]
    for one in tried:
        one.seconds.clear()
    for turn in range(rounds):
        note(f"round {turn + 1} of {rounds}")
        for one in tried:
            # Once to have the index back in the caches after the other engines, as it is where it serves alone.
            one.worker.ask(one.setting | extra)
            one.seconds.append(one.worker.ask(one.setting | extra)["seconds"])
    return sorted(tried, key=lambda one: (order(one), one.recall))


def order(one):
    return list(ENGINES).index(one.worker.name)


def best(tried, name, target):
    """The fastest of an engine's settings that find enough."""
    enough = [one for one in tried if one.worker.name == name and one.recall >= target]
    return max(enough, key=lambda one: one.qps, default=None)


def plain_experiment(workers, base, queries, rounds):
    exact = truth(base, queries)
    tried = measure(workers, EFS, exact, rounds, {})
    print_settings(tried)
    print_targets(workers, tried, len(base))
    return tried


def filter_experiment(workers, base, queries, rounds, folder):
    tried = []
    for selectivity in SELECTIVITIES:
        note(f"{selectivity * 100:g} % of the base allowed")
        allowed = mask(len(base), selectivity)
        path = Path(folder) / "allowed.npy"
        np.save(path, allowed)
        some = measure(workers, FILTERED_EFS, truth(base, queries, allowed), rounds, {"allowed": str(path)})
        for one in some:
            one.selectivity = selectivity
        tried += some
    print_filters(workers, tried)
    return tried


def mask(size, selectivity):
    """Which rows are allowed: as many as the selectivity says, ten at least, drawn at random."""
    chosen = max(K, round(size * selectivity))
    allowed = np.zeros(size, dtype=bool)
    allowed[np.random.default_rng([SEED, chosen]).choice(size, chosen, replace=False)] = True
    return allowed


def print_settings(tried):
    print(f"\n{'engine':<12} {'setting':<22} {'recall@10':>9} {'queries/s':>10}")
    for one in tried:
        print(f"{one.worker.name:<12} {in_words(one.setting):<22} {one.recall:>9.4f} {one.qps:>10,.0f}")


def in_words(setting):
    return " ".join(f"{key}={value}" for key, value in setting.items()) or "exhaustive"


def print_targets(workers, tried, size):
    heads = "".join(f"{f'at .{target * 100:.0f}':>10}" for target in TARGETS)
    print(f"\nqueries/s by recall@10\n{'engine':<12} {heads} {'build s':>9} {'bytes/vector':>13}")
    for worker in workers:
        cells = "".join(f"{speed(best(tried, worker.name, target)):>10}" for target in TARGETS)
        print(f"{worker.name:<12} {cells} {worker.build_s:>9.1f} {worker.bytes / size:>13,.0f}")
    cells = [ratio(workers, tried, target) for target in TARGETS]
    print_ratio(cells)


def print_filters(workers, tried):
    heads = "".join(f"{f'{selectivity * 100:g} %':>10}" for selectivity in SELECTIVITIES)
    print(f"\nqueries/s at recall@10 of {FILTERED_TARGET} among the allowed\n{'engine':<12} {heads}")
    by_share = [[one for one in tried if one.selectivity == share] for share in SELECTIVITIES]
    for worker in workers:
        cells = "".join(f"{speed(best(some, worker.name, FILTERED_TARGET)):>10}" for some in by_share)
        print(f"{worker.name:<12} {cells}")
    print_ratio([ratio(workers, some, FILTERED_TARGET) for some in by_share])


def speed(one):
    return "-" if one is None else f"{one.qps:,.0f}"


def ratio(workers, tried, target):
    """rapport's speed by that of the fastest peer, where both find enough."""
    speeds = {worker.name: best(tried, worker.name, target) for worker in workers}
    own = speeds.pop("rapport", None)
    peers = [one.qps for one in speeds.values() if one]
    return f"{own.qps / max(peers):.2f}" if own and peers else "-"


def print_ratio(cells):
    if any(cell != "-" for cell in cells):
        print(f"{'rapport/best':<12} " + "".join(f"{cell:>10}" for cell in cells))


def draw(tried, path):
    """Recall against speed, each engine by the settings that no other of its own beats."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 6))
    for name in dict.fromkeys(one.worker.name for one in tried):
        front = [one for one in frontier(tried, name) if one.recall >= 0.9]
        wide = 2.5 if name == "rapport" else 1.2
        axes.plot([one.recall for one in front], [one.qps for one in front], marker="o", ms=3, lw=wide, label=name)
    axes.set(xlabel="recall@10", ylabel="queries a second, one thread", yscale="log", xlim=(0.9, 1))
    axes.grid(which="both", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def frontier(tried, name):
    own = [one for one in tried if one.worker.name == name]
    return [one for one in own if not any(o.recall >= one.recall and o.qps > one.qps for o in own)]


def note(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="benches/peers/run", description=__doc__)
    parser.add_argument("--vectors", required=True, type=Path, metavar="FILE.npy", help="the last 1,000 rows ask")
    parser.add_argument("--json", required=True, type=Path, metavar="OUT", help="where every figure is written")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="measurements a setting (5)")
    parser.add_argument("--engines", type=engines, default=available(), metavar="A,B,C", help="all unless named")
    parser.add_argument("--filters", action="store_true", help="also search among a part of the base")
    parser.add_argument("--chart", type=svg, metavar="FILE.svg", help="where a chart is drawn")
    chosen = parser.parse_args()
    for path in filter(None, (chosen.json, chosen.chart)):
        if not path.parent.is_dir():
            parser.error(f"{path}: there is no folder {path.parent}")
        if path.is_dir():
            parser.error(f"{path}: this is a folder")
    if not chosen.filters:
        chosen.engines = [name for name in chosen.engines if ENGINES[name].plain]
    if not chosen.engines:
        parser.error("none of these engines searches without --filters")
    return chosen


def positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"a number from 1 on is needed, not {text}")
    return int(text)


def svg(text):
    if not text.endswith(".svg"):
        raise argparse.ArgumentTypeError(f"a name that ends in .svg is needed, not {text}")
    return Path(text)


def available():
    """Every engine, glass only where it is installed."""
    return [name for name in ENGINES if name != "glass" or importlib.util.find_spec("glass")]


def engines(text):
    names = list(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in available():
            raise argparse.ArgumentTypeError(f"there is no engine {name}; there are {', '.join(available())}")
    return names


def compare(chosen):
    base, queries = load(chosen.vectors)
    commands = {name: command(name) for name in chosen.engines}
    workers = []
    try:
        for name in chosen.engines:
            workers.append(start(name, commands[name], chosen.vectors))
        plain = [worker for worker in workers if ENGINES[worker.name].plain]
        tried = plain_experiment(plain, base, queries, chosen.rounds) if plain else []
        if chosen.chart and tried:
            draw(tried, chosen.chart)
        filtering = [worker for worker in workers if ENGINES[worker.name].filters]
        if chosen.filters and filtering:
            with tempfile.TemporaryDirectory() as folder:
                tried += filter_experiment(filtering, base, queries, chosen.rounds, folder)
    finally:
        for worker in workers:
            worker.stop()
    chosen.json.write_text(json.dumps([one.row() for one in tried], indent=1) + "\n")


def main():
    chosen = arguments()
    try:
        compare(chosen)
    except BadVectors as error:
        fail(error, 2)
    except Failed as error:
        fail(error, 1)
    except KeyboardInterrupt:
        fail("interrupted", 130)


def fail(error, code):
    print(f"benches/peers/run: {error}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
