#!/usr/bin/env python3
"""Holds skypact's detector and BlueSky's against each other, on the same aircraft, one after the other.

    cargo build --profile fast --bin skypact
    benches/against_bluesky.py target/fast/skypact [FAMILY:AIRCRAFT ...]       (default box:1000 box:10000)

Installs bluesky-simulator (MIT, TU Delft) from PyPI into a temporary environment that is removed afterwards, takes the aircraft
from `skypact bench detect --aircraft`, and prints for each picture the times of both, their ratio and the number of pairs that each
finds (BlueSky's geometry is flat; crates/detect/tests/vectors.rs says where the pairs differ, and that they do so nowhere else). BlueSky is asked as it asks itself: `cstatebased.detect`, compiled, with 5 NM, 1000 ft, 300 s; its time is that of the
call alone, without the conversion of the aircraft. Needs Python with venv.
"""
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import venv

PACKAGE = "bluesky-simulator==1.1.1"
RUNS = 3
NM, FT = 1852.0, 0.3048


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    if os.environ.get("SKYPACT_BLUESKY") == "inside":
        return compare(sys.argv[1], sys.argv[2:] or ["box:1000", "box:10000"])
    with tempfile.TemporaryDirectory(prefix="skypact-bluesky-") as folder:
        venv.create(folder, with_pip=True)
        python = os.path.join(folder, "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
        # BlueSky keeps settings in the home folder: in the temporary one, too.
        env = dict(os.environ, SKYPACT_BLUESKY="inside", HOME=folder)
        sys.exit(subprocess.run([python, os.path.abspath(__file__), *map(keep, sys.argv[1:])], env=env).returncode)


def keep(argument):
    """Absolute, if it is a file."""
    return os.path.abspath(argument) if os.path.exists(argument) else argument


def compare(skypact, pictures):
    import numpy as np
    from bluesky.traffic.asas import cstatebased

    class Traffic:
        pass

    print(f"skypact against {PACKAGE} cstatebased.detect, the same aircraft, one thread each, median of {RUNS}")
    for picture in pictures:
        run = [skypact, "bench", "detect", "--size", picture]
        report = json.loads(subprocess.run([*run, "--json"], check=True, capture_output=True, text=True).stdout)
        row = next(r for r in report["rows"] if r["more"].get("threads") == "1")
        rows = subprocess.run([*run, "--aircraft"], check=True, capture_output=True, text=True).stdout
        rows = list(csv.DictReader(io.StringIO(rows)))
        column = lambda name: np.array([float(r[name]) for r in rows])
        t = Traffic()
        t.ntraf, t.id = len(rows), [r["id"] for r in rows]
        t.lat, t.lon, t.trk = column("lat_deg"), column("lon_deg"), column("trk_deg")
        t.alt, t.gs, t.vs = column("alt_ft") * FT, column("gs_kt") * NM / 3600, column("vs_fpm") * FT / 60
        all_of = lambda value: np.full(t.ntraf, value)
        times = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            found = cstatebased.detect(t, t, all_of(5 * NM), all_of(1000 * FT), all_of(300.0))
            times.append((time.perf_counter() - begun) * 1e3)
        theirs = sorted(times)[len(times) // 2]
        pairs = {(a, b) if int(a) < int(b) else (b, a) for a, b in found[0]}
        print(
            f"  {picture}: skypact {row['median']:.2f} ms (conversion included), {row['more']['pairs']} pairs; "
            f"BlueSky {theirs:.0f} ms, {len(pairs)} pairs; {theirs / row['median']:.0f} times"
        )


if __name__ == "__main__":
    main()
