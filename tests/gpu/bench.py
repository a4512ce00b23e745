"""`playgrad bench` beside PyTorch (eager and compiled) and tinygrad, where they are installed: the same work, the
same starting weights and rows, in one run, turn by turn.

python tests/gpu/bench.py --playgrad target/release/playgrad --device cuda [SUITE...]

Prints how long each takes and how many times as fast playgrad is; fails where training losses disagree.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from engines import Tinygrad, Torch  # noqa: E402
from work import median_lap  # noqa: E402

SUITES = ["matmul", "map", "reduce", "softmax", "layernorm", "conv", "attention", "train"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument("--playgrad", default="target/release/playgrad")
    parser.add_argument("--device", default="cpu", help="playgrad's; PyTorch and tinygrad get cpu or cuda")
    parser.add_argument("--engines", default="torch,compile,tinygrad")
    parser.add_argument("--size")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each case and turn")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--threads", type=int, default=0, help="of every engine on the CPU")
    parser.add_argument("--tf32", action="store_true", help="PyTorch and playgrad may use TF32")
    parser.add_argument("--json", help="a file for the numbers")
    return parser.parse_args()


def playgrad(args, suite, save):
    command = [args.playgrad, "bench", suite, "--device", args.device, "--seconds", str(args.seconds), "--json"]
    command += ["--save", save] + (["--size", args.size] if args.size else [])
    env = {**os.environ, "PLAYGRAD_TF32": "1" if args.tf32 else "0"}
    ran = subprocess.run(command, capture_output=True, text=True, env=env)
    if ran.returncode:
        sys.exit(f"{' '.join(command)}: {ran.stderr}")
    return json.loads(ran.stdout)


def engines(args):
    device = "cpu" if args.device == "cpu" else "cuda"
    made = []
    for name in filter(None, args.engines.split(",")):
        try:
            made.append(Tinygrad(device) if name == "tinygrad" else Torch(device, name == "compile", args.tf32))
        except Exception as why:
            print(f"{name} is left out: {why}")
    if not made:
        sys.exit("no engine to compare with")
    if any(isinstance(e, Torch) for e in made):
        torch = next(e.torch for e in made if isinstance(e, Torch))
        if args.threads:
            torch.set_num_threads(args.threads)
        where = torch.cuda.get_device_name() if device == "cuda" else f"cpu, {torch.get_num_threads()} threads"
        print(f"PyTorch {torch.__version__} on {where}, TF32 {'on' if args.tf32 else 'off'}")
    return made


def start_of(save, case):
    from safetensors.numpy import load_file

    return load_file(Path(save) / f"{case['model']}.safetensors")


def disagree(ours, theirs):
    """The largest difference between losses, relative to the first."""
    return float(np.max(np.abs(np.array(ours) - np.array(theirs))) / abs(ours[0]))


def main():
    args = arguments()
    if args.threads:
        os.environ["PLAYGRAD_THREADS"] = str(args.threads)
    others = engines(args)
    best, cases, failures = {}, {}, []

    def note(case, engine, seconds):
        key = (case["name"], engine)
        best[key] = min(best.get(key, seconds), seconds)

    def train(engine, case, save):
        step, losses = engine.train(case, start_of(save, case))
        off = disagree(case["losses"], losses)
        if not off <= (2e-2 if args.tf32 else 2e-3):
            failures.append(f"{case['name']}: {engine.name}'s losses are {off:.1e} off")
        return step

    titles = [e.name for e in others]
    said = False
    for suite in args.suites or SUITES:
        prepared = {}
        with tempfile.TemporaryDirectory() as save:
            for _ in range(args.turns):
                ran = playgrad(args, suite, save)
                if not said:
                    print(f"playgrad on {ran['device']}: {ran['description']}; copy {ran['copy'] / 1e9:.1f} GB/s\n")
                    print(f"{'':44} {'playgrad':>10}" + "".join(f"{t:>11} {'':7}" for t in titles))
                    said = True
                for case in ran["results"]:
                    cases[case["name"]] = case
                    note(case, "playgrad", case["seconds"])
                    for engine in others:
                        key = (case["name"], engine.name)
                        try:
                            if key not in prepared:
                                prepared[key] = engine.op(case) if suite != "train" else train(engine, case, save)
                            if prepared[key]:
                                note(case, engine.name, median_lap(prepared[key], engine.wait, args.seconds))
                        except Exception as why:
                            prepared[key] = None
                            failures.append(f"{case['name']}: {engine.name}: {str(why).splitlines()[0]}")
            for name in [c for c in cases if cases[c]["suite"] == suite]:
                print_row(name, best, titles)
    if args.json:
        rows = [{"name": n, **{e: best.get((n, e)) for e in ["playgrad", *titles]}} for n in cases]
        Path(args.json).write_text(json.dumps(rows, indent=1))
    for failure in dict.fromkeys(failures):
        print(f"FAILED {failure}")
    print("\nx: how many times as fast as that engine playgrad is")
    sys.exit(1 if failures else 0)


def print_row(name, best, titles):
    ours = best[(name, "playgrad")]
    cells = []
    for title in titles:
        theirs = best.get((name, title))
        cells.append(f"{'-':>11} {'':7}" if theirs is None else f"{theirs * 1e6:>11.1f} {theirs / ours:>6.2f}x")
    print(f"{name:44} {ours * 1e6:>10.1f}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
