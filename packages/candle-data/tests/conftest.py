"""Workers import what they are sent by name, so what is defined for them must be found on the path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "importable"))
