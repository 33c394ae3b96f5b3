"""Data sets to learn from, with torchvision's names where it has them, and `transforms` of images.

from candle.datasets import MNIST, transforms

train = MNIST("data", download=True)
"""

from candle.datasets import transforms
from candle.datasets._idx import read_idx
from candle.datasets.cifar import CIFAR10, CIFAR100
from candle.datasets.mnist import KMNIST, MNIST, FashionMNIST
from candle.datasets.text import CharacterVocabulary, TextWindows

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "KMNIST",
    "MNIST",
    "CharacterVocabulary",
    "FashionMNIST",
    "TextWindows",
    "read_idx",
    "transforms",
]
