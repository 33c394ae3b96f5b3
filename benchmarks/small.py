"""Small operations: what candle itself costs

Four float32 elements, so that the arithmetic takes no time and the way to it all of it.
"""

from benchmarks.compare import Snippet, header, row

SETUP = "import {0} as lib; a, b = lib.ones(4), lib.ones(4)"
WITH_GRADIENTS = SETUP + "; a.requires_grad_(); b.requires_grad_()"
BACKWARD = WITH_GRADIENTS + "\ndef step():\n    a.grad = b.grad = None\n    (a * b).sum().backward()"


def main() -> None:
    header()
    for what, statement, setup, target in [
        ("a + b", "a + b", SETUP, 1.25),
        ("(a * b).sum(), recorded", "(a * b).sum()", WITH_GRADIENTS, None),
        ("(a * b).sum().backward(), all of it", "step()", BACKWARD, 0.5),
    ]:
        row(what, *[Snippet(statement, setup.format(each)) for each in ("candle", "torch")], target=target)
