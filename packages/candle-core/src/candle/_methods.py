class Methods:
    """What the ops attach to Tensor; the stub beside this file, made from the ops, tells type checkers."""

    __slots__ = ()
