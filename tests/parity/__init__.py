"""Is candle's op the op of PyTorch? Asked of every operator PyTorch tests itself with.

PyTorch describes its operators to its own test suite in `op_db`: 702 entries, each
with samples of its arguments and with calls that must fail. An entry belongs to
candle as soon as candle has its name; nothing is registered here. Reading order:

    subject.py      a framework as the checks see it: candle, or torch as the oracle
    mapping.py      an entry of op_db -> candle's function, method and in-place method
    convert.py      torch's arguments -> candle's, strides included
    oracle.py       which samples, and what torch answers
    compare.py      when two answers agree, and what to say when they do not
    tables.py       the documented exceptions: random ops, tolerances, errors
    values.py, gradients.py, inplace.py, errors.py       the checks themselves
    checks.py       which checks an entry gets, and how one is run over its samples
    ratchet.py      expected.json: what agreed last time must not get worse
    report.py       `python -m tests.parity.report` writes expected.json and docs/parity.md
"""
