"""Compares rapport's HTTP service with those of vector databases: their speed under load. README.md says how."""

import argparse
import contextlib
import http.client
import importlib.metadata
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
import orjson

from worker import K, BadVectors, load

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
CONNECTIONS = 32
# Different members that ask, at most: wrk holds their requests in memory.
REQUESTS = 20_000
# So many of them ask once before, to see that the answers are right.
LOOKED_AT = 200
# Under load, answers may be this much shorter on average.
SHORTEST = 0.8
BATCH = 1_000
SEED = 11
# Scores nearer than this are the same score.
TIE = 1e-6
WARM_UP_S = 3
# How long a server may take to answer at all, to have its members ready, and to end.
START_S, LOAD_S, STOP_S = 120, 600, 20
REQUEST_S = 60
# Fields that hold one value; the same word names the filter of rapport.
PLACES = ["country", "region", "city"]
FIELDS = [*PLACES, "industry", "profession"]
FILTER = "region=California"
# A member whose profile has none of these has no vector; the same as in benches/vectors.rs.
PROFILE = ["headline", "about", "profession", "industry", "offers", "interests"]


class Failed(Exception):
    """The comparison cannot go on; the text says why."""


@dataclass
class Community:
    """The members that have a vector: any of them asks, those with the value may be found."""

    ids: list
    vectors: np.ndarray
    attribute: str
    value: str
    # A member's value of the field, folded; empty where there is none.
    values: list
    # Rows in the order in which they ask.
    asking: list = field(init=False)
    # Which rows a search may find.
    allowed: np.ndarray = field(init=False)

    def __post_init__(self):
        self.asking = list(range(len(self.ids)))
        random.Random(SEED).shuffle(self.asking)
        del self.asking[REQUESTS:]
        self.allowed = np.array([value == fold(self.value) for value in self.values])
        if self.allowed.sum() < K:
            raise Failed(f"{self.allowed.sum()} members have {self.attribute}={self.value}; {K} are needed at least")

    @property
    def share(self):
        return float(self.allowed.mean())

    def recall(self, row, found):
        """The share of the ten best that is among the found."""
        allowed = np.flatnonzero(self.allowed)
        own = self.vectors[row].astype(np.float64)
        last = np.sort(self.vectors[allowed].astype(np.float64) @ own)[-K]
        return sum(self.vectors[found].astype(np.float64) @ own >= last - TIE) / K


def community(members, vectors, wanted):
    name, _, value = wanted.partition("=")
    ids, values = [], []
    try:
        for member in map(json.loads, members.open(encoding="utf-8")):
            if any(member.get(part) for part in PROFILE):
                ids.append(member["id"])
                holder = (member.get("location") or {}) if name in PLACES else member
                values.append(fold(holder.get(name) or ""))
    except (ValueError, KeyError, AttributeError) as error:
        raise Failed(f"{members} holds what is no member: {error!r}") from None
    rows = np.concatenate(load(vectors))
    if len(rows) != len(ids):
        counts = f"{vectors} has {len(rows)} rows, {members} has {len(ids)} members with a profile"
        raise Failed(f"{counts}; `cargo bench --bench vectors -- --each` makes a row for each")
    return Community(ids, rows, name, value, values)


def fold(text):
    """Near enough to how rapport compares texts."""
    return " ".join(text.split()).casefold()


class Refused(Failed):
    """A server answered that it cannot."""


def ask(port, method, path, body=None):
    """What a server answers, and the bytes that came. No proxy is between."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_S)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        reply = connection.getresponse()
        content = reply.read()
    finally:
        connection.close()
    if reply.status >= 300:
        raise Refused(f"{method} {path}: {reply.status} {shown(content)}")
    lines = [f"HTTP/1.1 {reply.status} {reply.reason}", *map(": ".join, reply.getheaders()), ""]
    return content, sum(len(line) + len("\r\n") for line in lines) + len(content)


def call(*request):
    """What a server answers."""
    return ask(*request)[0]


def shown(content):
    return content[:300].decode(errors="replace")


def dump(value):
    """JSON; a vector's values are as short as float32 can be written."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


class Server:
    """A server of which a subclass says how it is started, filled and asked."""

    stop_with = signal.SIGTERM

    def __init__(self, chosen, who, folder):
        self.chosen, self.who, self.folder = chosen, who, folder
        self.process = None
        folder.mkdir()

    def command(self):
        raise NotImplementedError

    def up(self):
        """Whether it answers; raises where it does not."""
        raise NotImplementedError

    def fill(self):
        """Brings the members in."""

    def loaded(self):
        """Whether what it was filled with can be searched."""
        return True

    def request(self, row):
        """Method, path and body of a member's search."""
        raise NotImplementedError

    def found(self, answer):
        """The rows that an answer names."""
        raise NotImplementedError

    @contextlib.contextmanager
    def running(self):
        with (self.folder / "log").open("ab") as log:
            # A group of its own: whatever the server starts ends with it.
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self.wait("answer", self.up, START_S)
            yield
        finally:
            self.stop()

    def pause(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def wait(self, what, condition, limit):
        deadline = time.monotonic() + limit
        while True:
            trouble = ""
            try:
                if condition():
                    return
            except (OSError, http.client.HTTPException, Refused) as error:
                trouble = f"; {error}"
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with exit code {self.process.returncode}: {self.last_line()}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} did not {what} within {limit} s{trouble}; its last line: {self.last_line()}")
            time.sleep(0.2)

    def last_line(self):
        return (self.folder / "log").read_text(errors="replace").strip().rpartition("\n")[2]

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            self.resume()
        self.process.send_signal(self.stop_with)  # Nothing happens if it has ended.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Rapport(Server):
    """rapport: the members are in its index already, and a search names one of them."""

    name = "rapport"
    port = 18080

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.rows = {member: row for row, member in enumerate(self.who.ids)}

    def version(self):
        said = subprocess.check_output([self.chosen.rapport, "--version"], text=True, timeout=REQUEST_S)
        return said.split()[-1]

    def command(self):
        places = ["--index", self.chosen.index, "--models", self.chosen.models]
        return [self.chosen.rapport, *places, "serve", "--listen", f"127.0.0.1:{self.port}"]

    def up(self):
        call(self.port, "GET", "/readyz")
        return True

    def request(self, row):
        wanted = quote(f"{self.who.attribute}={self.who.value}", safe="")
        return "GET", f"/v1/members/{quote(self.who.ids[row], safe='')}/mentors?k={K}&filter={wanted}", b""

    def found(self, answer):
        return [self.rows[hit["member"]["id"]] for hit in answer["hits"]]


class Chroma(Server):
    """Chroma's own server, a collection with an HNSW index."""

    name = "chroma"
    port = 18000
    database = "/api/v2/tenants/default_tenant/databases/default_database/collections"

    def version(self):
        return importlib.metadata.version("chromadb")

    def command(self):
        return [BIN / "chroma", "run", "--host", "127.0.0.1", "--port", str(self.port), "--path", self.folder / "data"]

    def up(self):
        call(self.port, "GET", "/api/v2/heartbeat")
        return True

    def fill(self):
        graph = {"space": "cosine", "max_neighbors": 16, "ef_construction": 200}
        made = call(self.port, "POST", self.database, dump({"name": "members", "configuration": {"hnsw": graph}}))
        self.collection = json.loads(made)["id"]
        for rows in batches(len(self.who.ids)):
            batch = {
                "ids": [str(row) for row in rows],
                "embeddings": list(self.who.vectors[rows]),
                "metadatas": [{self.who.attribute: self.who.values[row]} for row in rows],
            }
            call(self.port, "POST", f"{self.database}/{self.collection}/add", dump(batch))

    def request(self, row):
        wanted = {self.who.attribute: fold(self.who.value)}
        body = {"query_embeddings": [self.who.vectors[row]], "n_results": K, "where": wanted, "include": ["distances"]}
        return "POST", f"{self.database}/{self.collection}/query", dump(body)

    def found(self, answer):
        return [int(row) for row in answer["ids"][0]]


class Milvus(Server):
    """Milvus standalone: a collection with an HNSW index, and an index of the attribute."""

    name = "milvus"
    port = 19530
    # Here a schema and indexes can be given, which the newer interface of the other port cannot.
    schema_port = 9091
    # The program that starts it ends it at this signal only.
    stop_with = signal.SIGINT
    collection = "members"

    def version(self):
        return importlib.metadata.version("milvus")

    def command(self):
        # A Milvus that is paused for longer than this ends.
        extra = ["--extra-config", "log.level=warn", "--extra-config", "common.session.ttl=86400"]
        return [BIN / "milvus-server", "--data", self.folder / "data", "--proxy-port", str(self.port), *extra]

    def up(self):
        return b"OK" in call(self.schema_port, "GET", "/healthz")

    def fill(self):
        longest = [{"key": "max_length", "value": "512"}]
        width = str(self.who.vectors.shape[1])
        fields = [
            {"name": "id", "data_type": 5, "is_primary_key": True},
            {"name": "vector", "data_type": 101, "type_params": [{"key": "dim", "value": width}]},
            {"name": self.who.attribute, "data_type": 21, "type_params": longest},
        ]
        schema = {"name": self.collection, "fields": fields}
        # Level 3: a search waits for no write.
        self.schema("POST", "collection", {"schema": schema, "shards_num": 1, "consistency_level": 3})
        for rows in batches(len(self.who.ids)):
            batch = [
                {"id": row, "vector": self.who.vectors[row], self.who.attribute: self.who.values[row]} for row in rows
            ]
            self.ask("POST", "/v1/vector/insert", {"collectionName": self.collection, "data": batch})
        self.schema("POST", "persist", {"collection_names": [self.collection]})
        self.index("vector", "HNSW", metric_type="COSINE", params=json.dumps({"M": 16, "efConstruction": 200}))
        self.index(self.who.attribute, "Trie")
        for name in ("vector", self.who.attribute):
            self.wait(f"build the index of {name}", lambda: self.indexed(name), LOAD_S)
        self.schema("POST", "collection/load", {})

    def schema(self, method, what, wanted):
        body = dump({"collection_name": self.collection} | wanted)
        answer = json.loads(call(self.schema_port, method, f"/api/v1/{what}", body))
        if (answer.get("status") or answer).get("error_code"):
            raise Refused(f"{method} {what}: {answer}")
        return answer

    def ask(self, method, path, body=None):
        answer = json.loads(call(self.port, method, path, body and dump(body)))
        if answer["code"] != 200:
            raise Refused(f"{path}: {answer}")
        return answer["data"]

    def index(self, name, kind, **options):
        options = [{"key": key, "value": value} for key, value in ({"index_type": kind} | options).items()]
        self.schema("POST", "index", {"field_name": name, "index_name": name, "extra_params": options})

    def indexed(self, name):
        progress = self.schema("GET", "index/progress", {"field_name": name, "index_name": name})
        return progress.get("indexed_rows", 0) == len(self.who.ids)

    def loaded(self):
        about = self.ask("GET", f"/v1/vector/collections/describe?collectionName={self.collection}")
        return about["load"] == "LoadStateLoaded"

    def request(self, row):
        body = {
            "collectionName": self.collection,
            "vector": self.who.vectors[row],
            "filter": f"{self.who.attribute} == {json.dumps(fold(self.who.value))}",
            "limit": K,
            "outputFields": ["id"],
        }
        return "POST", "/v1/vector/search", dump(body)

    def found(self, answer):
        return [int(hit["id"]) for hit in answer["data"]]


SERVERS = {server.name: server for server in (Rapport, Chroma, Milvus)}


def batches(size):
    return [range(begin, min(begin + BATCH, size)) for begin in range(0, size, BATCH)]


@dataclass
class Measured:
    """A server, filled, and how it did."""

    server: Server
    requests: Path
    recall: float
    # Of a whole answer, on average.
    answer_bytes: float
    fill_s: float
    turns: list = field(default_factory=list)

    def median(self, key):
        return statistics.median(turn[key] for turn in self.turns)

    def row(self):
        row = {"engine": self.server.name, "version": self.server.version()}
        row |= {key: self.median(key) for key in ("searches_per_s", "p50_ms", "p99_ms")}
        # rapport ranks by more than the vectors, and its members were in already.
        if self.server.name != "rapport":
            row |= {"recall": round(self.recall, 4), "fill_s": round(self.fill_s, 1)}
        return row | {"turns": self.turns}


def prepare(server, who):
    """Fills a server, writes what will be asked of it, and looks at some answers."""
    note(f"{server.name} {server.version()}: getting it ready")
    begun = time.monotonic()
    server.fill()
    server.wait("load its members", server.loaded, LOAD_S)
    fill_s = time.monotonic() - begun
    requests = server.folder / "requests"
    with requests.open("wb") as file:
        for row in who.asking:
            method, path, body = server.request(row)
            file.write(b"\t".join([method.encode(), path.encode(), body]) + b"\n")
    recalls, sizes = [], []
    for row in who.asking[:LOOKED_AT]:
        method, path, body = server.request(row)
        content, size = ask(server.port, method, path, body)
        try:
            found = np.asarray(server.found(json.loads(content)), dtype=int)
        except (ValueError, KeyError, TypeError):
            raise Failed(f"{server.name} answered {method} {path} with {shown(content)}") from None
        # A peer that finds fewer than there are has a lower recall; rapport promises all of them.
        few = server.name == "rapport" and len(found) != K
        if few or len(found) > K or not all(who.allowed[found]):
            raise Failed(f"{server.name} did not find {K} members of {who.attribute}={who.value}: {shown(content)}")
        recalls.append(who.recall(row, found))
        sizes.append(size)
    return Measured(server, requests, statistics.mean(recalls), statistics.mean(sizes), fill_s)


def turn(one, seconds):
    """Measures a server, the others paused."""
    one.server.resume()
    one.server.wait("go on", one.server.loaded, LOAD_S)
    load_it(one, WARM_UP_S)
    one.turns.append(load_it(one, seconds))
    one.server.pause()


def load_it(one, seconds):
    """What wrk measured of a server."""
    outcome = one.server.folder / "outcome"
    outcome.unlink(missing_ok=True)
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    command += ["--timeout", f"{REQUEST_S}s", "--latency", "--script", HERE / "service.lua"]
    names = {"WRK_REQUESTS": str(one.requests), "WRK_OUTCOME": str(outcome)}
    with (one.server.folder / "wrk").open("wb") as said:
        process = subprocess.Popen(
            [*command, f"http://127.0.0.1:{one.server.port}"], env=os.environ | names, stdout=said, stderr=said
        )
        try:
            code = process.wait(seconds + 2 * REQUEST_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"wrk did not end, {one.server.name} being asked") from None
        finally:
            process.kill()
            process.wait()
    if code or not outcome.exists():
        raise Failed(f"wrk ended with exit code {code}: {(one.server.folder / 'wrk').read_text()}")
    went = json.loads(outcome.read_text())
    if went["failed"] or not went["answers"]:
        raise Failed(f"{one.server.name}: {went['answers']} answers, {went['failed']} requests failed")
    # Milvus has status 200 for what it cannot do, but fewer words than for what it found.
    size = went["bytes"] / went["answers"]
    if size < SHORTEST * one.answer_bytes:
        raise Failed(f"{one.server.name}: {size:.0f} bytes an answer under load, {one.answer_bytes:.0f} before")
    speed = went["answers"] / went["seconds"]
    return {"searches_per_s": round(speed, 1), "p50_ms": went["p50_ms"], "p99_ms": went["p99_ms"]}


def compare(chosen, folder):
    who = community(chosen.members, chosen.vectors, chosen.filter)
    note(f"{len(who.ids):,} members, {who.share:.1%} of them with {chosen.filter}")
    measured = []
    with contextlib.ExitStack() as servers:
        for name in chosen.engines:
            server = SERVERS[name](chosen, who, folder / name)
            servers.enter_context(server.running())
            measured.append(prepare(server, who))
            # One at a time has the machine: an idle Milvus works, too.
            server.pause()
        for number in range(chosen.rounds):
            note(f"round {number + 1} of {chosen.rounds}")
            for one in measured:
                turn(one, chosen.seconds)
    rows = [one.row() for one in measured]
    report = {
        "members": len(who.ids),
        "filter": chosen.filter,
        "share": round(who.share, 4),
        "connections": CONNECTIONS,
        "seconds": chosen.seconds,
        "cores": len(os.sched_getaffinity(0)),
        "engines": rows,
        "rapport_by_best": ratios(rows),
    }
    chosen.json.write_text(json.dumps(report, indent=1) + "\n")
    show(rows, report["rapport_by_best"])


def ratios(rows):
    """rapport's figures by the best of a peer, each figure on its own."""
    own = [row for row in rows if row["engine"] == "rapport"]
    peers = [row for row in rows if row["engine"] != "rapport"]
    if not own or not peers:
        return {}
    best = {"searches_per_s": max, "p50_ms": min, "p99_ms": min}
    return {key: round(own[0][key] / of(row[key] for row in peers), 3) for key, of in best.items()}


def show(rows, against):
    print(f"\n{'engine':<16} {'searches/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'recall@10':>10} {'fill s':>7}")
    for row in rows:
        speed = f"{row['searches_per_s']:>10,.0f} {row['p50_ms']:>8.2f} {row['p99_ms']:>8.2f}"
        rest = f"{row['recall']:>10.4f} {row['fill_s']:>7.1f}" if "recall" in row else f"{'-':>10} {'-':>7}"
        print(f"{row['engine'] + ' ' + row['version']:<16} {speed} {rest}")
    if against:
        speed, middle, slow = against.values()
        print(f"{'rapport/best':<16} {speed:>10.2f} {middle:>8.2f} {slow:>8.2f}")


def note(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="benches/peers/service", description=__doc__)
    parser.add_argument("--members", required=True, type=there, metavar="FILE.jsonl", help="mentors, all of them")
    parser.add_argument("--vectors", required=True, type=there, metavar="FILE.npy", help="a row for each profile")
    parser.add_argument("--json", required=True, type=Path, metavar="OUT", help="where every figure is written")
    parser.add_argument("--rapport", type=there, metavar="BINARY", help="the program, for the engine rapport")
    parser.add_argument("--index", type=there, metavar="DIR", help="a folder with these members, rebuilt")
    parser.add_argument("--models", type=there, metavar="DIR", help="the folder of the models")
    parser.add_argument("--filter", type=wanted, default=FILTER, metavar="FIELD=VALUE", help=f"who is found ({FILTER})")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="turns of each engine (3)")
    parser.add_argument("--seconds", type=positive, default=10, metavar="S", help="length of a turn (10)")
    parser.add_argument("--engines", type=engines, default=list(SERVERS), metavar="A,B,C", help="all unless named")
    chosen = parser.parse_args()
    if "rapport" in chosen.engines and not (chosen.rapport and chosen.index and chosen.models):
        parser.error("rapport needs --rapport, --index and --models; --engines chroma,milvus leaves it out")
    if not chosen.json.parent.is_dir() or chosen.json.is_dir():
        parser.error(f"{chosen.json}: no file can be written there")
    return chosen


def there(text):
    path = Path(text).absolute()
    if not path.exists():
        raise argparse.ArgumentTypeError(f"there is no {text}")
    return path


def positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"a number from 1 on is needed, not {text}")
    return int(text)


def wanted(text):
    name, _, value = text.partition("=")
    if name not in FIELDS or not value:
        raise argparse.ArgumentTypeError(f"FIELD=VALUE is needed, FIELD one of {', '.join(FIELDS)}, not {text}")
    return text


def engines(text):
    names = list(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in SERVERS:
            raise argparse.ArgumentTypeError(f"there is no engine {name}; there are {', '.join(SERVERS)}")
    return names


def end(*_):
    """Ends the program by its way out, on which the servers are stopped."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)


def main():
    chosen = arguments()
    signal.signal(signal.SIGTERM, end)
    folder = Path(tempfile.mkdtemp(prefix="rapport-service-"))
    try:
        compare(chosen, folder)
    except (Failed, BadVectors, subprocess.SubprocessError, OSError, http.client.HTTPException) as error:
        note(f"service: {error}")
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
