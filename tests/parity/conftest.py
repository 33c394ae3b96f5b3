"""Without torch, the oracle, there is nothing to collect here (not even doctests)."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["*.py"]
