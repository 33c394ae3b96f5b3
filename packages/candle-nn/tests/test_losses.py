"""Losses: what torch's own samples leave out: edges, warnings, deprecated options, layers and mistakes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import candle
from candle import nn
from candle.nn import functional as F

from .twins import check, normal, theirs

X, Y = normal(4, 3), normal(4, 3, seed=1)
SIGNS = np.sign(normal(4, 3, seed=2))
P, Q = 1 / (1 + np.exp(-X)), 1 / (1 + np.exp(-Y))
EDGES = np.array([0.0, 1.0, 0.0, 1.0, 0.5])
CALLS = {
    "bce at the edges": ("binary_cross_entropy", (EDGES, EDGES), {}),
    "bce at the other edges": ("binary_cross_entropy", (EDGES, EDGES[::-1].copy()), {}),
    "bce, weights": ("binary_cross_entropy", (P, Q), {"weight": np.abs(Y)}),
    "logits, weights": (
        "binary_cross_entropy_with_logits",
        (X, Q),
        {"weight": np.abs(Y), "pos_weight": np.abs(X[0])},
    ),
    "logits, large": ("binary_cross_entropy_with_logits", (X * 1e4, Q), {}),
    "logits, large, weights": ("binary_cross_entropy_with_logits", (X * 1e4, Q), {"pos_weight": np.abs(X[0])}),
    "l1, weights": ("l1_loss", (X, Y), {"weight": np.abs(Y)}),
    "mse, weights": ("mse_loss", (X, Y), {"weight": np.abs(Y[:, :1]).repeat(3, 1)}),
    "huber, weights": ("huber_loss", (X, Y), {"weight": np.abs(Y), "delta": 0.3}),
    "smooth l1": ("smooth_l1_loss", (X, Y), {"beta": 0.4}),
    "smooth l1 is l1": ("smooth_l1_loss", (X, Y), {"beta": 0.0}),
    "l1 of equal ones": ("l1_loss", (X, X.copy()), {}),
    "kl": ("kl_div", (X, Q), {}),
    "kl of zeros": ("kl_div", (X, np.zeros_like(X)), {}),
    "kl of logs": ("kl_div", (X, Y), {"log_target": True}),
    "poisson": ("poisson_nll_loss", (X, np.abs(Y) * 3), {"full": True}),
    "poisson, rates": ("poisson_nll_loss", (P, np.abs(Y)), {"log_input": False}),
    "gaussian": ("gaussian_nll_loss", (X, Y, P), {"full": True}),
    "gaussian, one variance a row": ("gaussian_nll_loss", (X, Y, P[:, :1]), {}),
    "gaussian, small variances": ("gaussian_nll_loss", (X, Y, P * 1e-9), {}),
    "soft margin": ("soft_margin_loss", (X, SIGNS), {}),
    "hinge": ("hinge_embedding_loss", (X, SIGNS), {"margin": 0.3}),
    "ranking": ("margin_ranking_loss", (X, Y, SIGNS), {"margin": 0.1}),
    "cosine": ("cosine_embedding_loss", (X, Y, SIGNS[:, 0].copy()), {"margin": 0.1}),
    "triplet": ("triplet_margin_loss", (X, Y, P), {"swap": True, "p": 1.5}),
    "triplet, distance": ("triplet_margin_with_distance_loss", (X, Y, P), {"margin": 0.3}),
    "multi": ("multi_margin_loss", (X, np.array([0, 2, 1, 1])), {"p": 2}),
    "multilabel": ("multilabel_margin_loss", (X, np.array([[0, -1, 2], [2, 1, 0], [1, 2, -1], [-1, 0, 0]])), {}),
    "multilabel, soft": ("multilabel_soft_margin_loss", (X, (SIGNS + 1) / 2), {}),
    "cross entropy": ("cross_entropy", (X, np.array([0, 2, 1, -100])), {}),
    "smoothed": ("cross_entropy", (X, np.array([0, 2, 1, 1])), {"label_smoothing": 0.2}),
    "probabilities": ("cross_entropy", (X, Q), {"label_smoothing": 0.1}),
    "nll": ("nll_loss", (X, np.array([0, 2, 1, 1])), {"ignore_index": 1}),
}


@pytest.mark.filterwarnings("ignore:reduction:UserWarning", "ignore:kl_div:UserWarning")
@pytest.mark.parametrize("case", CALLS)
def test_another_default_dtype_changes_nothing(case: str) -> None:
    name, args, options = CALLS[case]
    losses = []
    for dtype in (candle.float32, candle.float64):
        candle.set_default_dtype(dtype)
        try:
            given = [candle.tensor(x) for x in args]
            more = {k: candle.tensor(x) if isinstance(x, np.ndarray) else x for k, x in options.items()}
            losses.append(getattr(F, name)(*given, **more))
        finally:
            candle.set_default_dtype(candle.float32)
    assert candle.equal(*losses)
    assert losses[0].dtype is losses[1].dtype is candle.float64


@pytest.mark.filterwarnings("ignore:reduction:UserWarning", "ignore:kl_div:UserWarning")
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("case", CALLS)
def test_values_and_gradients(case: str, reduction: str) -> None:
    name, args, options = CALLS[case]
    left = [theirs(x) for x in args]
    # at the edges torch's derivative by the target is infinite; candle's is that of the bounded logarithms
    fixed = 1 if "edges" in case else None
    constant = [
        isinstance(x, torch.Tensor) and (i == fixed or not _differentiable(name, i)) for i, x in enumerate(left)
    ]

    def call(function):
        def run(*given, **more):
            given = [x.detach() if keep else x for x, keep in zip(given, constant)]
            held = {key: x.detach() for key, x in more.items()}
            numbers = {key: x for key, x in options.items() if not isinstance(x, np.ndarray)}
            return function(*given, **held, **numbers, reduction=reduction)

        return run

    arrays = {key: x for key, x in options.items() if isinstance(x, np.ndarray)}
    rtol = 1e-8 if "edges" in case else 1e-9  # torch's 1e-12 in the denominator is a single one
    check(call(getattr(TF, name)), call(getattr(F, name)), *args, rtol=rtol, **arrays)


def _differentiable(name: str, i: int) -> bool:
    """Targets that are signs have no gradient worth comparing (torch's is 0 or that of the formula)."""
    signs = {"soft_margin_loss", "hinge_embedding_loss", "margin_ranking_loss", "cosine_embedding_loss"}
    return i == 0 or (name not in signs and name != "nll_loss") or (i == 1 and "ranking" in name)


SPREADING = """
    l1_loss mse_loss smooth_l1_loss huber_loss kl_div poisson_nll_loss gaussian_nll_loss hinge_embedding_loss
    multilabel_soft_margin_loss
""".split()


@pytest.mark.filterwarnings("ignore:kl_div. reduction:UserWarning")
@pytest.mark.parametrize("name", SPREADING)
def test_an_accidental_broadcast_warns(name: str) -> None:
    more = [candle.ones(4, 1)] if "gaussian" in name else []
    with pytest.warns(UserWarning, match=rf"{name}: input \(4, 1\) and target \(4,\) differ in shape"):
        getattr(F, name)(candle.zeros(4, 1), candle.zeros(4), *more)


def test_an_accidental_broadcast_warns_where_dims_must_agree() -> None:
    x = candle.ones(4, 3)
    with pytest.warns(UserWarning, match=r"soft_margin_loss: input \(4, 3\) and target \(3,\)"):
        F.soft_margin_loss(x, candle.ones(3))
    with pytest.warns(UserWarning, match=r"margin_ranking_loss: input \(4, 3\) and target \(1, 3\)"):
        F.margin_ranking_loss(x, x, candle.ones(1, 3))
    with pytest.warns(UserWarning, match=r"cosine_embedding_loss: input \(4,\) and target \(1,\)"):
        F.cosine_embedding_loss(x, x, candle.ones(1))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "hinge_embedding_loss"])
def test_shapes_that_do_not_fit_are_named(name: str) -> None:
    with pytest.raises(RuntimeError, match=rf"{name}: the shapes \(4, 3\), \(5, 2\) do not broadcast"):
        getattr(F, name)(candle.zeros(4, 3), candle.zeros(5, 2))


@pytest.mark.parametrize("name", ["l1_loss", "cross_entropy", "hinge_embedding_loss", "binary_cross_entropy"])
@pytest.mark.parametrize(
    ("average", "reduce", "reduction"), [(True, None, "mean"), (False, None, "sum"), (None, False, "none")]
)
def test_deprecated_options_still_mean_what_they_meant(name: str, average, reduce, reduction: str) -> None:
    target = candle.tensor([0, 1, 2, 0]) if name == "cross_entropy" else candle.tensor(Q)
    expected = getattr(F, name)(candle.tensor(P), target, reduction=reduction)
    with pytest.warns(DeprecationWarning, match="use reduction"):
        actual = getattr(F, name)(candle.tensor(P), target, size_average=average, reduce=reduce)
    assert actual.tolist() == expected.tolist()


LAYERS = """
    L1Loss MSELoss SmoothL1Loss HuberLoss KLDivLoss PoissonNLLLoss GaussianNLLLoss SoftMarginLoss HingeEmbeddingLoss
    MarginRankingLoss MultiMarginLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss CosineEmbeddingLoss
    TripletMarginLoss TripletMarginWithDistanceLoss CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss CTCLoss
""".split()


@pytest.mark.parametrize("name", LAYERS)
def test_layers_look_like_torchs(name: str) -> None:
    assert repr(getattr(nn, name)(reduction="sum")) == repr(getattr(torch.nn, name)(reduction="sum"))
    assert getattr(nn, name)(reduction="sum").reduction == "sum"
    assert not getattr(nn, name)().state_dict()


def test_weights_of_classes_are_buffers() -> None:
    weight = candle.tensor([1.0, 2.0, 0.5])
    for name in ("CrossEntropyLoss", "NLLLoss", "BCELoss", "MultiMarginLoss", "MultiLabelSoftMarginLoss"):
        layer = getattr(nn, name)(weight=weight)
        assert [*layer.state_dict()] == ["weight"]
        assert layer.double().weight.dtype is candle.float64
    assert [*nn.BCEWithLogitsLoss(pos_weight=weight).state_dict()] == ["pos_weight"]


CTC = {
    "one row": ([[1, 2, 2]], [6], [3]),
    "of different lengths": ([[1, 2, 2], [3, 0, 0], [2, 1, 0]], [6, 5, 2], [3, 1, 2]),
    "an empty target": ([[1, 2], [1, 2]], [6, 6], [0, 2]),
    "too long to fit": ([[1, 1, 1], [1, 2, 0]], [4, 6], [3, 2]),
    "a step for every label": ([[1, 2, 3]], [3], [3]),
}


@pytest.mark.parametrize("zero_infinity", [True, False])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("case", CTC)
def test_ctc(case: str, reduction: str, zero_infinity: bool) -> None:
    targets, steps, lengths = CTC[case]
    x = normal(6, len(targets), 4)

    def loss(module, x, targets):
        return module.ctc_loss(x.log_softmax(2), targets, steps, lengths, 0, reduction, zero_infinity)

    if case == "too long to fit" and not zero_infinity:
        mine, expected = candle.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        losses = loss(F, mine, candle.tensor(targets)), loss(TF, expected, torch.tensor(targets))
        for each in losses:
            assert each.reshape(-1)[0] == math.inf
            each.sum().backward()
        np.testing.assert_array_equal(np.isfinite(mine.grad.numpy()), np.isfinite(expected.grad.numpy()))
        np.testing.assert_allclose(mine.grad.numpy()[:, 1], expected.grad.numpy()[:, 1], 1e-9)
        return
    check(lambda x, t: loss(TF, x, t), lambda x, t: loss(F, x, t), x, np.array(targets))
    flat = np.concatenate([row[:n] for row, n in zip(targets, lengths)]).astype(int)
    check(lambda x, t: loss(TF, x, t), lambda x, t: loss(F, x, t), x, flat)


def test_ctc_without_a_batch_and_with_another_blank() -> None:
    x = normal(5, 4)

    def loss(module):
        return lambda x, t: module.ctc_loss(x.log_softmax(1), t, (5,), (2,), blank=3)

    check(loss(TF), loss(F), x, np.array([1, 1]))


def test_ctc_sums_over_all_alignments() -> None:
    """Against brute force: every way through the classes that reads as the target."""
    import itertools

    logp = candle.tensor(normal(4, 1, 3)).log_softmax(2)
    target = [1, 1]
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        read = [c for c, _ in itertools.groupby(path) if c]
        if read == target:
            total += math.exp(sum(float(logp[t, 0, c]) for t, c in enumerate(path)))
    assert float(F.ctc_loss(logp, candle.tensor([target]), [4], [2], reduction="sum")) == pytest.approx(
        -math.log(total)
    )


def test_ctc_has_second_derivatives() -> None:
    x = candle.tensor(normal(3, 1, 3), requires_grad=True)
    targets = candle.tensor([[1, 2]])
    assert candle.autograd.gradgradcheck(lambda x: F.ctc_loss(x, targets, [3], [2]), (x,))


Z = candle.zeros(2, 3)
CLASSES = candle.tensor([0, 1])
MISTAKES = [
    (lambda: F.l1_loss(Z, Z, reduction="avg"), ValueError, "l1_loss: 'avg' is not a reduction"),
    (lambda: F.binary_cross_entropy(Z - 1, Z), RuntimeError, "between 0 and 1"),
    (lambda: F.binary_cross_entropy(Z, Z + 1.5), RuntimeError, "all elements of target must lie between 0 and 1"),
    (lambda: F.cross_entropy(Z, CLASSES.numpy()), TypeError, "target must be a Tensor, got ndarray"),
    (lambda: F.cross_entropy(Z.numpy(), CLASSES), TypeError, "input must be a Tensor, got ndarray"),
    (lambda: F.binary_cross_entropy(Z, Z[0]), ValueError, r"input's shape \(2, 3\)"),
    (lambda: F.gaussian_nll_loss(Z, Z, Z - 1), ValueError, "negative"),
    (lambda: F.gaussian_nll_loss(Z, Z, candle.ones(3, 2)), ValueError, r"var of shape \(3, 2\)"),
    (lambda: F.smooth_l1_loss(Z, Z, beta=-1.0), RuntimeError, "beta"),
    (lambda: F.soft_margin_loss(Z[:, :1], Z[:, 0]), RuntimeError, r"\(2,\) does not fit .* \(2, 1\).* make \(2, 2\)"),
    (lambda: F.huber_loss(Z, Z, delta=0.0), RuntimeError, "delta"),
    (lambda: F.multi_margin_loss(Z, CLASSES, p=3), ValueError, "p must be 1 or 2"),
    (lambda: F.multi_margin_loss(Z, CLASSES, weight=candle.ones(2)), ValueError, r"weight must have shape \(3,\)"),
    (lambda: F.margin_ranking_loss(Z, Z, CLASSES), RuntimeError, "as many dims"),
    (lambda: F.cosine_embedding_loss(Z, Z, Z), RuntimeError, r"expected inputs \(N, D\)"),
    (lambda: F.triplet_margin_loss(Z, Z, Z, margin=0.0), ValueError, "margin must be greater than 0"),
    (lambda: F.triplet_margin_loss(Z, Z, Z[0]), RuntimeError, "as many dims"),
    (lambda: F.multilabel_margin_loss(Z, CLASSES), RuntimeError, r"input's shape \(2, 3\)"),
    (lambda: F.cross_entropy(Z, Z, ignore_index=1), RuntimeError, "ignore_index=1"),
    (lambda: F.ctc_loss(Z[:, None], CLASSES[None], [3], [2]), RuntimeError, "input_lengths must lie between 0 and 2"),
    (lambda: F.ctc_loss(Z[:, None], CLASSES[None] + 3, [2], [2]), RuntimeError, "not one of 3 classes"),
    (lambda: F.ctc_loss(Z[:, None], CLASSES[None], [2], [2], blank=3), RuntimeError, "blank"),
    (lambda: F.ctc_loss(Z[:, None], CLASSES[None], [2, 2], [2]), RuntimeError, "must hold 1 lengths"),
]


@pytest.mark.parametrize(("call", "kind", "told"), MISTAKES)
def test_mistakes_are_named(call, kind, told) -> None:
    with pytest.raises(kind, match=told):
        call()
