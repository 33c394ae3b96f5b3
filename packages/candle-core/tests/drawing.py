"""Random lines for `programs`: views, writes in place, and what saves tensors for backward."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from hypothesis import strategies as st

SHAPES = [(3,), (2, 3), (4,), (2, 1, 3), (), (2, 2), (1, 3)]
NUMBERS = st.sampled_from([-1.5, -0.75, -0.5, -0.25, 0.25, 0.5, 0.8, 1.25, 1.5])

UNARY_WRITES = """
exp_() sin_() tanh_() sigmoid_() neg_() pow_(2) relu_() zero_() fill_(0.5) clamp_(-0.6,0.6) abs_() square_()
""".split()
UNARY = "exp() sin() tanh() sigmoid() square() clone() sum(0) abs() relu()".split()


def literal(data: Any, shape: tuple[int, ...]) -> str:
    """Numbers as nested lists."""
    numbers = [data.draw(NUMBERS) + i / 16 for i in range(torch.Size(shape).numel())]
    return str(torch.tensor(numbers, dtype=torch.float64).reshape(shape).tolist())


def constant(data: Any, shape: tuple[int, ...]) -> str:
    return f"candle.tensor({literal(data, shape)}, dtype=candle.float64)"


def line(data: Any, run: Any) -> str:
    """The next line of a program."""
    names = run.names
    name = data.draw(st.sampled_from(names))
    kind = data.draw(st.sampled_from(["view", "view", "write", "write", "write", "new"]))
    if len(names) >= 9:
        kind = "write"
    if kind == "view" and data.draw(st.integers(0, 7)) == 0 and not is_expanded(run[name]):
        return f"{run.new_name()} = {name}.detach().requires_grad_()"  # a new leaf on old memory
    if kind == "view":
        text = f"{run.new_name()} = {name}{view(data, run[name], run.device)}"
    elif kind == "new":
        text = f"{run.new_name()} = {new(data, run, name)}"
    else:
        text = write(data, run, name)
    # Not views: PyTorch says that one taken under no_grad requires grad, and then loses what it gets.
    # Nor changes of shape, after which gradients do not fit any more.
    reshapes = text.endswith(("unsqueeze_(0)", "squeeze_()")) or ".transpose_(" in text
    quiet = kind != "view" and not reshapes and data.draw(st.integers(0, 4)) == 0
    return f"with candle.no_grad(): {text}" if quiet else text


# Views


def view(data: Any, t: torch.Tensor, device: str) -> str:
    """What can follow the name of `t` to make a view of it (`reshape` sometimes copies)."""
    options = [".detach()", "[None]", f"[{slice_text(data, t, 0)}]" if t.ndim else ".unsqueeze(0)"]
    options += [".expand(2" + "".join(f", {n}" for n in t.shape) + ")", "[...]"]
    if t.ndim:
        dim = data.draw(st.integers(0, t.ndim - 1))
        size = t.shape[dim]
        at = data.draw(st.integers(0, size - 1))
        options += [f"[{':, ' * dim}{slice_text(data, t, dim)}]", f"[{':, ' * dim}{at}]", f".select({dim}, {at})"]
        options += [f".narrow({dim}, {at}, {size - at})", f".unbind({dim})[{at}]", f".unsqueeze({dim})"]
        options += [f".chunk(2, {dim})[0]", f".split(1, {dim})[{at}]", ".T" if t.ndim == 2 else "[...]"]
        options += [f".squeeze({dim})", ".squeeze()", f"[..., {data.draw(st.integers(-t.shape[-1], -1))}]"]
    if t.ndim > 1:
        other = data.draw(st.integers(0, t.ndim - 1))
        options += [f".transpose({dim}, {other})", f".movedim({dim}, {other})"]
        options += [".permute(" + ", ".join(str(d) for d in reversed(range(t.ndim))) + ")"]
    if t.is_contiguous():
        options += [".view(-1)", ".reshape(-1)", ".flatten()"]
    elif device == "cpu":  # a copy; elsewhere arrays may have no layout, and it is a view
        options += [".reshape(-1)", ".flatten()"]
    return data.draw(st.sampled_from(options))


def slice_text(data: Any, t: torch.Tensor, dim: int) -> str:
    """A slice that leaves something."""
    size = t.shape[dim]
    start = data.draw(st.integers(0, size - 1))
    step = data.draw(st.sampled_from(["", "::2", ":"]))
    return f"{start}:" if step == "" else f"{start}{step}"


# New tensors


def new(data: Any, run: Any, name: str) -> str:
    """An operation that makes a tensor of its own, and mostly saves what it was given."""
    t = run[name]
    options = [f"{name}.{each}" for each in UNARY if t.ndim or each != "sum(0)"]
    options += [f"{name} * {operand(data, run, t)}", f"{name} * {name}", f"{name} + {operand(data, run, t)}"]
    return data.draw(st.sampled_from(options))


def operand(data: Any, run: Any, t: torch.Tensor, target: bool = False) -> str:
    """A number, a constant, or a tensor that broadcasts to `t` (a copy, if `t` is to be written and shares with it)."""
    fitting = [name for name in run.names if fits(run[name], t)]
    kind = data.draw(st.sampled_from(["number", "constant", "tensor", "tensor", "tensor"]))
    if kind == "number":
        return str(data.draw(NUMBERS))
    if kind == "constant" or not fitting:
        return constant(data, tuple(t.shape))
    name = data.draw(st.sampled_from(fitting))
    other = run[name]
    same = other.untyped_storage().data_ptr() == t.untyped_storage().data_ptr()
    identical = same and (other.data_ptr(), other.stride(), other.shape) == (t.data_ptr(), t.stride(), t.shape)
    return f"{name}.clone()" if target and same and not identical else name


def fits(other: torch.Tensor, t: torch.Tensor) -> bool:
    backwards = itertools.zip_longest(reversed(other.shape), reversed(t.shape))
    return all(a is None or (b is not None and a in (1, b)) for a, b in backwards)


# Writes


def write(data: Any, run: Any, name: str) -> str:
    """A line that changes the tensor `name` in place."""
    t = run[name]
    if is_expanded(t):
        # Expanded: all of these must be refused. (PyTorch lets zero_, fill_ and masked writes through.)
        return f"{name}.{data.draw(st.sampled_from(['exp_()', 'add_(1.0)', f'mul_({name})', 'clamp_(-0.6, 0.6)']))}"
    options = [f"{name}.{each}" for each in UNARY_WRITES]
    options += [f"{name}.unsqueeze_(0)", f"{name}.squeeze_()"]
    if t.ndim > 1:
        options.append(f"{name}.transpose_(0, {t.ndim - 1})")
    for method in ("add_", "sub_", "mul_", "copy_"):
        value = operand(data, run, t, target=True)
        if method == "copy_" and "." in value[:3] + value[-1:] and not value.startswith(("t", "candle")):
            value = constant(data, tuple(t.shape))
        options.append(f"{name}.{method}({value})")
    options += [f"{name}.mul_({name})", f"{name}.add_({name})"]
    options.append(f"{name}.masked_fill_({mask(data, t)}, {data.draw(NUMBERS)})")
    options += assignments(data, run, name, t)
    if t.ndim:
        options += indexed_writes(data, run, name, t)
    return data.draw(st.sampled_from(options))


def is_expanded(t: torch.Tensor) -> bool:
    """Do several elements share one place in memory?"""
    return any(step == 0 and size > 1 for step, size in zip(t.stride(), t.shape, strict=True))


def mask(data: Any, t: torch.Tensor) -> str:
    bits = [data.draw(st.booleans()) for _ in range(t.numel())]
    return f"candle.tensor({torch.tensor(bits).reshape(t.shape).tolist()})"


def assignments(data: Any, run: Any, name: str, t: torch.Tensor) -> list[str]:
    """t[key] = value, +=, *=, for every kind of key."""
    keys = ["...", f"({mask(data, t)})"]
    if t.ndim:
        at = data.draw(st.integers(0, t.shape[0] - 1))
        chosen = data.draw(st.permutations(range(t.shape[0])))[: data.draw(st.integers(1, t.shape[0]))]
        keys += [str(at), slice_text(data, t, 0), f"..., {slice_text(data, t, t.ndim - 1)}", str(list(chosen))]
        keys += [f"candle.tensor({list(chosen)})", f"..., {list(chosen)}" if t.ndim == 1 else f"{list(chosen)}, 0"]
    key = data.draw(st.sampled_from(keys))
    part = eval(f"t[{key}]", {"t": t.detach(), "candle": torch})
    if part.numel() == 0:
        return []
    value = operand(data, run, part.clone(), target=True)
    value = f"{value}.clone()" if value.startswith("t") and "." not in value else value  # it may share with t
    return [f"{name}[{key}] {how}= {value}" for how in ("", "+", "*")]


def indexed_writes(data: Any, run: Any, name: str, t: torch.Tensor) -> list[str]:
    """index_add_ (indices may repeat), scatter_ (they do not), scatter_add_ (they may)."""
    dim = data.draw(st.integers(0, t.ndim - 1))
    size = t.shape[dim]
    index = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=3))
    shape = (*t.shape[:dim], len(index), *t.shape[dim + 1 :])
    source = constant(data, shape)
    alike = [other for other in run.names if tuple(run[other].shape) == shape]
    if alike and data.draw(st.booleans()):
        source = f"{data.draw(st.sampled_from(alike))}.clone()"
    along = torch.tensor(index).reshape([-1 if d == dim else 1 for d in range(t.ndim)]).expand(shape).tolist()
    places = f"candle.tensor({along})"
    options = [f"{name}.index_add_({dim}, candle.tensor({index}), {source})"]
    options.append(f"{name}.scatter_add_({dim}, {places}, {source})")
    if len(set(index)) == len(index):
        options.append(f"{name}.scatter_({dim}, {places}, {source})")
    return options
