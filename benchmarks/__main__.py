"""Prints the tables of docs/performance.md.

    python -m benchmarks                           all of them
    python -m benchmarks small training            some
    python -m benchmarks --rounds 3                fewer pairs of processes behind each ratio
    python -m benchmarks training --only ResNet    some of its rows
    python -m benchmarks --one-thread              processor time of one thread each

A table is a module of this package.
"""

import argparse
import importlib

from benchmarks import compare

SUBJECTS = ["small", "large", "ops", "startup", "size", "optimizer", "kernels", "training"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("subjects", nargs="*", help=f"of: {' '.join(SUBJECTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=compare.rounds, help="pairs of processes (default: %(default)s)")
    parser.add_argument("--one-thread", action="store_true", help="count the processor time of one thread each")
    parser.add_argument("--only", metavar="TEXT", default="", help="the rows whose name has this in it")
    args = parser.parse_args()
    if unknown := set(args.subjects) - set(SUBJECTS):
        parser.error(f"no such subject: {', '.join(sorted(unknown))}; there are: {', '.join(SUBJECTS)}")
    compare.rounds, compare.one_thread, compare.only = args.rounds, args.one_thread, args.only
    for name in args.subjects or SUBJECTS:
        subject = importlib.import_module(f"benchmarks.{name}")
        print(f"\n### {subject.__doc__.strip().splitlines()[0]}\n")
        subject.main()


if __name__ == "__main__":
    main()
