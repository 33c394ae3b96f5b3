"""Switches of matrix products on a GPU, for programs that set them: here they change nothing."""

from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False)
