"""Train a small GPT on the characters of a text, then let it write.

    hatch run gpt                                       # Shakespeare
    hatch run gpt --text book.txt --steps 3000 --width 192

The model is GPT-2 (Radford et al. 2019, "Language models are unsupervised multitask learners"), small
and with its names for the parameters; the training is nanoGPT's. Ctrl-C ends the training early, and
the model writes with what it has learned by then.
"""

import argparse
import math
import time
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

import candle

SHAKESPEARE = Path(__file__).parent / "data/shakespeare.txt"
BETAS, WEIGHT_DECAY, LARGEST_NORM = (0.9, 0.99), 0.1, 1.0


class GPT:
    """Scores for the next character at every place: (B, T) -> (B, T, V).

    B batch, T time, V characters; C width, of which each of H heads sees D = C / H.
    """

    def __init__(self, vocab, context, layers, heads, width, device="cpu"):
        self.context, self.layers, self.heads = context, layers, heads
        p = {"wte": 0.02 * candle.randn(vocab, width), "wpe": 0.02 * candle.randn(context, width)}

        def norm(name):
            p.update({f"{name}.weight": candle.ones(width), f"{name}.bias": candle.zeros(width)})

        def linear(name, inputs, outputs, std=0.02):
            p.update({f"{name}.weight": std * candle.randn(inputs, outputs), f"{name}.bias": candle.zeros(outputs)})

        for i in range(layers):
            norm(f"h.{i}.ln_1")
            linear(f"h.{i}.attn.c_attn", width, 3 * width)
            linear(f"h.{i}.attn.c_proj", width, width, std=0.02 / math.sqrt(2 * layers))  # so many outputs add up
            norm(f"h.{i}.ln_2")
            linear(f"h.{i}.mlp.c_fc", width, 4 * width)
            linear(f"h.{i}.mlp.c_proj", 4 * width, width, std=0.02 / math.sqrt(2 * layers))
        norm("ln_f")
        self.params = {name: value.to(device).requires_grad_() for name, value in p.items()}

    def __call__(self, tokens):
        x = candle.embedding(tokens, self.params["wte"]) + self.params["wpe"][: tokens.shape[1]]  # (B, T, C)
        for i in range(self.layers):
            x = self.block(x, f"h.{i}")
        return self.norm(x, "ln_f") @ self.params["wte"].T  # (B, T, V)

    def block(self, x, name):
        x = x + self.attention(self.norm(x, f"{name}.ln_1"), f"{name}.attn")
        return x + self.mlp(self.norm(x, f"{name}.ln_2"), f"{name}.mlp")  # (B, T, C)

    def attention(self, x, name):
        """Every place looks at itself and at those before it."""
        B, T, C = x.shape
        qkv = self.linear(x, f"{name}.c_attn").reshape(B, T, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        y = candle.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, T, D)
        return self.linear(y.transpose(1, 2).reshape(B, T, C), f"{name}.c_proj")

    def mlp(self, x, name):
        hidden = candle.gelu(self.linear(x, f"{name}.c_fc"), approximate="tanh")  # (B, T, 4 C)
        return self.linear(hidden, f"{name}.c_proj")

    def linear(self, x, name):
        return x @ self.params[f"{name}.weight"] + self.params[f"{name}.bias"]

    def norm(self, x, name):
        return candle.layer_norm(x, x.shape[-1:], self.params[f"{name}.weight"], self.params[f"{name}.bias"])


def loss_at(model, data, starts):
    """The mean of -log p(next character) over the pieces of `data` that begin at `starts` (B,)."""
    pieces = data[starts[:, None] + candle.arange(model.context + 1, device=data.device)]  # (B, T + 1)
    scores = model(pieces[:, :-1])  # (B, T, V)
    return candle.cross_entropy(scores.flatten(0, 1), pieces[:, 1:].flatten())


@candle.no_grad()
def evaluate(model, data, batch, batches=10):
    """The mean loss over pieces spread evenly over `data`."""
    starts = candle.linspace(0, len(data) - model.context - 1, batch * batches, device=data.device).long()
    return sum(loss_at(model, data, each).item() for each in starts.chunk(batches)) / batches


@candle.no_grad()
def update(params, moments, step, lr):
    """A step of AdamW, after cutting the norm of the whole gradient to LARGEST_NORM."""
    norm = math.sqrt(sum((p.grad * p.grad).sum().item() for p in params))
    cut = min(1.0, LARGEST_NORM / (norm + 1e-6))
    for ndim, decay in [(2, WEIGHT_DECAY), (1, 0.0)]:  # biases and gains do not decay
        group = [(p, p.grad * cut, *pair) for p, pair in zip(params, moments) if p.ndim == ndim]
        candle.adamw_(*zip(*group), step, lr, betas=BETAS, weight_decay=decay)
    for p in params:
        p.grad = None


def learning_rate(step, steps, highest):
    """Up along a line for a tenth of the steps (100 at most), then down along a cosine to a tenth."""
    warmup = min(100, steps // 10)
    if step < warmup:
        return highest * (step + 1) / warmup
    return highest * (0.55 + 0.45 * math.cos(math.pi * (step - warmup) / (steps - warmup)))


def train(model, data, validation, args):
    params, losses = list(model.params.values()), []
    moments = [(candle.zeros_like(p), candle.zeros_like(p)) for p in params]
    layout = "{percentage:3.0f}%|{bar:20}| step {n_fmt} of {total_fmt}{postfix}, {elapsed} gone, {remaining} to go"
    with tqdm(range(args.steps), bar_format=layout) as bar:
        for step in bar:
            began = time.perf_counter()
            loss = loss_at(model, data, candle.randint(len(data) - args.context, (args.batch,), device=args.device))
            loss.backward()
            update(params, moments, step + 1, learning_rate(step, args.steps, args.lr))
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                raise SystemExit(f"the loss is {losses[-1]} at step {step + 1}: choose a smaller --lr than {args.lr}")
            seconds = time.perf_counter() - began
            bar.set_postfix_str(f"loss {losses[-1]:.3f}, {1000 * seconds:.0f} ms/step", refresh=False)
            if (step + 1) % max(1, args.steps // 10) == 0:
                mean, unseen, losses = sum(losses) / len(losses), evaluate(model, validation, args.batch), []
                bar.write(f"step {step + 1:5}: loss {mean:.3f}, validation {unseen:.3f}")


@candle.no_grad()
def write(model, tokens, args):
    """`args.sample` more, one at a time, each drawn from the model's probabilities for the next."""
    for _ in range(args.sample):
        seen = candle.tensor([tokens[-model.context :]], device=args.device)  # (1, T)
        scores = model(seen)[0, -1] / args.temperature  # (V,)
        if args.top_k:
            scores = scores.masked_fill(scores < scores.topk(min(args.top_k, len(scores))).values[-1], -math.inf)
        tokens = [*tokens, candle.multinomial(scores.softmax(0), 1).item()]
        yield tokens[-1]


def parse_arguments():
    what = __doc__.partition("\n")[0]
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000, help="of training")
    parser.add_argument("--batch", type=int, default=12, help="pieces of text in a step")
    parser.add_argument("--context", type=int, default=64, help="characters that the model sees at once")
    parser.add_argument("--layers", type=int, default=4, help="of attention, each followed by a small network")
    parser.add_argument("--heads", type=int, default=4, help="that look around in each layer")
    parser.add_argument("--width", type=int, default=128, help="numbers that stand for a character")
    parser.add_argument("--lr", type=float, default=4e-3, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers")
    parser.add_argument("--text", type=Path, default=SHAKESPEARE, metavar="FILE", help="to learn from, in UTF-8")
    parser.add_argument("--device", default="cpu", help="where to compute")
    parser.add_argument("--sample", type=int, default=500, metavar="N", help="characters to write")
    parser.add_argument("--temperature", type=float, default=0.8, help="writes more surely below 1, more wildly above")
    parser.add_argument("--top-k", type=int, metavar="K", help="draw from the K likeliest characters only")
    args = parser.parse_args()
    for name, value in vars(args).items():
        if isinstance(value, int | float) and name != "seed" and not 0 < value < math.inf:
            parser.error(f"--{name.replace('_', '-')} {value}: expected a number above 0")
    if args.width % args.heads:
        parser.error(f"--width {args.width}: cannot be shared out to --heads {args.heads}; choose a multiple of it")
    try:
        text = args.text.read_text(encoding="utf-8")
        candle.zeros(1, device=args.device)
    except (OSError, ValueError) as error:
        parser.error(f"--text {args.text}: {error}; give a text file in UTF-8")
    except RuntimeError as error:
        parser.error(f"--device {args.device}: {error}")
    least = 10 * (args.context + 1)  # then the tenth kept for validation holds a piece
    if len(text) < least:
        parser.error(f"--text: {len(text)} characters are too few for --context {args.context}, which needs {least}")
    return args, text


def main():
    args, text = parse_arguments()
    candle.manual_seed(args.seed)
    characters = sorted(set(text))
    number = {character: i for i, character in enumerate(characters)}
    data = candle.tensor([number[character] for character in text], device=args.device)
    data, validation = data[: -(len(data) // 10)], data[-(len(data) // 10) :]
    model = GPT(len(characters), args.context, args.layers, args.heads, args.width, args.device)
    print(f"{len(text):,} characters; {sum(p.numel() for p in model.params.values()):,} parameters")
    try:
        train(model, data, validation, args)
    except KeyboardInterrupt:
        print("stopped")
    with suppress(KeyboardInterrupt):  # then nothing more is written
        print(f"validation loss {evaluate(model, validation, args.batch, 40):.3f}\n", flush=True)
        for token in write(model, [number.get("\n", 0)], args):
            print(characters[token], end="", flush=True)
    print()


if __name__ == "__main__":
    main()
