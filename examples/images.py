"""What the programs about images share: how many of them a model reads right, and a picture of how it learned."""

from pictures import draw_images, draw_losses, draw_scores, keep, sheet

import candle


@candle.no_grad()
def readings(model, loader):
    """What each image is taken for, and what it is: two tensors (N,)."""
    model.eval()
    pairs = [(model(images).argmax(dim=1), labels) for images, labels in loader]
    return tuple(map(candle.cat, zip(*pairs)))


def accuracy(model, loader):
    """The part of the images that the model reads right."""
    taken, labels = readings(model, loader)
    return (taken == labels).double().mean().item()


def draw_reading(training, test, names, title, path):
    """The loss, the accuracy, and the first images of the loader `test` that are still misread."""
    taken, labels = readings(training.model, test)
    wrong = (taken != labels).nonzero()[:, 0].tolist()[:12]
    figure, (left, middle, right) = sheet(11, 3.4, 3, title, ratios=(1, 1, 1.1))
    draw_losses(left, training.losses)
    draw_scores(middle, training.scores)
    right.set_title("Misread: label → answer")
    images = [test.dataset[i][0].permute(1, 2, 0).numpy() for i in wrong]
    draw_images(right, images, [f"{names[int(labels[i])]} → {names[int(taken[i])]}" for i in wrong])
    keep(figure, path)
