"""Is candle's layer the layer of PyTorch? Asked of every layer PyTorch tests itself with.

PyTorch describes its layers in `module_db`: how each is made and called, in training and in evaluation, and which
calls must fail. An entry belongs to candle as soon as `candle.nn` has a class of its name. Reading order:

    pairs.py        one layer, made by torch and by candle, with the same values
    checks.py       what is asked of such a pair, and the answers of a whole entry
    report.py       `python -m tests.parity.modules.report` writes expected.json and docs/modules.md

The rest (when answers agree, what may not get worse) is that of tests.parity.
"""
