"""Learn to invent first names, letter by letter, with a recurrent network: an LSTM or a GRU.

    hatch run examples:names
    hatch run examples:names --cell gru
    hatch run examples:names --data towns.txt          # or whatever else stands one to a line

A name is read from left to right; after each letter the network has a score for every letter that may be next.
Hochreiter and Schmidhuber 1997, "Long short-term memory"; Cho et al. 2014, "Learning phrase representations".
"""

from pathlib import Path

from pictures import BLUE, INK, ORANGE, draw_losses, keep, sheet, unzipped
from programs import add_training, parse, parser_for, run, start
from training import Training

import candle
from candle import nn
from candle.optim import AdamW
from candle.optim.lr_scheduler import CosineAnnealingLR
from candle.utils.data import DataLoader, TensorDataset

NAMES = Path(__file__).parent / "data/names.txt"
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}
EDGE = 0  # the letter before the first and after the last
NONE = -100  # beyond the edge: cross_entropy does not look there


class Writer(nn.Module):
    """Scores for the next letter at every place: (B, T) -> (B, T, V), and what is remembered."""

    def __init__(self, cell, letters, width):
        super().__init__()
        narrow = max(1, width // 4)
        self.embedding = nn.Embedding(letters, narrow)
        self.memory = CELLS[cell](narrow, width, batch_first=True)
        self.linear = nn.Linear(width, letters)

    def forward(self, letters, remembered=None):
        x, remembered = self.memory(self.embedding(letters), remembered)  # (B, T, width)
        return self.linear(x), remembered


def loss_of(model, letters, following):
    """The mean of -log p(next letter)."""
    scores, _ = model(letters)
    return nn.functional.cross_entropy(scores.flatten(0, 1), following.flatten(), ignore_index=NONE)


@candle.no_grad()
def validation(model, letters, following):
    model.eval()
    return loss_of(model, letters, following).item()


@candle.no_grad()
def invent(model, alphabet, count, temperature, longest=20):
    """Names, each letter drawn from the model's probabilities for the next."""
    model.eval()
    letter, remembered, written = candle.full((count, 1), EDGE), None, []
    for _ in range(longest):
        scores, remembered = model(letter, remembered)
        letter = candle.multinomial((scores[:, -1] / temperature).softmax(-1), 1)  # (count, 1)
        written.append(letter)
    rows = candle.cat(written, dim=1).tolist()
    return ["".join(alphabet[i] for i in row[: [*row, EDGE].index(EDGE)]) for row in rows]


def numbers_of(names, alphabet):
    """The letters of each name from its edge on, and those that follow them: two tensors (N, T)."""
    number = {letter: i for i, letter in enumerate(alphabet)}
    longest = max(map(len, names)) + 1
    rows = [[number[letter] for letter in name] for name in names]
    letters = [[EDGE, *row] + [EDGE] * (longest - 1 - len(row)) for row in rows]
    following = [[*row, EDGE] + [NONE] * (longest - 1 - len(row)) for row in rows]
    return candle.tensor(letters), candle.tensor(following)


def names_to_learn(names, batch):
    """The alphabet, a loader of names to learn from, and the tenth that is held back."""
    alphabet = ["\n", *sorted(set("".join(names)))]
    letters, following = numbers_of(names, alphabet)
    order, held = candle.randperm(len(names)), max(1, len(names) // 10)
    seen, unseen = order[held:], order[:held]
    loader = DataLoader(TensorDataset(letters[seen], following[seen]), batch, shuffle=True)
    return alphabet, loader, (letters[unseen], following[unseen])


def training_of(cell, letters, width, lr, steps, loader=()):
    model = Writer(cell, letters, width)
    optimizer = AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    scheduler = CosineAnnealingLR(optimizer, T_max=steps)
    return Training(model, optimizer, scheduler, loss_of, loader, clip=1.0)


def draw(training, cell, invented, path):
    figure, (left, right) = sheet(9, 3.6, 2, f"Inventing names: {cell.upper()}", ratios=(1.6, 1))
    draw_losses(left, training.losses, "training", BLUE)
    left.plot(*unzipped(training.scores), "o-", color=ORANGE, markersize=3, label="validation")
    left.set_title("Loss")
    left.legend(frameon=False)
    right.set_title("Invented")
    right.axis("off")
    size = min(10, 130 / max(map(len, ["name", *invented])))  # of the letters, for two names side by side
    for i, name in enumerate(invented[:20]):
        where = 0.1 + 0.5 * (i // 10), 0.92 - 0.1 * (i % 10)
        right.text(*where, name, color=INK, fontsize=size, transform=right.transAxes)
    keep(figure, path)


def read(parser, args):
    try:
        names = args.data.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        parser.error(f"--data {args.data}: {error}; give a text file in UTF-8")
    names = sorted({name.strip() for name in names} - {""})
    if len(names) < 20:
        parser.error(
            f"--data {args.data}: {len(names)} names are too few to learn from; give 20 or more, one to a line"
        )
    return names


def main():
    parser = parser_for(__doc__, picture="names.png")
    parser.add_argument("--data", type=Path, default=NAMES, metavar="FILE", help="of names, one to a line")
    parser.add_argument("--cell", choices=CELLS, default="lstm", help="the kind of network")
    parser.add_argument("--width", type=int, default=128, help="numbers that the network remembers")
    parser.add_argument("--batch", type=int, default=64, help="names in a step")
    parser.add_argument("--lr", type=float, default=5e-3, help="the learning rate of the first step")
    parser.add_argument("--temperature", type=float, default=0.8, help="writes more surely below 1, more wildly above")
    add_training(parser, steps=600)
    args = parse(parser)
    names = read(parser, args)
    candle.manual_seed(args.seed)
    alphabet, loader, unseen = names_to_learn(names, args.batch)
    training = training_of(args.cell, len(alphabet), args.width, args.lr, args.steps, loader)
    print(f"{len(names):,} names of {len(alphabet) - 1} letters")
    run(training, args, args.steps, lambda model: validation(model, *unseen), "validation loss {:.3f}")
    invented = invent(training.model, alphabet, 20, args.temperature)
    print("  ".join(f"{name}*" if name in names else name for name in invented))
    print("(* stands in the list)")
    draw(training, args.cell, invented, args.picture)


if __name__ == "__main__":
    start(main)
