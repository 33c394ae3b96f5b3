"""How the first weights decide whether a deep network can learn at all.

    hatch run examples:initialization

Networks of ReLU layers are made, and not trained. Of four ways to draw their weights only Kaiming He's (2015,
"Delving deep into rectifiers") keeps the values that go forward and the gradients that come back as large as they
were, at every depth and width: a ReLU loses half of what it gets, which the variance 2 / inputs makes up for.
Xavier Glorot's 2 / (inputs + outputs) is meant for tanh, and loses that half in every layer.
"""

import math

from matplotlib.figure import Figure
from pictures import count_along, keep, tidy
from programs import parse, parser_for, start
from tqdm import tqdm

import candle
from candle import nn

INITS = {
    "normal, σ = 0.1": lambda weight: nn.init.normal_(weight, std=0.1),
    "normal, σ = 0.02": lambda weight: nn.init.normal_(weight, std=0.02),
    "Xavier": nn.init.xavier_normal_,
    "Kaiming": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
}
COLORS = dict(zip(INITS, ("#b33a3a", "#d9902a", "#2a6fbb", "#2f8f5b")))


def network(depth, width, init):
    """`depth` layers: (N, width) -> (N, width) in float64, for some of the numbers leave float32's range."""
    layers = [nn.Linear(width, width, bias=False) for _ in range(depth)]
    for layer in layers:
        init(layer.weight)
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU()))).double()


@candle.no_grad()
def sizes(model, x):
    """The 10th, 50th and 90th percentile of what arrives in each layer, without its sign: (depth, 3)."""
    arrived = []
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.Linear):
            arrived.append(x.abs().quantile(candle.tensor([0.1, 0.5, 0.9], dtype=x.dtype)))
    return candle.stack(arrived)


def gradient_norm(model, x, direction):
    """Of the first layer's weights, as the output moves in a direction."""
    (model(x) * direction).sum().backward()
    return model[0].weight.grad.norm().item()


def experiment(depths, widths, batch):
    """For each way to draw: the sizes in the deepest network, and gradient norms against depth and against width."""
    results = {}
    deepest, widest = max(depths), max(widths)
    runs = len(INITS) * (1 + len(depths) + len(widths))
    with tqdm(total=runs, bar_format="{percentage:3.0f}%|{bar:20}| {desc}, {elapsed} gone, {remaining} to go") as bar:

        def of(measure, count, name, depth, width):
            bar.set_description_str(f"{name}: depth {depth}, width {width}", refresh=False)
            bar.update()
            inputs = [candle.randn(batch, width, dtype=candle.float64) for _ in range(count)]
            return measure(network(depth, width, INITS[name]), *inputs)

        for name in INITS:
            results[name] = (
                of(sizes, 1, name, deepest, widest).numpy(),
                [of(gradient_norm, 2, name, depth, widest) for depth in depths],
                [of(gradient_norm, 2, name, deepest, width) for width in widths],
            )
    return results


def draw(results, depths, widths, path):
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    figure.suptitle("ReLU networks before training: what keeps its size?", fontweight="bold")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.1))
    panels = above.subplots(1, len(INITS), sharey=True)
    for axes, (name, (arrived, _, _)) in zip(panels, results.items()):
        layers = range(1, len(arrived) + 1)
        axes.fill_between(layers, arrived[:, 0], arrived[:, 2], color=COLORS[name], alpha=0.25, linewidth=0)
        axes.semilogy(layers, arrived[:, 1], color=COLORS[name], linewidth=1.8)
        axes.set(title=name, xlabel="layer")
    panels[0].set_ylabel("values that arrive\n(median, 10th to 90th percentile)")
    left, right = below.subplots(1, 2, sharey=True)
    for name, (_, by_depth, by_width) in results.items():
        left.semilogy(depths, by_depth, "o-", clip_on=False, color=COLORS[name], markersize=4, label=name)
        right.loglog(widths, by_width, "o-", color=COLORS[name], markersize=4, label=name)
    left.set(xlabel=f"depth, at a width of {max(widths)}", ylabel="gradient norm of the first layer")
    right.set(xlabel=f"width, at a depth of {max(depths)}")
    right.set_xticks(widths, [str(width) for width in widths])
    right.minorticks_off()
    right.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    tidy(*panels, left, right)
    count_along(*panels, left)
    keep(figure, path)


def main():
    parser = parser_for(__doc__, picture="initialization.png")
    parser.add_argument("--depths", type=int, nargs="+", default=[1, 2, 4, 8, 12, 16], help="layers")
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 32, 64, 128, 256], help="numbers in each layer")
    parser.add_argument("--batch", type=int, default=128, help="random inputs")
    args = parse(parser)
    candle.manual_seed(args.seed)
    results = experiment(args.depths, args.widths, args.batch)
    print(
        f"gradient norm of the first layer, {max(args.depths)} layers over 1 layer, at a width of {max(args.widths)}:"
    )
    for name, (_, by_depth, _) in results.items():
        print(f"{name:18} 10^{math.log10(by_depth[-1] / by_depth[0]):+.1f}")
    draw(results, args.depths, args.widths, args.picture)


if __name__ == "__main__":
    start(main)
