"""Learn to read the handwritten digits of MNIST, 28 x 28 pixels each.

    hatch run examples:mnist                           # a small residual network; fetches MNIST into ./data
    hatch run examples:mnist --data FOLDER             # which holds the four files already, or others like them
    hatch run examples:mnist --model convnet
    hatch run examples:mnist --model mlp

Ctrl-C ends the training early; what was learned by then is tested, drawn, and with --checkpoint kept, for --resume
to go on from.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from images import accuracy, draw_reading
from programs import add_training, parse, parser_for, run, start
from resnet import ResNet
from training import Training

import candle
from candle import nn
from candle.datasets import MNIST
from candle.datasets.transforms import Compose, Normalize, RandomCrop, ToTensor
from candle.optim import Adam, AdamW
from candle.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from candle.utils.data import DataLoader

PLAIN = Compose([ToTensor(), Normalize(0.1307, 0.3081)])
MOVED = Compose([RandomCrop(28, padding=2), PLAIN])  # by up to two pixels either way


def mlp():
    return nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(784, 256), nn.ReLU()),
        *(nn.Linear(256, 128), nn.ReLU()),
        *(nn.Linear(128, 32), nn.ReLU()),
        nn.Linear(32, 10),
    )


def convnet():
    """After LeNet-5 (LeCun et al. 1998)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, kernel_size=5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 8, 14, 14)
        *(nn.Conv2d(8, 16, kernel_size=5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 16, 7, 7)
        *(nn.Flatten(), nn.Linear(16 * 7 * 7, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10)),
    )


def resnet():
    return ResNet(1, [(8, 16, 2), (16, 16, 1), (16, 32, 2), (32, 32, 1)])


def cosine(optimizer, steps):
    return CosineAnnealingLR(optimizer, T_max=steps)


def one_cycle(optimizer, steps):
    """Up to four times the optimizer's rate, then down to nothing: Smith and Topin 2019, "Super-convergence"."""
    return OneCycleLR(optimizer, max_lr=4 * optimizer.param_groups[0]["lr"], total_steps=steps + 1)


@dataclass(frozen=True)
class Recipe:
    """How a model is trained."""

    model: Any
    optimizer: Any
    schedule: Any
    steps: int
    transform: Any = PLAIN
    batch: int = 64


RECIPES = {
    "mlp": Recipe(mlp, lambda params: Adam(params, lr=0.01), cosine, steps=9000),
    "convnet": Recipe(convnet, lambda params: AdamW(params, lr=1e-3), one_cycle, steps=2000, transform=MOVED),
    "resnet": Recipe(resnet, lambda params: AdamW(params, lr=2e-3), one_cycle, steps=3000, transform=MOVED),
}


def loss_of(model, images, labels):
    return nn.functional.cross_entropy(model(images), labels)


def training_of(recipe, loader=(), steps=None):
    model = recipe.model()
    optimizer = recipe.optimizer(model.parameters())
    return Training(model, optimizer, recipe.schedule(optimizer, steps or recipe.steps), loss_of, loader)


def mnist(folder, recipe):
    """Loaders of images (N, 1, 28, 28) and labels: to learn from, and to test with."""
    place, fetch = folder or Path("data"), folder is None
    train = MNIST(place, train=True, transform=recipe.transform, download=fetch)
    test = MNIST(place, train=False, transform=PLAIN, download=fetch)
    return DataLoader(train, recipe.batch, shuffle=True), DataLoader(test, batch_size=500)


def main():
    parser = parser_for(__doc__, picture="mnist.png")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="that holds MNIST; without it, MNIST is fetched")
    parser.add_argument("--model", choices=RECIPES, default="resnet", help="and how it is trained")
    add_training(parser)
    args = parse(parser)
    recipe = RECIPES[args.model]
    candle.manual_seed(args.seed)
    try:
        train, test = mnist(args.data, recipe)
    except (OSError, RuntimeError, ValueError) as error:
        parser.error(f"--data: {error}")
    training = training_of(recipe, train, args.steps)
    print(f"{len(train.dataset):,} images to learn from, {len(test.dataset):,} to test with")
    run(training, args, recipe.steps, lambda model: accuracy(model, test))
    draw_reading(training, test, range(10), f"{args.model} on MNIST", args.picture)


if __name__ == "__main__":
    start(main)
