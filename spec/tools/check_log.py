#!/usr/bin/env python3
"""Checks a log's files on disk (C2SP tlog-tiles) with the standard library alone.

usage: check_log.py FOLDER ORIGIN [--witnesses N] KEY [KEY...]
FOLDER holds `checkpoint`, perhaps `witnessed`, and `tile/…`. KEY is a verifier key of signed-note: of type 0x01 the log's,
of type 0x04 a cosigner's. With --witnesses, `witnessed` must bear the cosignatures of that many of the keys.
exit 0: every file is as signed; 1: not; 2: called wrongly"""
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# Ed25519, notes and checkpoints as in the verifier of evidence; nothing there is shared with the Rust code.
from verify_evidence import Bad, Checkpoint, Key, need, sha

def path(kind, index, width):
    groups = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        groups.insert(0, "x%03d" % (index % 1000))
    return os.path.join("tile", kind, *groups) + ("" if width == 256 else f".p/{width}")

def read(folder, kind, index, width, cut):
    """The file of at least this width: a partial one may be gone once a wider one is written."""
    for wide in [width, 256, *range(width + 1, 256)]:
        try:
            with open(os.path.join(folder, path(kind, index, wide)), "rb") as file: raw = file.read(17 << 20)
        except FileNotFoundError: continue
        return cut(raw, width, wide, path(kind, index, wide))
    raise Bad(f"{path(kind, index, width)} is absent")

def tile(raw, width, wide, name):
    need(len(raw) == 32 * wide, f"{name}: {len(raw)} bytes are not {wide} hashes")
    return [raw[i:i + 32] for i in range(0, 32 * width, 32)]

def bundle(raw, width, wide, name):
    entries, at = [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at:at + 2], "big")
        need(at + 2 + size <= len(raw), f"{name}: entry {len(entries)} is cut short")
        entries.append(raw[at + 2:at + 2 + size])
        at += 2 + size
    need(len(entries) == wide, f"{name}: {len(entries)} entries, not {wide}")
    return entries[:width]

def tree(hashes):
    """Root over hashes: RFC 6962 section 2.1, by its definition."""
    if len(hashes) == 1: return hashes[0]
    if not hashes: return sha()
    half = 1
    while half * 2 < len(hashes): half *= 2
    return sha(b"\1", tree(hashes[:half]), tree(hashes[half:]))

def check_tiles(folder, size):
    """Every entry against level 0, every full tile against the level above. Gives the leaf hashes."""
    level, count, below, leaves = 0, size, None, []
    while count:
        row = []
        for index in range(0, (count + 255) // 256):
            width = min(256, count - 256 * index)
            hashes = read(folder, str(level), index, width, tile)
            if level == 0:
                entries = read(folder, "entries", index, width, bundle)
                for n, (entry, hash) in enumerate(zip(entries, hashes)):
                    need(sha(b"\0", entry) == hash, f"entry {256 * index + n} is not the one in its tile")
            row += hashes
        if level == 0: leaves = row
        else:
            for n, hash in enumerate(row):
                need(tree(below[256 * n:256 * n + 256]) == hash, f"hash {n} of level {level} is not that of the tile below")
        below, level, count = row, level + 1, count // 256
    return leaves

def main(args):
    try:
        quorum = 0
        if "--witnesses" in args:
            at = args.index("--witnesses")
            quorum = int(args[at + 1])
            del args[at:at + 2]
        need(len(args) >= 3, __doc__)
        folder, origin, keys = args[0], args[1], [Key(f"{origin} {key}") for origin in args[1:2] for key in args[2:]]
    except (Bad, ValueError, IndexError) as e: return print(e, file=sys.stderr) or 2
    sound = False
    try:
        notes = []
        for name in ("checkpoint", "witnessed"):
            try:
                with open(os.path.join(folder, name), "rb") as file: raw = file.read(65537)
            except FileNotFoundError: continue
            c = Checkpoint(raw, origin, keys)
            need(not c.fault, f"{name} {c.fault}")
            notes.append((name, c))
        need(notes, "there is no checkpoint")
        leaves = check_tiles(folder, max(c.size for _, c in notes))
        for name, c in notes:
            need(tree(leaves[:c.size]) == c.root, f"{name}: its root is not that of the first {c.size} entries")
            print(f"{name}: {c.size} entries")
            for key in c.by: print(f"  signed by {key.label}")
            for key, time in c.cosigned: print(f"  cosigned by {key.label} at {time}")
        by = {key.vkey for name, c in notes if name == "witnessed" for key, _ in c.cosigned}
        need(len(by) >= quorum, f"{len(by)} of {quorum} witnesses have cosigned")
        sound = True
    except Bad as e: print(f"bad: {e}")
    print("verdict:", "every file is as signed" if sound else "NOT AS SIGNED")
    return 0 if sound else 1
if __name__ == "__main__": sys.exit(main(sys.argv[1:]))
