"""`python -m bench.gpu`: training on a machine with a card and little else: no hub, no store, no environment.

Takes the interpreter as it is. It needs torch, transformers, peft, accelerate, safetensors, tokenizers,
psutil, and bitsandbytes, pydantic and pydantic-settings with what they need (pydantic-core, annotated-types,
typing-inspection, python-dotenv); pytest and pytest-timeout for --tests. What it lacks may lie as wheels in
the folder of --wheels, which are put in a folder of the benchmark's own:

    python3 -m pip download --no-deps -d wheels bitsandbytes==0.50.2 …     (where there is a net)
    python3 -m bench.gpu --wheels wheels --tests --json gpu.json           (where the card is)

The model has EXAONE-3.5-2.4B's shapes and random weights, the rows have SMS messages' lengths and random
tokens. Each arm may fill 5.2 GB of the card, as on one of 6 GB with a desktop on it.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (
    "torch", "transformers", "peft", "accelerate", "safetensors", "tokenizers", "psutil", "bitsandbytes",
    "pydantic", "pydantic_settings",
)  # fmt: skip


def main() -> int:
    arguments, rest = _arguments()
    scratch = Path(arguments.scratch).resolve()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    if arguments.wheels is not None:
        site = scratch / "wheels"
        wheels = sorted(map(str, Path(arguments.wheels).glob("*.whl")))
        if not wheels:
            print(f"bench.gpu: {arguments.wheels} holds no wheel", file=sys.stderr)
            return 1
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--upgrade"]
        subprocess.run([*pip, "--target", str(site), *wheels], check=True)
        environment["PYTHONPATH"] = f"{ROOT}{os.pathsep}{site}"
        sys.path.append(str(site))
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        print(
            f"bench.gpu: {sys.executable} has no {', '.join(missing)}; put wheels in a folder and name it in "
            "--wheels",
            file=sys.stderr,
        )
        return 1
    code = 0
    if arguments.tests:
        # tests/conftest.py needs a store's client, which is not needed here.
        command = ["-m", "pytest", "tests/gpu", "--confcutdir", "tests/gpu"]
        code = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment).returncode
    run = [sys.executable, "-m", "bench.gpu_run", "--scratch", str(scratch), *rest]
    return subprocess.run(run, cwd=ROOT, env=environment).returncode or code


def _arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m bench.gpu", description=__doc__, add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--wheels", metavar="FOLDER", help="packages that the interpreter lacks")
    parser.add_argument("--tests", action="store_true", help="tests/gpu first")
    parser.add_argument("--scratch", default=str(ROOT / "data" / "bench"), metavar="FOLDER")
    return parser.parse_known_args()


if __name__ == "__main__":
    sys.exit(main())
