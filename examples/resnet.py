"""Residual networks for small images: He et al. 2015, "Deep Residual Learning for Image Recognition"."""

from candle import nn

RESNET14 = [(8, 8, 1), (8, 8, 1), (8, 16, 1), (16, 16, 1)]  # for digits of 8 x 8
RESNET20 = [
    *[(16, 16, 1), (16, 16, 1), (16, 16, 1)],  # 32 x 32
    *[(16, 32, 2), (32, 32, 1), (32, 32, 1)],  # 16 x 16
    *[(32, 64, 2), (64, 64, 1), (64, 64, 1)],  # 8 x 8
]


class Block(nn.Module):
    """What two convolutions add to x: (N, C, H, W) -> (N, D, H / stride, W / stride).

    Where the shape changes, a convolution over single pixels takes x along.
    """

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs)
        fits = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if fits else nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride)

    def forward(self, x):
        change = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (self.shortcut(x) + change).relu()


class ResNet(nn.Module):
    """Scores of the classes for each image: (N, C, H, W) -> (N, classes).

    `blocks` has (channels in, channels out, stride) of each.
    """

    def __init__(self, channels, blocks, classes=10):
        super().__init__()
        first, last = blocks[0][0], blocks[-1][1]
        self.conv = nn.Conv2d(channels, first, kernel_size=3, padding=1)
        self.bn = nn.BatchNorm2d(first)
        self.blocks = nn.Sequential(*(Block(*each) for each in blocks))
        self.linear = nn.Linear(last, classes)

    def forward(self, x):
        x = self.blocks(self.bn(self.conv(x)).relu())  # (N, C, H, W)
        return self.linear(x.mean(dim=(2, 3)))
