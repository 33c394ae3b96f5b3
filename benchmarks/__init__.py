"""How fast candle is, next to PyTorch and to NumPy by hand: `python -m benchmarks`, or `hatch run bench`."""
