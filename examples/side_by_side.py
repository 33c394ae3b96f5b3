"""Train in candle and in PyTorch at once: the same program, first weights and batches. Needs PyTorch.

    hatch run results --mnist FOLDER                   # the table and the picture of docs/results.md
    hatch run results digits-mlp names-lstm            # some of its rows

PyTorch's program is candle's: its text, in which `candle` is replaced by `torch`. Only the data sets stay candle's,
and each batch is handed to both.
"""

import importlib
import os
import re
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


def load(name, folder=HERE):
    """A module of a folder of programs; `sys.modules` is left as it was, for other folders have the same names."""
    names = [path.stem for path in folder.glob("*.py")]
    kept = {each: sys.modules.pop(each) for each in names if each in sys.modules}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for each in names:
            sys.modules.pop(each, None)
        sys.modules.update(kept)


@cache
def twin(name):
    """The program `name` with its import changed."""
    with tempfile.TemporaryDirectory() as folder:
        for path in HERE.glob("*.py"):
            Path(folder, path.name).write_text(re.sub(r"\bcandle\b(?!\.datasets)", "torch", path.read_text()))
        return load(name, Path(folder))


class Pair:
    """A `Training` of candle's, and its twin, from the same weights and over the same batches."""

    def __init__(self, ours, theirs):
        import torch

        self.ours, self.theirs, self.to_torch = ours, theirs, lambda t: torch.tensor(t.numpy())
        theirs.model.load_state_dict({name: self.to_torch(t) for name, t in ours.model.state_dict().items()})
        self.seconds = [], []  # of the processor, for each step of ours and of theirs

    def step(self):
        batch = self.ours.next_batch()
        same = tuple(map(self.to_torch, batch))
        for training, each, seconds in zip((self.ours, self.theirs), (batch, same), self.seconds):
            began = time.process_time()
            training.learn(each)
            seconds.append(time.process_time() - began)

    def milliseconds(self):
        """The median step of each."""
        return [1000 * sorted(seconds)[len(seconds) // 2] for seconds in self.seconds]


# The rows of docs/results.md


def of_digits(name, args):
    ours, theirs = load("digits"), twin("digits")
    train, test = ours.digits(ours.RECIPES[name].batch)
    pair = Pair(ours.training_of(ours.RECIPES[name], train), theirs.training_of(theirs.RECIPES[name]))
    return pair, ours.RECIPES[name].steps, accuracies(pair, test)


def of_mnist(name, args):
    ours, theirs = load("mnist"), twin("mnist")
    train, test = ours.mnist(args.mnist, ours.RECIPES[name])
    pair = Pair(ours.training_of(ours.RECIPES[name], train), theirs.training_of(theirs.RECIPES[name]))
    return pair, ours.RECIPES[name].steps, accuracies(pair, train if name == "mlp" else test)


def of_names(cell, args):
    ours, theirs = load("names"), twin("names")
    names = sorted(set(ours.NAMES.read_text().split()))  # as names.py reads them
    alphabet, train, unseen = ours.names_to_learn(names, batch=64)
    pair = Pair(*(each.training_of(cell, len(alphabet), 128, 5e-3, 600, train) for each in (ours, theirs)))
    same = tuple(map(pair.to_torch, unseen))

    def losses():
        return [ours.validation(pair.ours.model, *unseen), theirs.validation(pair.theirs.model, *same)]

    return pair, 600, losses


def accuracies(pair, loader):
    measure, same = load("images").accuracy, twin("images").accuracy

    def both():
        batches = [tuple(map(pair.to_torch, batch)) for batch in loader]
        return [measure(pair.ours.model, loader), same(pair.theirs.model, batches)]

    return both


SUBJECTS = {
    **{f"digits-{name}": (of_digits, name) for name in ("mlp", "mlp-sgd", "resnet14")},
    **{f"mnist-{name}": (of_mnist, name) for name in ("mlp", "convnet", "resnet")},
    **{f"names-{name}": (of_names, name) for name in ("lstm", "gru")},
}


def measure(subject, args):
    """Train a pair, and print its row."""
    from tqdm import tqdm

    import candle

    make, name = SUBJECTS[subject]
    candle.manual_seed(args.seed)
    pair, steps, scores = make(name, args)
    for _ in tqdm(range(args.steps or steps), desc=subject):
        pair.step()
    (ours, theirs), (our_ms, their_ms) = scores(), pair.milliseconds()
    form = ".3f" if subject.startswith("names") else ".2%"
    print(f"| {subject} | {ours:{form}} | {theirs:{form}} | {our_ms:.2f} | {their_ms:.2f} |", flush=True)
    return pair


def draw(pairs, path):
    """The losses of both, of each subject."""
    from matplotlib.figure import Figure

    pictures = load("pictures")
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    figure = Figure(figsize=(3.3 * columns, 2.5 * rows + 0.4), layout="constrained")
    figure.suptitle("The same program in candle and in PyTorch: the training loss", fontweight="bold")
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    pictures.tidy(*places)
    pictures.count_along(*places)
    for place, (subject, pair) in zip(places, pairs.items()):
        steps = range(1, len(pair.ours.losses) + 1)
        place.plot(
            steps, pictures.smooth(pair.ours.losses), color=pictures.BLUE, linewidth=4, alpha=0.45, label="candle"
        )
        place.plot(steps, pictures.smooth(pair.theirs.losses), color=pictures.ORANGE, linewidth=1.2, label="PyTorch")
        place.set_title(subject, fontsize=10)
        place.set_ylim(bottom=0)
    for place in places[len(pairs) :]:
        place.axis("off")
    places[0].legend(frameon=False)
    for place in places[: len(pairs)][-columns:]:
        place.set_xlabel("step")
    pictures.keep(figure, path)


def main():
    programs = load("programs")
    parser = programs.parser_for(__doc__, picture="side_by_side.png")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of: {' '.join(SUBJECTS)} (without any: all)")
    parser.add_argument("--mnist", type=Path, metavar="FOLDER", help="that holds MNIST; without it, MNIST is fetched")
    parser.add_argument("--steps", type=int, help="of training, if not as many as the model is given")
    args = programs.parse(parser)
    if unknown := set(args.subjects) - set(SUBJECTS):
        parser.error(f"no such subject: {', '.join(sorted(unknown))}; there are: {', '.join(SUBJECTS)}")
    import torch

    torch.set_num_threads(1)
    print("| | candle | PyTorch | candle, ms/step | PyTorch, ms/step |\n|---|---|---|---|---|", flush=True)
    draw({subject: measure(subject, args) for subject in args.subjects or SUBJECTS}, args.picture)


if __name__ == "__main__":
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")  # before NumPy is imported
    main()
