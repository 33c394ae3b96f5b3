"""Every family of ops, as expressions: what vmap and the other transforms are tried on."""

from __future__ import annotations

UNARY = """
abs ceil cos cosh erf exp exp2 expm1 floor isfinite isinf isnan log log10 log1p log2 neg reciprocal relu round rsqrt
sigmoid sign sin sinh sqrt square tan tanh trunc
""".split()

ARITHMETIC = """
x + y; x - y; x * y; x / y; x + s; s - x; x * v; v * x; c + v; c / e; x + 2; 2 - x; 3 / x; x ** 2; p ** y; p ** 0.5
2.0 ** x; x // y; x % y; -x; abs(x); x.pow(3); lib.maximum(x, y); lib.minimum(x, c); x.fmod(y); s * t; v + s; e * c; lib.atan2(x, y); lib.atan2(c, v)
x.clamp(-0.5, 0.5); x.clamp(min=s); x.clamp(e, c); lib.add(x, y, alpha=2); lib.sub(x, v, alpha=0.5)
lib.div(x, y, rounding_mode="trunc"); lib.div(o, i + 1, rounding_mode="floor"); lib.div(o, i + 1, rounding_mode="trunc"); x.sub(y).abs().add(1).log()
"""

INTEGERS = """
o + 1; o // 3; o % 7; o * i; o ** 2; o ** i; i ** 3; o + s; o / 2; x.to(lib.float32) + 1; o.to(lib.float64) * x; ~o; o & 6; o | i
o ^ i; m & n; m | n; ~m; m ^ n; m.logical_and(n); m.logical_or(n); m.logical_xor(n); m.logical_not(); m * x
x == y; x < y; x >= v; x != x; o > 20; i <= 1; x.isclose(y); o.float(); x.long(); m.int()
lib.where(m, x, y); lib.where(m, x, 0.0); lib.where(n, x, c); lib.where(x > 0, x, y * 2); lib.where(i == 1, x, 0.0)
x.masked_fill(m, -1.5); x.masked_fill(n, 0.0); x.masked_fill(i > 0, 1.0)
"""

REDUCTIONS = """
x.sum(); x.sum(0); x.sum(-1); x.sum((0, 1)); x.sum(1, keepdim=True); a.sum((0, 2)); s.sum(); o.sum(); m.sum(0)
x.mean(); x.mean(1); a.mean((0, 2), keepdim=True); x.prod(); x.prod(1); x.var(); x.var(1); x.std(0); s.mean()
x.var(1, correction=0); x.std(1, keepdim=True); x.amax(1); x.amin((0, 1)); x.max(); x.min(); x.max(1).values
x.max(1).indices; x.min(0).values; x.argmax(); x.argmax(1); x.argmin(0); x.argmax(1, keepdim=True); x.argmin()
x.logsumexp(1); a.logsumexp((0, 2)); m.any(); m.all(1); m.any(0, keepdim=True); m.all()
x.cumsum(0); x.cumsum(-1); p.log().cumsum(0); s.cumsum(0); x.all(); x.sum(dtype=lib.float32)
"""

PRODUCTS = """
v @ u; x @ v; l @ k; x @ w; v @ a; a @ v[:2]; b @ l; x @ b.reshape(2, 4, 2)[:, :3]; z @ w; x @ x.T; v @ z.mT
a @ b; a[None] @ b; a @ w[:2]; a[:, None] @ b; b.mT @ x[:, :2]; v.dot(u); x.mv(v); x.mm(w); a.bmm(b); v.outer(l)
x.inner(y); v.inner(u); lib.tensordot(x, w, 1); lib.tensordot(x, y, ([0, 1], [0, 1])); x.T @ y; q @ q.mT; q.mT @ q
(v * 2) @ w @ l; lib.addmm(x @ w, x, w, alpha=2, beta=0.5); lib.baddbmm(a @ b, a, b); f @ f.T; a.mT @ a
lib.einsum("ij,ij->", x, y); lib.einsum("ij,jk->ik", x, w); lib.einsum("ij,kj->ikj", x, y); lib.einsum("i,i", v, u)
lib.einsum("bij,bjk->bik", a, b); lib.einsum("...ij,jk", z, w); lib.einsum("ij->ji", x); lib.einsum("i,j->ij", v, l)
lib.einsum("ii->i", x @ x.T); lib.einsum("ii", x @ x.T); lib.einsum("bhi,bhj->bij", q, q)
"""

SHAPES = """
x.reshape(3, 2); x.reshape(-1); a.reshape(2, -1); x.view(6); s.reshape(1, 1); x.flatten(); a.flatten(1); s.view(1)
v.unflatten(0, (3, 1)); x.T; x.t(); a.permute(2, 0, 1); a.permute(0, -1, 1); x.transpose(0, 1); x.mT
a.transpose(-1, 0); a.movedim(0, -1); a.movedim((0, 1), (-1, 0)); v.expand(2, 3); c.expand(2, 4); x.T.reshape(-1)
c.expand(5, -1, 4); s.expand(2, 2); e.expand_as(x); v.broadcast_to((4, 3)); c.squeeze(1); e.squeeze(); e.squeeze(0)
v.unsqueeze(0); v.unsqueeze(-1); s.unsqueeze(0); x[None]; x[..., None]; x.flip(0); a.flip((0, -1)); x.T.contiguous()
a.tril(); a.triu(1); a.mT.tril(-1); x.tril(); x.contiguous(); x.clone(); x.detach(); a.squeeze(); a.flatten()
"""

JOINING = """
lib.cat([x, y]); lib.cat([x, y], 1); lib.cat([x, e, y], -2); lib.cat([x, c], -1); lib.stack([x, y]); lib.cat([o, i])
lib.stack([v, u], -1); lib.stack([s, t]); lib.stack([x, y, x], 1); x.split(2, 1); x.chunk(2, -1); x.unbind(1); x.unbind()
v.split([1, 2]); v.tensor_split(2); lib.cat([v, v, u]); lib.cat([x, lib.ones(1, 3, dtype=lib.float64)])
lib.stack([v, lib.zeros(3, dtype=lib.float64)]); lib.broadcast_tensors(c, v); lib.cat([o, x])
"""

INDEXING = """
x[0]; x[:, 1]; x[1, -1]; x[..., 0]; x[:, 1:]; x[0, ::2]; x[None, :, 0]; a[1, :, -1]; x[:, :0]; v[-2:]; x[...]
x[[1, 0]]; x[:, [2, 0]]; x[[0, 1], [2, 2]]; h[j]; h[:, g]; x[i[0], j[:3]]; a[:, j[:2], 0]; a[1, j]; k[j, g[:1]]
a[j[:1] * 0, :, j[1:2] * 0]; v[d]; h[r]; k[i]; x.select(1, 0); x.narrow(1, 1, 2); v.index_select(0, j); w[j[:3], j[:3]]
v[lib.tensor([2, 0])]; lib.tensor([[1.0, 2.0, 3.0]], dtype=lib.float64)[:, g]; h[g, None, 1:]; a[None, :, g]; h[g, 1:]
a[:, d]; x[0, g]; h[j[:3], j[:3]]; x[:, j]; z[:, r]; z[0, r, 1]
"""

SELECTION = """
x.index_select(1, j); x.gather(0, i); x.gather(1, i); k.gather(0, i); v.gather(0, j); x.take_along_dim(i, 0)
x.take_along_dim(i, -1); v.scatter(0, j[:3], u); x.scatter(0, i, y); x.scatter(1, i[:, :1], 2.5)
v.scatter_add(0, j[:3], u); x.scatter_add(0, i, y); h.scatter_add(0, i, y); v.index_add(0, j, l)
h.index_add(0, j, k); x.index_add(1, j, x @ w, alpha=0.5); lib.embedding(i, w); lib.embedding(d, w)
lib.embedding(j, w, padding_idx=1); x.index_put((g * 0, g), v[:2]); v.index_put((g,), s, accumulate=True)
v.index_put((j,), l, accumulate=True)
"""

ARRANGING = """
x.repeat(2, 1); v.repeat(2, 2); v.tile((2,)); x.roll(1); x.roll((1, -1), (0, 1)); x.rot90(); x.fliplr(); x.flipud(); x.ravel()
v.repeat_interleave(2); x.repeat_interleave(2, 1); x.diagonal(); a.diagonal(1, 0, 1); x.diagonal(-1); v.diag(); x.diag(); v.diag_embed(1)
x.diagflat(); x.diagonal_scatter(v[:2]); x.unfold(1, 2, 1); l.unfold(0, 2, 2); x.T.unfold(0, 2, 1); lib.block_diag(x, v[None])
lib.hstack([v, u]); lib.vstack([v, u]); lib.dstack([x, y]); lib.column_stack([v, u]); lib.atleast_2d(v); lib.atleast_3d(x)
lib.meshgrid(v, l, indexing="ij")[0]; lib.cartesian_prod(v, l); lib.combinations(v); lib.pad(x, (1, 2), value=0.5); lib.pad(x, (-1, 1))
lib.pad(x, (1, 1), "reflect"); lib.pad(x, (1, 1), "replicate"); lib.pad(x, (1, 1), "circular"); x.select_scatter(v, 0, 1)
x.slice_scatter(c, 1, 0, 1); a.narrow(1, 0, 2).sum_to_size(2, 1, 1); lib.diagonal_copy(x); lib.unbind_copy(x)[1]; x.hsplit([1])[0]
"""

STATISTICS = """
x.median(); x.median(1).values; x.nanmedian(0).values; x.kthvalue(2, 1).values; o.mode(1).values; x.nansum(1); x.nanmean(0)
x.quantile(0.3, 1); x.quantile(0.5); x.nanquantile(0.7, 0, interpolation="nearest"); x.count_nonzero(1); x.aminmax(dim=1).max
lib.var_mean(x, 1)[0]; lib.std_mean(x, 0)[1]; x.cov(); x.corrcoef(); x.diff(); x.diff(dim=0); lib.trapezoid(x, dx=0.5)
lib.trapezoid(x, v); lib.cumulative_trapezoid(x); lib.gradient(x, dim=1)[0]; p.cumprod(1); l.cumprod(0); x.cummax(1).values; l.cummin(0).indices
x.logcumsumexp(1); l.logcumsumexp(0); j.bincount(minlength=3); x.histc(4); i.float().histc(2)
"""

WRITING = """
v.index_copy(0, g[:1], u[:1]); x.index_fill(1, g, 2.0); h.index_reduce(0, j, k, "prod"); h.index_reduce(0, j, k, "amax")
h.index_reduce(0, j, k, "mean", include_self=False); v.scatter_reduce(0, j, l, "amin"); x.scatter_reduce(0, i, y, "prod", include_self=False)
v.scatter_reduce(0, j, l, "sum"); x.scatter(0, i, y, reduce="multiply"); x.masked_scatter(m, y); x.take(j); v.put(d, s)
v.put(j, l, accumulate=True); v.index_put((lib.tensor([True, False, True]),), s)
"""

SORTING = """
x.sort(1).values; x.sort(0).indices; x.sort(-1, descending=True).values; x.argsort(1); x.argsort(0, descending=True)
x.topk(2, 1).values; x.topk(1, 0).indices; x.topk(2, 1, largest=False).values; l.sort().values; l.topk(4)[0]; x.msort()
lib.searchsorted(l.sort().values, v); lib.bucketize(x, l.sort().values.detach()); lib.isin(i, j); lib.searchsorted(x.sort(1).values, y, right=True)
"""

NETWORKS = """
x.softmax(1); x.softmax(0); x.log_softmax(-1); s.softmax(0); a.softmax(1); lib.gelu(x); lib.silu(x); x.relu()
lib.gelu(x, approximate="tanh"); lib.softplus(x); lib.leaky_relu(x, 0.1); lib.logsigmoid(x)
lib.layer_norm(x, [3]); lib.layer_norm(x, [3], v, u); lib.layer_norm(a, [3, 2]); lib.layer_norm(x, [2, 3], y)
lib.layer_norm(v, [3], u); lib.rms_norm(x, [3], v); lib.rms_norm(v, [3]); lib.mse_loss(x, y)
lib.cross_entropy(x, g); lib.cross_entropy(v, d); lib.cross_entropy(x, g, reduction="sum"); lib.nll_loss(x, g)
lib.cross_entropy(x, g, reduction="none"); lib.cross_entropy(x, g, ignore_index=1, reduction="none")
lib.cross_entropy(x, g, label_smoothing=0.1); lib.cross_entropy(x, g, v.exp().detach()); lib.mse_loss(x, y, reduction="none")
lib.cross_entropy(x, p / p.sum(1, keepdim=True)); lib.cross_entropy(z, i, reduction="none")
"""

ATTENTION = """
lib.scaled_dot_product_attention(q, q, q); lib.scaled_dot_product_attention(q, z, z)
lib.scaled_dot_product_attention(q, q, q * 2, is_causal=True); lib.scaled_dot_product_attention(q, z, z, scale=0.3)
lib.scaled_dot_product_attention(k, h, h); lib.scaled_dot_product_attention(q, q, q, q @ q.mT)
lib.scaled_dot_product_attention(k, k, k, k @ k.T < 1)
"""

COMPLEX = """
f + 1j; f * f; f / 2; f.abs(); f.conj() * f; f.real; f.imag * x; f.exp(); f * x; f.sum(1); f.mean(); f.sigmoid()
f.reshape(-1)[1:]; f.sin(); f.log(); f.cumsum(1); f.prod(1); f.square(); f ** 2
"""

MATRICES = """
lib.linalg.inv(x @ x.T); lib.linalg.solve(x @ x.T, w[:2]); lib.linalg.solve(x @ x.T, x[:, 0]); lib.det(x @ x.T)
lib.linalg.slogdet(x @ x.T).logabsdet; lib.linalg.cholesky(x @ x.T); lib.linalg.eigvalsh(x @ x.T); lib.logdet(x @ x.T)
lib.linalg.eigvals(f @ f.T).abs().sum(); lib.linalg.svdvals(x); lib.linalg.qr(x.T).R; lib.linalg.qr(x).Q
lib.linalg.lu_factor(x.T).LU; lib.linalg.lu(x)[2]; lib.linalg.pinv(x); lib.linalg.vector_norm(x, 2, 1); x.norm()
lib.linalg.matrix_exp(x @ x.T); lib.linalg.matrix_norm(a, "nuc"); lib.linalg.matrix_power(x @ x.T, 3); lib.geqrf(x)[1]
lib.linalg.solve_triangular(x @ x.T, k[:2], upper=True); x.dist(y, 3); lib.linalg.cross(x, y); lib.kron(x, y)
lib.cdist(x, y, 2.0, 'use_mm_for_euclid_dist')
lib.fft.fft(f); lib.fft.ifft2(f); lib.fft.rfft(x); lib.fft.rfftn(a); lib.fft.irfft(f); lib.fft.irfft(f, 5, norm="ortho")
lib.fft.fftshift(x); lib.fft.hfft(x, dim=0)
"""


SPECIAL = """
p.acos(); p.asin(); p.atan(); (p + 1).acosh(); p.asinh(); p.atanh(); x.angle(); f.angle(); x.hypot(y); x.sinc()
(p + 12).lgamma(); (p + 12).digamma(); lib.polygamma(2, p); (p + 12).mvlgamma(1); lib.igamma(p, p + 1); lib.igammac(c.exp(), p); x.i0()
x.erfc(); p.erfinv(); lib.logaddexp(x, c); lib.logaddexp2(x, v); p.logit(); p.logit(0.2); lib.xlogy(x, p)
lib.addcmul(x, c, v, value=2); lib.addcdiv(x, y, p); x.lerp(y, 0.3); x.lerp(y, p); x.signbit(); x.copysign(v)
x.frexp().mantissa; x.frexp().exponent; x.nextafter(y); x.heaviside(p); x.fmax(y); x.fmin(c); o.gcd(i); (o + 1).lcm(i + 2)
o << 2; o >> i; lib.view_as_real(f); lib.view_as_complex(h[:, :2].contiguous()); lib.complex(x, y); lib.polar(p, x); f.sgn()
f.mH; f.H; x.adjoint(); v.vdot(u); x.clamp_min(0.1); x.clamp_max(c); x.nan_to_num(); x.frac()
x.rad2deg(); x.deg2rad(); x.ldexp(y); p.float_power(y); x.isposinf(); x.isneginf(); f.isreal(); f.conj_physical()
lib.special.i0e(x); lib.special.i1(x); lib.special.i1e(x); lib.special.entr(p); lib.special.erfcx(x); lib.special.ndtr(x)
lib.special.ndtri(p); lib.special.log_ndtr(x); lib.special.xlog1py(x, p); lib.special.zeta(p + 2, p); lib.special.airy_ai(p)
lib.special.modified_bessel_k0(p); lib.special.legendre_polynomial_p(x, 3); lib.special.spherical_bessel_j0(x)
"""


def split(table: str) -> list[str]:
    return [text.strip() for line in table.strip().split("\n") for text in line.split(";")]


FAMILIES = {
    "unary": [f"p.{name}()" for name in UNARY]
    + split("x.sin(); x.round(); x.exp(); s.exp(); x.sign(); o.abs(); o.neg()"),
    **{"arithmetic": split(ARITHMETIC), "integers": split(INTEGERS), "reductions": split(REDUCTIONS)},
    **{"products": split(PRODUCTS), "shapes": split(SHAPES), "joining": split(JOINING), "indexing": split(INDEXING)},
    **{"selection": split(SELECTION), "sorting": split(SORTING), "networks": split(NETWORKS)},
    **{"arranging": split(ARRANGING), "statistics": split(STATISTICS), "writing": split(WRITING)},
    **{"attention": split(ATTENTION), "complex": split(COMPLEX), "matrices": split(MATRICES)},
    "special": split(SPECIAL),
}
TEXTS = list(dict.fromkeys(text for texts in FAMILIES.values() for text in texts))
