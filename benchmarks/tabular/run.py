"""The command: run what is not in the file of results yet, then write the report.

python -m benchmarks.tabular                                  # everything installed, 5 seeds
python -m benchmarks.tabular --peers clearprop lightgbm --sets test --seeds 1001 1002
python -m benchmarks.tabular --seconds 80                     # a piece; the next call goes on
python -m benchmarks.tabular --only-report --markdown table.md --plot picture.svg
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Sequence

from benchmarks.tabular import results as store
from benchmarks.tabular.peers import PEERS, Peer
from benchmarks.tabular.processes import Worker
from benchmarks.tabular.sets import CLASSIFICATION, PARTS, REGRESSION, SETS, check
from clearprop.writing import write_whole

# none of them was used while the recipe was made
SEEDS = (1001, 1002, 1003, 1004, 1005)
SLOW_SEEDS = SEEDS[:2]


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m benchmarks.tabular", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("--sets", nargs="+", default=["all"], metavar="SET",
                   help="names, all, tuning, test, fresh, classification, regression")  # fmt: skip
    p.add_argument("--peers", nargs="+", choices=PEERS, metavar="PEER", help=", ".join(PEERS))
    p.add_argument("--seeds", nargs="+", type=int,
                   help=f"default {SEEDS}; {SLOW_SEEDS} for the slow peers")  # fmt: skip
    p.add_argument("--results", nargs="+", default=["tabular.jsonl"], metavar="FILE",
                   help="files to read, later ones win; the last gets new results")  # fmt: skip
    p.add_argument("--threads", type=int, default=1,
                   help="threads of each fit (1); use a separate file for each number")  # fmt: skip
    p.add_argument("--limit", type=float, default=600, help="seconds for one fit (600)")
    p.add_argument("--seconds", type=float, default=float("inf"),
                   help="start no fit after this many seconds")  # fmt: skip
    p.add_argument("--retry", action="store_true", help="run failed fits again")
    p.add_argument("--replace", action="store_true", help="also run fits that have a result")
    p.add_argument("--reference", default="clearprop", choices=PEERS, metavar="PEER",
                   help="the peer that all others are compared with (clearprop)")  # fmt: skip
    p.add_argument("--only-report", action="store_true", help="run nothing")
    p.add_argument("--no-report", action="store_true", help="only run")
    p.add_argument("--check", action="store_true", help="load every set, compare with its record")
    p.add_argument("--markdown", metavar="FILE", help="write the report to FILE")
    p.add_argument("--plot", metavar="FILE", help="draw the picture to FILE")
    return p


def chosen_sets(names: Sequence[str]) -> list[str]:
    """Names of sets, with the words for groups expanded, in the table's order."""
    groups = {"all": set(SETS)}
    groups |= {part: {s.name for s in SETS.values() if s.part == part} for part in PARTS}
    groups |= {
        task: {s.name for s in SETS.values() if s.task == task}
        for task in (CLASSIFICATION, REGRESSION)
    }
    wanted: set[str] = set()
    for name in names:
        if name not in SETS and name not in groups:
            raise SystemExit(f"no set {name!r}; there are {', '.join([*groups, *SETS])}")
        wanted |= groups.get(name, {name})
    return [name for name in SETS if name in wanted]


def installed(peer: Peer) -> bool:
    module = "sklearn" if peer.package == "scikit-learn" else peer.package
    if importlib.util.find_spec(module) is None:
        return False
    if module == "clearprop":
        import clearprop as cp

        return hasattr(cp, "TabularClassifier")
    return True


def run(arguments: argparse.Namespace, sets: list[str], peers: list[str]) -> None:
    """Run the open jobs in turn and append each result at once."""
    jobs = []
    done = {} if arguments.replace else store.read(arguments.results)
    for slow in (False, True):
        seeds = arguments.seeds or (SLOW_SEEDS if slow else SEEDS)
        names = [name for name in peers if PEERS[name].slow == slow]
        jobs += store.open_jobs(sets, seeds, names, done, arguments.retry)
    start = time.monotonic()
    worker = Worker(threads=arguments.threads)
    try:
        for count, (name, seed, peer) in enumerate(jobs):
            if time.monotonic() - start > arguments.seconds:
                print(f"{len(jobs) - count} fits are left", flush=True)
                break
            job = {"set": name, "seed": seed, "peer": peer}
            answer = worker.run(job, arguments.limit)
            store.append(arguments.results[-1], job | answer)
            shown = answer.get("error") or {
                **{k: round(v, 4) for k, v in answer["scores"].items()},
                "fit": answer["times"]["fit_cpu"],
            }
            print(f"{count + 1}/{len(jobs)} {name} {seed} {peer}: {shown}", flush=True)
    finally:
        worker.stop()


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    arguments = parser().parse_args(argv)
    sets = chosen_sets(arguments.sets)
    if arguments.check:
        for name in sets:
            df, _ = check(SETS[name])
            print(f"{name}: {df.shape[0]} rows, {df.shape[1]} columns, as its record says")
        return 0
    if not arguments.only_report:
        peers = arguments.peers or list(PEERS)
        missing = [name for name in peers if not installed(PEERS[name])]
        for name in missing:
            print(f"{PEERS[name].label} is left out: {PEERS[name].package} is not installed")
        run(arguments, sets, [name for name in peers if name not in missing])
    if not arguments.no_report:
        from benchmarks.tabular import report

        found = store.read(arguments.results)
        peers = arguments.peers or [p for p in PEERS if any(key[2] == p for key in found)]
        text = report.markdown(found, sets, peers, arguments.reference)
        if arguments.markdown:
            write_whole(arguments.markdown, text)
        else:
            print(text)
        if arguments.plot:
            report.plot(found, sets, peers, arguments.reference, arguments.plot)
    return 0
