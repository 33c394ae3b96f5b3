"""cuDNN's switches, for programs that set them: without cuDNN they change nothing."""

enabled, benchmark, deterministic, allow_tf32 = True, False, False, True


def is_available() -> bool:
    """False: there is no cuDNN."""
    return False
