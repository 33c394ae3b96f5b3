"""The command line that the programs here share."""

import argparse
from pathlib import Path
from tempfile import TemporaryFile

import candle


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Tells no default where there is none."""

    def _get_help_string(self, action):
        return super()._get_help_string(action) if action.default else action.help


def parser_for(description, picture):
    what = description.partition("\n")[0]
    parser = argparse.ArgumentParser(description=what, formatter_class=Help)
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers")
    parser.add_argument("--picture", type=Path, default=Path(picture), metavar="FILE", help="to draw, a PNG")
    return parser


def add_training(parser, steps=None):
    """The options of the programs that train; `steps` is None where they depend on the model."""
    told = "of training" if steps else "of training, if not as many as the model is given"
    parser.add_argument("--steps", type=int, default=steps, help=told)
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="to save the whole training in, now and then")
    parser.add_argument("--save-every", type=int, default=100, metavar="N", help="steps, and at the end")
    parser.add_argument("--resume", action="store_true", help="go on from the --checkpoint")


def parse(parser):
    """The arguments; a wrong one ends the program with a line that says so."""
    args = parser.parse_args()
    for name, value in vars(args).items():
        for each in value if isinstance(value, list) else [value]:
            if type(each) in (int, float) and name != "seed" and not 0 < each < float("inf"):
                parser.error(f"--{name.replace('_', '-')} {each}: expected a number above 0")
    if args.picture.suffix != ".png":
        parser.error(f"--picture {args.picture}: expected a name that ends in .png")
    if getattr(args, "resume", False):
        if not args.checkpoint:
            parser.error("--resume: from which file? name it with --checkpoint FILE")
        if not args.checkpoint.is_file():
            parser.error(f"--resume: there is no file {args.checkpoint}")
    for name in ("picture", "checkpoint"):
        if path := getattr(args, name, None):
            try:
                make_place(path)
            except OSError as error:
                parser.error(f"--{name} {path}: cannot be written: {error.strerror}")
    return args


def make_place(path):
    """The folder of a file that will be written, tried now: after a day of training is late to learn that it cannot."""
    if path.is_dir():
        raise IsADirectoryError(0, "it is a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=path.parent):
        pass


def start(main):
    """Run a program; Ctrl-C ends it without a traceback, where `Training.fit` does not wait for it."""
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("\nstopped") from None


def run(training, args, steps, evaluate, score="test accuracy {:.2%}"):
    """Train, from a checkpoint where that is wished, and say how it ended."""
    if args.resume:
        try:
            training.resume(args.checkpoint)
        except candle.CheckpointError as error:
            raise SystemExit(f"--resume: {error}") from None
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            cause = f"there is no {error} in it" if isinstance(error, KeyError) else " ".join(str(error).split())
            raise SystemExit(f"--resume {args.checkpoint}: {cause}; it is of another program or model") from None
        print(f"going on after step {training.step}")
    print(f"{sum(p.numel() for p in training.model.parameters()):,} parameters")
    if not training.fit(args.steps or steps, evaluate, score, args.checkpoint, args.save_every):
        print(f"stopped after step {training.step}")
    print(score.format(evaluate(training.model)))
