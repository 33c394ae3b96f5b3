"""One direction of one recurrent layer, as one op each: what a cell does, step after step.

The input's part of the gates comes in ready, computed for all steps by one matrix product. A rule goes through the
steps again, keeping what it needs, and then back; the weights' gradients are one product over all steps. Where
sequences differ in length, `mask` (L, N, 1) says which steps are there: at the others the state stays as it is.
"""

from __future__ import annotations

from typing import Any

from candle import Tensor
from candle._apply import apply
from candle.op import Op
from candle.ops.linalg import transposed

__all__ = ["gru", "lstm", "rnn"]


def parts(x: Any, n: int) -> list[Any]:
    """x cut into n along its last axis."""
    size = x.shape[-1] // n
    return [x[..., i * size : (i + 1) * size] for i in range(n)]


def step(x: Any, t: int) -> Any:
    return None if x is None else x[t, ...]


def kept(xp: Any, mask: Any, new: Any, old: Any) -> Any:
    return new if mask is None else xp.where(mask, new, old)


def times(xp: Any, x: Any, weight: Any) -> Any:
    """x @ weight^T."""
    return xp.matmul(x, transposed(xp, weight))


def outer_sum(xp: Any, grads: list[Any], states: list[Any]) -> Any:
    """The gradient of a weight that maps states to something with these gradients, over all steps and examples."""
    g, s = xp.concat(grads, axis=0), xp.concat(states, axis=0)
    return xp.matmul(transposed(xp, g), s)


class Rnn(Op):
    """h = act(x_t + h W^T + b), step by step;  dz = act'(h) dh, dx_t = dz, dh before = dz W, dW = sum dz^T h"""

    name, promotes, floats, autocast = "rnn", "x h w b", True, "lower"
    reads = dict.fromkeys(("x", "h", "w", "b"), "x h w b mask")

    def forward(xp, x, h, w, b, mask, *, activation):
        return xp.stack(Rnn.states(xp, x, h, w, b, mask, activation)[1:])

    @staticmethod
    def states(xp, x, h, w, b, mask, activation):
        found = [h]
        for t in range(x.shape[0]):
            z = x[t, ...] + times(xp, h, w) + (0 if b is None else b)
            new = xp.tanh(z) if activation == "tanh" else xp.maximum(z, xp.zeros((), dtype=z.dtype))
            h = kept(xp, step(mask, t), new, h)
            found.append(h)
        return found

    def vjp(xp, needs, grad, out, x, h, w, b, mask, *, activation):
        states, dh, dzs = Rnn.states(xp, x, h, w, b, mask, activation), h * 0, []
        for t in reversed(range(x.shape[0])):
            dh = dh + grad[t, ...]
            new = states[t + 1]
            slope = 1 - new * new if activation == "tanh" else xp.astype(xp.greater(new, 0), new.dtype)
            dz = kept(xp, step(mask, t), dh * slope, dh * 0)
            dh = kept(xp, step(mask, t), 0 * dh, dh) + xp.matmul(dz, w)
            dzs.append(dz)
        dzs.reverse()
        dx = xp.stack(dzs)
        return dx, dh, outer_sum(xp, dzs, states[:-1]), None if b is None else xp.sum(dx, axis=(0, 1)), None


class Lstm(Op):
    """i, f, g, o = gates of x_t + h W^T + b; c = f c + i g; h = o tanh(c) (times P^T);  back through all steps"""

    name, promotes, floats, autocast = "lstm", "x h c w b p", True, "lower"
    reads = dict.fromkeys(("x", "h", "c", "w", "b", "p"), "x h c w b p mask")

    def forward(xp, x, h, c, w, b, p, mask):
        steps = Lstm.steps(xp, x, h, c, w, b, p, mask)
        return xp.stack([each[1] for each in steps]), steps[-1][2]

    @staticmethod
    def steps(xp, x, h, c, w, b, p, mask):
        """Of each step: its gates, h and c after it, tanh(c), and h and c before it."""
        found = []
        for t in range(x.shape[0]):
            i, f, g, o = parts(x[t, ...] + times(xp, h, w) + (0 if b is None else b), 4)
            gates = xp.sigmoid(i), xp.sigmoid(f), xp.tanh(g), xp.sigmoid(o)
            inner = gates[1] * c + gates[0] * gates[2]
            bent = xp.tanh(inner)
            new = gates[3] * bent
            new = new if p is None else times(xp, new, p)
            after = kept(xp, step(mask, t), new, h), kept(xp, step(mask, t), inner, c)
            found.append((gates, *after, bent, h, c))
            h, c = after
        return found

    def vjp(xp, needs, grads, outs, x, h, c, w, b, p, mask):
        grad, dc_last = grads
        dh = h * 0
        dc = c * 0 if dc_last is None else dc_last
        dzs, before, dps, hidden = [], [], [], []
        steps = Lstm.steps(xp, x, h, c, w, b, p, mask)
        for t in reversed(range(len(steps))):
            (i, f, g, o), _, _, bent, h_before, c_before = steps[t]
            dh = dh if grad is None else dh + grad[t, ...]
            here = kept(xp, step(mask, t), dh, dh * 0)
            dm = here if p is None else xp.matmul(here, p)  # of o tanh(c)
            inner = kept(xp, step(mask, t), dc, dc * 0) + dm * o * (1 - bent * bent)
            gates = (
                inner * g * i * (1 - i),
                inner * c_before * f * (1 - f),
                inner * i * (1 - g * g),
                dm * bent * o * (1 - o),
            )
            dz = xp.concat(gates, axis=-1)
            dc = kept(xp, step(mask, t), inner * f, dc)
            dh = kept(xp, step(mask, t), dh * 0, dh) + xp.matmul(dz, w)
            dzs.append(dz)
            before.append(h_before)
            dps.append(here)
            hidden.append(o * bent)
        dx = xp.stack(dzs[::-1])
        db = None if b is None else xp.sum(dx, axis=(0, 1))
        return dx, dh, dc, outer_sum(xp, dzs, before), db, None if p is None else outer_sum(xp, dps, hidden), None


class Gru(Op):
    """r, z = gates; n = tanh(x_n + r (h W_n^T + b_n)); h = (1 - z) n + z h, step by step;  back through all steps"""

    name, promotes, floats = "gru", "x h w b", True
    reads = dict.fromkeys(("x", "h", "w", "b"), "x h w b mask")

    def forward(xp, x, h, w, b, mask):
        return xp.stack([each[-1] for each in Gru.steps(xp, x, h, w, b, mask)])

    @staticmethod
    def steps(xp, x, h, w, b, mask):
        """Of each step: r, z, n, the state's part of n, and h before and after it."""
        found = []
        for t in range(x.shape[0]):
            xr, xz, xn = parts(x[t, ...], 3)
            hr, hz, hn = parts(times(xp, h, w) + (0 if b is None else b), 3)
            r, z = xp.sigmoid(xr + hr), xp.sigmoid(xz + hz)
            n = xp.tanh(xn + r * hn)
            after = kept(xp, step(mask, t), n + z * (h - n), h)
            found.append((r, z, n, hn, h, after))
            h = after
        return found

    def vjp(xp, needs, grad, out, x, h, w, b, mask):
        dh, dxs, dws, before = h * 0, [], [], []
        steps = Gru.steps(xp, x, h, w, b, mask)
        for t in reversed(range(len(steps))):
            r, z, n, hn, h_before, _ = steps[t]
            dh = dh + grad[t, ...]
            here = kept(xp, step(mask, t), dh, dh * 0)
            dn = here * (1 - z) * (1 - n * n)
            dz = here * (h_before - n) * z * (1 - z)
            dr = dn * hn * r * (1 - r)
            dxs.append(xp.concat((dr, dz, dn), axis=-1))
            dws.append(xp.concat((dr, dz, dn * r), axis=-1))
            dh = kept(xp, step(mask, t), here * z, dh) + xp.matmul(dws[-1], w)
            before.append(h_before)
        db = None if b is None else xp.sum(xp.concat(dws, axis=0), axis=0)
        return xp.stack(dxs[::-1]), dh, outer_sum(xp, dws, before), db, None


def rnn(
    x: Tensor, h: Tensor, w: Tensor, b: Tensor | None = None, mask: Tensor | None = None, activation: str = "tanh"
) -> Tensor:
    """All states of an Elman layer. Shapes: x (L, N, H), h (N, H), w (H, H), b (H) -> (L, N, H)."""
    return apply(Rnn, x, h, w, b, mask, activation=activation)


def lstm(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    p: Tensor | None = None,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """All outputs of an LSTM layer (Hochreiter and Schmidhuber 1997), and its last cell state.

    Shapes: x (L, N, 4H), h (N, P or H), c (N, H), w (4H, P or H), b (4H), p (P, H) -> (L, N, P or H), (N, H).
    """
    return apply(Lstm, x, h, c, w, b, p, mask)


def gru(x: Tensor, h: Tensor, w: Tensor, b: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
    """All states of a GRU layer (Cho et al. 2014). Shapes: x (L, N, 3H), h (N, H), w (3H, H), b (3H) -> (L, N, H)."""
    return apply(Gru, x, h, w, b, mask).to(h.dtype)  # under autocast x has the smaller dtype
