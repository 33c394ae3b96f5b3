"""What the programs here share for drawing. matplotlib draws into a file: no window is needed."""

import numpy as np
from matplotlib.figure import Figure

INK, BLUE, ORANGE = "#333333", "#2a6fbb", "#d9702a"


def sheet(width, height, columns, title, ratios=None):
    """A figure, and its axes side by side."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title, color=INK, fontweight="bold")
    axes = figure.subplots(1, columns, squeeze=False, width_ratios=ratios)[0]
    tidy(*axes)
    count_along(*axes)
    return figure, axes


def tidy(*axes):
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.tick_params(colors=INK, labelsize=9)
        each.grid(alpha=0.25, linewidth=0.6)
        each.set_axisbelow(True)


def count_along(*axes):
    """Whole numbers only below the x-axis."""
    for each in axes:
        each.xaxis.get_major_locator().set_params(integer=True)


def smooth(values):
    """The means over a fiftieth of the values around each."""
    if not values:
        return []
    width = max(1, len(values) // 50)
    ones = np.ones(width)
    return np.convolve(values, ones, mode="same") / np.convolve(np.ones(len(values)), ones, mode="same")


def draw_losses(axes, losses, label=None, color=BLUE):
    steps = np.arange(1, len(losses) + 1)
    axes.plot(steps, losses, color=color, alpha=0.25, linewidth=0.6)
    axes.plot(steps, smooth(losses), color=color, linewidth=1.8, label=label)
    axes.set(title="Training loss", xlabel="step", ylabel="cross-entropy")
    if losses and min(losses) < 0.1 * max(losses):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")


def unzipped(pairs):
    return tuple(zip(*pairs)) or ((), ())


def draw_scores(axes, scores, label=None, color=ORANGE):
    axes.plot(*unzipped(scores), color=color, linewidth=1.8, label=label)
    last = f": {scores[-1][1]:.2%}" if scores else ""
    axes.set(title=f"Read right, of the test set{last}", xlabel="step")
    axes.yaxis.set_major_formatter(lambda part, _: f"{100 * part:g} %")


def draw_images(place, images, captions, columns=4):
    """Images in a grid, each under its caption, in the place of the axes `place`."""
    place.axis("off")
    rows = -(-len(images) // columns)
    for i, (image, caption) in enumerate(zip(images, captions)):
        left, bottom = i % columns / columns, 1 - (i // columns + 1) / rows
        inset = place.inset_axes((left, bottom, 0.9 / columns, 0.78 / rows))
        image = (image - image.min()) / (image.max() - image.min())
        inset.imshow(image, cmap="gray_r")
        inset.set_title(caption, fontsize=8, color=INK, pad=2)
        inset.set(xticks=[], yticks=[])


def keep(figure, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    print(f"drawn: {path}")
