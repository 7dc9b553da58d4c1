#!/usr/bin/env python3
"""The analyses give the same bytes whatever compiler and optimisation built them and in whatever order the rows came: one SHA-256.

usage: determinism.py [COMPILER:LEVEL…]      (g++:-O0 g++:-O2 g++:-O3 clang++-14:-O0 clang++-14:-O2 clang++-14:-O3)

Compiles central/analysis and central/analyse by itself, without precompiled headers, once a setting, and runs them over tables that it makes from a fixed
seed, in file order and shuffled three times, and in one to eight processes at once. All six settings take some minutes; ctest runs two."""
import concurrent.futures
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = [f"{compiler}:{level}" for compiler in ("g++", "clang++-14") for level in ("-O0", "-O2", "-O3")]
MAIN = """
#include <fstream>
#include <iostream>
#include <iterator>
#include "central/analyse/analysis.hpp"
int main(int, char** argv) {
    for (auto const& one : marrowlink::analyse::analyses()) {
        if (one.name != argv[1]) continue;
        marrowlink::analyse::Request request;
        std::ifstream file(argv[2], std::ios::binary);
        request.inputs.push_back({"in.csv", "in", {std::istreambuf_iterator<char>(file), {}}});
        request.progress = [](std::size_t, std::size_t) {};
        request.draws = 99;
        if (argv[3]) request.compat = argv[3];
        auto const out = one.run(request);
        if (!out) return std::cerr << out.error().message << '\\n', 65;
        for (auto const& table : *out) std::cout << table.table.csv();
        return 0;
    }
    return 64;
}
"""


def sources():
    """The analyses, and whatever of core their headers lead to."""
    wanted = sorted([*ROOT.glob("central/analysis/*.cpp"), *ROOT.glob("central/analyse/*.cpp")])
    seen, unread = set(wanted), list(wanted)
    while unread:
        for name in re.findall(r'#include "((?:core|central)/[\w/]+)\.hpp"', unread.pop().read_text()):
            for path in (ROOT / f"{name}.hpp", ROOT / f"{name}.cpp"):
                if path.exists() and path not in seen:
                    seen.add(path)
                    unread.append(path)
    return wanted + sorted(path for path in seen - set(wanted) if path.suffix == ".cpp")


def build(folder, setting):
    compiler, level = setting.split(":")
    place = Path(folder) / setting.replace(":", "")
    place.mkdir()
    (place / "main.cpp").write_text(MAIN)
    flags = ["-std=c++20", level, "-ffp-contract=off", f"-I{ROOT}", "-isystem", "/usr/include/eigen3", "-w"]
    objects = []

    def compiled(source):
        target = place / (source.stem + "-" + hashlib.sha256(str(source).encode()).hexdigest()[:8] + ".o")
        subprocess.run([compiler, *flags, "-c", "-o", target, source], check=True)
        return target

    wanted = [s for s in sources() if s.name != "command.cpp"] + [place / "main.cpp"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, wanted))
    subprocess.run([compiler, "-o", place / "analyse", *objects, "-lfmt", "-lcrypto"], check=True)
    return place / "analyse"


def tables():
    chance = random.Random(20261129)
    curves = ["curve,log10_conc_nM,inhibition_pct"]
    drugs = ["drug,conc_nM,sample,viability"]
    for number in range(60):
        slope, middle, top = chance.uniform(0.4, 3), chance.uniform(0.3, 3.7), chance.uniform(5, 100)
        for dose in range(5):
            for _ in range(2):
                effect = top / (1 + 10 ** (slope * (middle - dose))) + chance.gauss(0, 6)
                curves.append(f"C{number:03},{dose},{effect:.4f}")
            drugs.append(f"D{number:03},{10 ** dose},S,{1 - effect / 100:.4f}")
    wells = ["Plate,Row,Column,WellType,Readout"]
    for row in range(16):
        for column in range(1, 25):
            kind = "neg" if (row + column) % 12 == 0 else "pos" if (row + column) % 12 == 6 else "therapy"
            wells.append(f"1,{chr(65 + row)},{column},{kind},{(100 if kind == 'pos' else 1000) * chance.uniform(0.9, 1.1):.1f}")
    pairs = ["patient,drug,dss2_first,dss2_last"]
    for drug in range(10):
        pairs += [f"P{patient},D{drug},{chance.uniform(0, 30):.1f},{chance.uniform(0, 30):.1f}" for patient in range(12)]
    return [(["dose-response"], curves), (["dose-response", "fimm"], drugs), (["probit"], drugs), (["normalise"], wells), (["plate-qc"], wells), (["paired"], pairs)]


def digest(program, folder, shuffle):
    whole = hashlib.sha256()
    for number, (what, lines) in enumerate(tables()):
        rows = lines[1:]
        # The FIMM rules look at a curve's own rows in the order of the file, so only whole curves change places there.
        if what[-1] in ("fimm",) and shuffle:
            blocks = [rows[i : i + 5] for i in range(0, len(rows), 5)]
            random.Random(shuffle).shuffle(blocks)
            rows = [row for block in blocks for row in block]
        elif shuffle:
            random.Random(shuffle).shuffle(rows)
        path = Path(folder) / f"in-{os.getpid()}-{shuffle}-{number}-{hashlib.sha256(str(program).encode()).hexdigest()[:6]}.csv"
        path.write_text("\n".join([lines[0], *rows]) + "\n")
        out = subprocess.run([program, what[0], path, *what[1:]], check=True, capture_output=True, text=True).stdout
        whole.update("\n".join(sorted(out.splitlines())).encode())
    return whole.hexdigest()


def main():
    settings = []
    for setting in sys.argv[1:] or SETTINGS:
        if shutil.which(setting.split(":")[0]):
            settings.append(setting)
        else:
            print(f"{setting}: left out, that compiler is not installed")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for setting in settings:
            program = build(folder, setting)
            for shuffle in range(4):
                found.setdefault(digest(program, folder, shuffle), []).append(f"{setting} shuffled {shuffle}")
            for at_once in (1, 2, 8):
                with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                    for result in pool.map(lambda n: digest(program, folder, 10 + n), range(at_once)):
                        found.setdefault(result, []).append(f"{setting} with {at_once} at once")
            print(f"{setting}: {len(found)} different results so far", flush=True)
    for result, by in found.items():
        print(result, "from", len(by), "runs" if len(found) == 1 else f"runs: {', '.join(by[:6])}")
    return 0 if len(found) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
