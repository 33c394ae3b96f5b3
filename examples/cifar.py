"""Learn what is on the photographs of CIFAR-10, 32 x 32 pixels each, with the ResNet-20 of He et al. 2015.

    hatch run examples:cifar                           # fetches CIFAR-10 (170 MB) into ./data
    hatch run examples:cifar --data FOLDER             # which holds cifar-10-batches-bin already
    hatch run examples:cifar --checkpoint c.safetensors && hatch run examples:cifar --checkpoint c.safetensors --resume

81,000 steps take long on a CPU. Ctrl-C ends the training early; what was learned by then is tested, drawn, and with
--checkpoint kept, for --resume to go on from.
"""

from pathlib import Path

from images import accuracy, draw_reading
from programs import add_training, parse, parser_for, run, start
from resnet import RESNET20, ResNet
from training import Training

import candle
from candle import nn
from candle.datasets import CIFAR10
from candle.datasets.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor
from candle.optim import SGD
from candle.optim.lr_scheduler import ChainedScheduler, LinearLR, MultiStepLR
from candle.utils.data import DataLoader

BATCH, STEPS = 128, 81_000
PLAIN = Compose([ToTensor(), Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))])
CHANGED = Compose([RandomCrop(32, padding=4), RandomHorizontalFlip(), PLAIN])


def loss_of(model, images, labels):
    return nn.functional.cross_entropy(model(images), labels)


def training_of(loader=()):
    """The learning rate rises for 1,000 steps, and falls to a tenth after 40,000 and after 60,000."""
    model = ResNet(3, RESNET20)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    ramp, stairs = LinearLR(optimizer, 1 / 1000, total_iters=1000), MultiStepLR(optimizer, [40_000, 60_000], gamma=0.1)
    return Training(model, optimizer, ChainedScheduler([ramp, stairs]), loss_of, loader)


def cifar(folder):
    """Loaders of images (N, 3, 32, 32) and labels: to learn from, and to test with."""
    place, fetch = folder or Path("data"), folder is None
    train = CIFAR10(place, train=True, transform=CHANGED, download=fetch)
    test = CIFAR10(place, train=False, transform=PLAIN, download=fetch)
    return DataLoader(train, BATCH, shuffle=True), DataLoader(test, batch_size=500)


def main():
    parser = parser_for(__doc__, picture="cifar.png")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="that holds CIFAR-10; without it, it is fetched")
    add_training(parser, steps=STEPS)
    args = parse(parser)
    candle.manual_seed(args.seed)
    try:
        train, test = cifar(args.data)
    except (OSError, RuntimeError, ValueError) as error:
        parser.error(f"--data: {error}")
    training = training_of(train)
    run(training, args, STEPS, lambda model: accuracy(model, test))
    draw_reading(training, test, test.dataset.classes, "ResNet-20 on CIFAR-10", args.picture)


if __name__ == "__main__":
    start(main)
