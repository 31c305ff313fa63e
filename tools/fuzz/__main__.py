"""Fuzz a codec or the reader of captures: `python -m tools.fuzz binance --seconds 60`, or all of them one after the other.

Guided by coverage, kernels are plain Python (NUMBA_DISABLE_JIT); `--compiled` tries what that found, and blind mutations of it, on the compiled
kernels with bounds checked (NUMBA_BOUNDSCHECK). What is found lies in build/fuzz/NAME, inputs that break a promise beside it as NAME-crash-*.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "fuzz"
NAMES = ("binance", "mexc", "hyperliquid", "binance_user", "mexc_user", "capture")
LONGEST = 4_096  # bytes of an input
SLOW_S = 25  # one input that takes longer is a finding


def main() -> int:
    """Fuzz one target here, or each in a process of its own; 0 where nothing was found."""
    words = argparse.ArgumentParser(prog="fuzz", description="Fuzz codecs and the reader of captures.")
    words.add_argument("names", nargs="*", metavar="name", choices=[*NAMES, []], help=f"one of {', '.join(NAMES)}; all where none is named")
    words.add_argument("--seconds", type=int, default=60, help="how long each")
    words.add_argument("--runs", type=int, default=-1, help="so many inputs at most")
    words.add_argument("--folder", type=Path, default=FOLDER, help="where what is found is kept")
    words.add_argument("--compiled", action="store_true", help="compiled kernels with bounds checked, without guidance")
    given = words.parse_args()
    if len(given.names) == 1:
        return _fuzz(given.names[0], given.seconds, given.runs, given.compiled, given.folder)
    more = ["--seconds", str(given.seconds), "--runs", str(given.runs), "--folder", str(given.folder), *(["--compiled"] if given.compiled else [])]
    codes = {name: subprocess.run([sys.executable, "-m", "tools.fuzz", name, *more], cwd=ROOT).returncode for name in given.names or NAMES}
    print("; ".join(f"{name}: {'nothing found' if code == 0 else 'FOUND SOMETHING'}" for name, code in codes.items()))
    return max(map(abs, codes.values()))


def _fuzz(name: str, seconds: int, runs: int, compiled: bool, kept: Path) -> int:
    """Fuzz one target in this process; libFuzzer ends it."""
    os.environ["NUMBA_BOUNDSCHECK" if compiled else "NUMBA_DISABLE_JIT"] = "1"
    warnings.simplefilter("error", RuntimeWarning)  # a sum that does not fit 64 bits, where kernels are plain Python
    import atheris

    if compiled:
        from tools.fuzz.corpus import CORPUS, words_of
        from tools.fuzz.targets import TARGETS
    else:
        with atheris.instrument_imports(include=["metastackerbandit"]):
            from tools.fuzz.corpus import CORPUS, words_of
            from tools.fuzz.targets import TARGETS
    folder = kept / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(CORPUS[name]):
        (folder / f"seed-{number:03d}").write_bytes(text)
    check = TARGETS[name]()
    for text in CORPUS[name]:  # what is compiled is, before an input's time counts
        check(text)
    options = [f"-max_total_time={seconds}", f"-runs={runs}", f"-max_len={LONGEST}", f"-timeout={SLOW_S}"]
    if words := words_of(name):
        dictionary = kept / f"{name}.dict"
        dictionary.write_text("".join(f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in word)}"\n' for word in words))
        options.append(f"-dict={dictionary}")
    options += [f"-artifact_prefix={kept}/{name}-", "-print_final_stats=1", "-verbosity=1"]
    kept_inputs = [path.read_bytes() for path in sorted(folder.iterdir())]

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        """An input of the corpus, changed a few times: without coverage, libFuzzer itself would keep none of them."""
        chance = random.Random(seed)
        text = chance.choice(kept_inputs)
        for _ in range(chance.randint(1, 4)):
            text = atheris.Mutate(text, max(most, len(text)))
        return text

    atheris.Setup([sys.argv[0], *options, str(folder)], check, internal_libfuzzer=True, **({"custom_mutator": mutated} if compiled else {}))
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
