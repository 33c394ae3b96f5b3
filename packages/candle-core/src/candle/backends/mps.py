"""Apple's GPUs: there is no such device."""


def is_available() -> bool:
    """False: there is no such device."""
    return False


is_built = is_available
