#!/usr/bin/env python3
"""Verifies an evidence bundle (spec/evidence.md) with the standard library alone.

usage: verify_evidence.py BUNDLE KEY [KEY...] [--stolen KEY]... [--again KEY]... [--witness KEY]... [--quorum N]    KEY is "vkey" or "origin vkey"
exit 0: everything the bundle claims is proven; 1: not; 2: called wrongly, or no such file"""
import base64, datetime, hashlib, re, sys, unicodedata

class Bad(Exception): pass
def need(good, what):
    if not good: raise Bad(what)

# Ed25519 (RFC 8032), strict: canonical encodings, no point of small order.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P
def times(n, p):
    out = (0, 1, 1, 0)
    for bit in bin(n)[2:]:
        out = add(out, out)
        if bit == "1": out = add(out, p)
    return out
def pack(p):
    z = pow(p[2], P - 2, P)
    return (p[1] * z % P | (p[0] * z % P & 1) << 255).to_bytes(32, "little")
def point(raw):
    y, sign = int.from_bytes(raw, "little") & (1 << 255) - 1, raw[31] >> 7
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P: x = x * pow(2, (P - 1) // 4, P) % P
    need(y < P and (x * x - xx) % P == 0 and not (x == 0 and sign), "no canonical point")
    x = P - x if x & 1 != sign else x
    need(pack(times(8, (x, y, 1, x * y % P))) != pack((0, 1, 1, 0)), "point of small order")
    return x, y, 1, x * y % P
BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
def signed(public, message, sig):
    try:
        need(len(sig) == 64 and point(sig[:32]), "signature")
        s, k = int.from_bytes(sig[32:], "little"), hashlib.sha512(sig[:32] + public + message).digest()
        x, y, z, t = times(int.from_bytes(k, "little") % L, point(public))
        return s < L and pack(add(times(s, BASE), (P - x, y, z, P - t))) == sig[:32]
    except Bad: return False

# Deterministic CBOR (RFC 8949 section 4.2.1) and the shape of a bundle.
def cbor(raw, at, depth=0):
    need(at < len(raw) and depth < 9, "cut short, or nested too deep")
    major, n, at = raw[at] >> 5, raw[at] & 31, at + 1
    need(major in (0, 2, 3, 4, 5) and n < 28, "an item of another kind")
    if n >= 24:
        size, at = 1 << n - 24, at + (1 << n - 24)
        n = int.from_bytes(raw[at - size:at], "big")
        need(at <= len(raw) and n >= (24 if size == 1 else 1 << 4 * size), "a number is cut or longer than needed")
    if major == 0: return n, at
    if major < 4:
        need(at + n <= len(raw), "a string is cut short")
        try: return raw[at:at + n] if major == 2 else raw[at:at + n].decode(), at + n
        except UnicodeDecodeError: raise Bad("text is not UTF-8")
    out = []
    for _ in range(n * (major - 3)):
        item, at = cbor(raw, at, depth + 1)
        out.append(item)
    if major == 4: return out, at
    need(all(type(key) is int for key in out[::2]) and out[::2] == sorted(set(out[::2])), "keys are not in order")
    return dict(zip(out[::2], out[1::2])), at

def control(text): return any(unicodedata.category(c) == "Cc" for c in text)
def uint(bits): return lambda v: type(v) is int and v < 1 << bits
def octets(most=1 << 32): return lambda v: type(v) is bytes and len(v) <= most
def text(most): return lambda v: type(v) is str and 0 < len(v.encode()) <= most and not control(v)
def many(most, kind): return lambda v: type(v) is list and len(v) <= most and all(map(kind, v))
def fixed(*kinds): return lambda v: type(v) is list and len(v) == len(kinds) and all(k(x) for k, x in zip(kinds, v))
def record(*kinds): return lambda v: type(v) is dict and list(v) == [*range(len(kinds))] and fixed(*kinds)([*v.values()])
def digest(v): return type(v) is bytes and len(v) == 32
PROOF = many(64, digest)
LOG = (text(255), many(64, text(2048)), many(4096, octets()),
       many(1 << 20, fixed(uint(64), uint(32), octets(65535), PROOF)),
       many(4096, fixed(uint(64), uint(64))), many(4096, fixed(uint(32), uint(32), digest, PROOF)))
UNSIGNED = lambda v: v and many(256, fixed(uint(64), octets(65535)))(v)
HEAD = [lambda v: v == "skypact evidence 1", many(64, lambda v: record(*LOG)(v) or record(*LOG, UNSIGNED)(v))]
def read_bundle(raw):
    need(len(raw) <= 256 << 20, "larger than 256 MiB")
    bundle, at = cbor(raw, 0)
    need(at == len(raw) and (record(*HEAD)(bundle) or record(*HEAD, octets())(bundle)), "not an evidence bundle of version 1")
    names = [log[0].encode() for log in bundle[1]]
    need(names and names == sorted(set(names)), "logs are not in order")
    need(sum(len(log[3]) for log in bundle[1]) <= 1 << 20, "too many entries")
    for ends in ([x for span in log[4] for x in span] for log in bundle[1]):
        need(ends == sorted(ends) and all(a < b for a, b in zip(ends[::2], ends[1::2])), "ranges are not ascending")
    return bundle

# Trees (RFC 9162 section 2.1). A proof's path: for each hash, whether it stands on the left.
def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()
def path(at, last, proof):
    for other in proof:
        need(last, "proof is too long")
        left = at & 1 or at == last
        while left and not at & 1: at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
        yield left, other
    need(last == 0, "proof is too short")
def included(hash, index, size, proof, root):
    try:
        need(index < size, "index")
        for left, other in path(index, size - 1, proof):
            hash = sha(b"\1", other, hash) if left else sha(b"\1", hash, other)
        return hash == root
    except Bad: return False
def extends(old, new, old_root, new_root, proof):
    if old == 0 or old >= new: return not proof and old_root == (new_root if old else sha()) and (not old or old == new)
    proof, at, last = [old_root] * (old & old - 1 == 0) + proof, old - 1, new - 1
    while at & 1: at, last = at >> 1, last >> 1
    try:
        a = b = proof[0] if proof else b""
        for left, other in path(at, last, proof[1:]):
            a, b = (sha(b"\1", other, a), sha(b"\1", other, b)) if left else (a, sha(b"\1", b, other))
        return (a, b) == (old_root, new_root)
    except Bad: return False

# Keys, notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature).
def unbase64(text):
    try: raw = base64.b64decode(text, validate=True)
    except ValueError: raise Bad("not base64")
    need(base64.b64encode(raw).decode() == text, "not canonical base64")
    return raw
def is_name(name): return text(255)(name) and "+" not in name and not any(map(str.isspace, name))
class Key:
    def __init__(self, arg, witness=False):
        self.witness, (self.origin, _, self.vkey), self.thefts = witness, arg.rpartition(" "), []
        self.named_again = []
        parts = self.vkey.split("+", 2)
        need(len(parts) == 3 and is_name(parts[0]), "key is not name+hash+base64")
        self.name, raw = parts[0], unbase64(parts[2])
        self.type, self.public, self.id = raw[:1], raw[1:], sha(self.name.encode(), b"\n", raw)[:4]
        self.label = f"{self.name}+{self.id.hex()}"
        need(self.type in (b"\1", b"\4") and len(raw) == 33 and self.id.hex() == parts[1], "key is of another type or hash")
        need(self.type == b"\4" or not witness, "a witness's key is of type 4")
        point(self.public)
    def speaks(self, origin):
        if self.origin or self.type == b"\4": return self.origin in ("", origin)
        return origin == self.name or origin.startswith(self.name + "/")
    def looks(self, origin): return self.witness and self.speaks(origin) and not self.stolen(origin)
    def stolen(self, origin): return any(theft in ("", origin) for theft in self.thefts)
    def again(self, origin): return any(of in ("", origin) for of in self.named_again)
def read_note(raw):
    try: note = raw.decode()
    except UnicodeDecodeError: raise Bad("note")
    body, blank, block = note.rpartition("\n\n")
    need(len(raw) <= 65536 and blank and block.endswith("\n") and not re.search("[\0-\x09\x0b-\x1f]", note), "note")
    lines = [line.split(" ") for line in block[:-1].split("\n")]
    need(len(lines) <= 16 and all(len(l) == 3 and l[0] == "\u2014" and is_name(l[1]) for l in lines), "note")
    lines = [(name, unbase64(sig)[:4], unbase64(sig)[4:], f"{dash} {name} {sig}") for dash, name, sig in lines]
    need(all(sig for _, _, sig, _ in lines), "note")
    return body + "\n", lines
def read_tree(body):
    lines = body[:-1].split("\n")
    need(len(lines) > 2 and all(lines) and text(255)(lines[0]) and lines[0] != "cosignature/v1", "checkpoint")
    need(re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]), "checkpoint")
    size, root = int(lines[1]), unbase64(lines[2])
    need(size < 2**63 and len(root) == 32 and (size or root == sha()), "checkpoint")
    return lines[0], size, root
class Checkpoint:
    def __init__(self, raw, origin, keys):
        self.fault, self.by, self.cosigned, self.witnessed, self.disowned, self.ignored = "is malformed", [], [], [], [], []
        known = {(key.name, key.id): key for key in keys if key.looks(origin) or not key.witness and key.speaks(origin)}
        try:
            body, lines = read_note(raw)
            self.ignored = [line for name, id, _, line in lines if (name, id) not in known]
            found, *self.tree = read_tree(body)
            self.size, self.root = self.tree = tuple(self.tree)
        except Bad: return
        logs, seen, self.fault = [], [], found != origin and "is of another log"
        for name, id, sig, _ in lines if not self.fault else []:
            key, time = known.get((name, id)), int.from_bytes(sig[:8], "big")
            if not key: continue
            message, sig = (body, sig) if key.type == b"\1" else (f"cosignature/v1\ntime {time}\n{body}", sig[8:])
            if (key.type == b"\4" and time >= 2**63) or not signed(key.public, message.encode(), sig):
                self.fault = f"bears a false signature of {name}"
                return
            if key.type == b"\4": seen.append((key, time))
            elif key not in logs: logs.append(key)
        self.fault = self.fault or (None if logs else "is signed by no key supplied for this log")
        if self.fault: return
        self.by, self.stolen = logs, [key for key in logs if key.stolen(origin)]
        self.doubted, self.again = len(logs) == len(self.stolen), any(key.again(origin) for key in self.stolen)
        self.disowned = [(key, time) for key, time in seen if not key.witness and key.stolen(origin)]
        self.cosigned = [(key, time) for key, time in seen if not key.witness and not key.stolen(origin)]
        self.witnessed = [(key, time) for key, time in seen if key.witness]
        self.stands = not self.doubted
    def others(self, seen): return [(key.name, time) for key, time in seen if key.name not in {k.name for k in self.by}]

# The bundle.
def first_bad(entries, good, held, proves, spans, trees):
    found = [(b[0], 1, "is out of order") for a, b in zip(entries, entries[1:]) if b[0] <= a[0]]
    have = {e[0] for e in entries}
    for start, end in spans:
        while start in have and start < end: start += 1
        if start < end: found.append((start, 0, "is missing"))
    for bad, there in sorted(((e, t) for e, ok, t in zip(entries, good, held) if not ok), key=lambda e: e[0][0])[:1]:
        moved = not there and any(place[0] != bad[0] and proves(bad[2], place) for place in entries)
        why = (4, "rests on a stolen key alone") if there else (1, "is out of order") if moved else (5, "is changed")
        found.append((bad[0], *(why if bad[1] in trees else (3, "rests on a checkpoint that does not verify"))))
    return min(found, default=None)
def utc(time):
    if time > 253402300799: return f"{time} s"
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=time)).isoformat() + "Z"
def seen_by(trees, links, pick):
    """Of each tree, the earliest time of each name that cosigned it or one that is proven to extend it."""
    seen = {}
    def earliest(tree, pairs):
        for name, time in pairs: seen[tree][name] = min(time, seen[tree].get(name, time))
    for c in trees.values():
        seen.setdefault(c.tree, {})
        earliest(c.tree, c.others(pick(c)))
    for older, newer in sorted(links, reverse=True): earliest(older, list(seen[newer].items()))
    return seen
def judge(trees, links, origin):
    """Which checkpoints by stolen keys alone stand: what another key's extend, and what the addressee took before it heard."""
    parts = origin.split("/")
    to = f"{parts[0]}/{parts[2]}" if len(parts) > 2 and parts[0] == "skypact.link" else None
    receipts = lambda c: [time for name, time in c.others(c.cosigned) if name == to]
    heard = [(c.size, time) for c in trees.values() if not c.doubted for time in receipts(c)]
    size, first = [min(of, default=1 << 64) for of in (*zip(*heard),)] or (1 << 64, 1 << 64)
    standing = {}
    def lift(tree, to): standing[tree] = max(to, standing.get(tree, 0))
    for c in trees.values():
        in_time = any(c.again or c.size < size and time <= first for time in receipts(c))
        lift(c.tree, 2 if not c.doubted else 1 if in_time else 0)
    for older, newer in sorted(links, reverse=True): lift(older, standing[newer])
    for c in trees.values():
        c.stands = standing[c.tree]
        c.why = ("NOT PROVEN: a stolen key alone signed it", "stands by the addressee's word alone: it cosigned this tree, or one "
                 "that extends it, before it heard of the theft",
                 "stands: a key not stolen signed this tree or one that extends it")[c.stands] if c.doubted else None
def stretches(runs, trees, links, quorum):
    """Runs of proven entries by who witnessed their tree, or one that is proven to extend it: the earliest time of each."""
    seen, out = seen_by(trees, links, lambda c: c.witnessed), []
    for start, end, n in runs:
        of = seen[trees[n].tree]
        by, times = sorted(of, key=str.encode), sorted(of.values())
        at = times[max(quorum, 1) - 1:max(quorum, 1)] * 2
        if out and out[-1][1] == start and out[-1][2] == by:
            out[-1][1], out[-1][3] = end, at and [min(at[0], out[-1][3][0]), max(at[0], out[-1][3][1])]
        else: out.append([start, end, by, at])
    return out
def runs_of(entries, of):
    runs = []
    for index, n, _, _ in (e for e, ok in zip(entries, of) if ok):
        if runs and runs[-1][1:] == [index, n]: runs[-1][1] += 1
        else: runs.append([index, index + 1, n])
    return runs
def verify_log(log, keys, quorum):
    origin, hints, notes, entries, spans, links, *unsigned = log.values()
    cps = [Checkpoint(raw, origin, keys) for raw in notes]
    trees = {n: c for n, c in enumerate(cps) if not c.fault}
    proves = lambda raw, e: e[1] in trees and included(sha(b"\0", raw), e[0], cps[e[1]].size, e[3], cps[e[1]].root)
    held, say = [proves(e[2], e) for e in entries], lambda line: print("  " + line)
    extended = [(cps[a].tree, cps[b].tree) for a, b, root, proof in links if a in trees and b in trees
                and root == cps[a].root and extends(cps[a].size, cps[b].size, root, cps[b].root, proof)]
    judge(trees, extended, origin)
    good = [bool(there and trees[e[1]].stands) for there, e in zip(held, entries)]
    receipts = seen_by(trees, extended, lambda c: c.cosigned)
    bad = first_bad(entries, good, held, proves, spans, trees)
    sound = bool(cps) and len(trees) == len(cps) and not bad
    print(f"log {origin}")
    for hint in hints:
        say(f"key named in the bundle: {hint} ({'supplied too' if hint in [k.vkey for k in keys] else 'not supplied'})")
    for n, c in enumerate(cps):
        say(f"checkpoint {n}" + (f" {c.fault}" if c.fault else f": size {c.size}, root {base64.b64encode(c.root).decode()}"))
        for key in c.by: say(f"  signed by {key.label}" + (", a stolen key" if key in c.stolen else ""))
        if c.by and c.why: say(f"  {c.why}")
        for what, seen in (("cosigned", c.cosigned), ("witnessed", c.witnessed)):
            for key, time in seen: say(f"  {what} by {key.label} at {utc(time)}")
        for key, time in c.disowned: say(f"  no proof: cosigned by {key.label} at {utc(time)}, a stolen key")
        for line in c.ignored: say(f"  ignored: {line}")
    for start, end in spans: say(f"claimed complete: entries {start}..{end}")
    runs = runs_of(entries, good)
    for start, end, n in runs: say(f"proven: entries {start}..{end} in checkpoint {n}")
    looked = quorum or any(key.looks(origin) for key in keys)
    for start, end, by, at in stretches(runs, trees, extended, quorum) if looked else []:
        of = f"{', '.join(by) or 'nobody'}{f' (quorum of {quorum})' if quorum else ''}"
        say(f"witnessed: entries {start}..{end} by {of}, dated {utc(at[0])} to {utc(at[1])}" if at else
            f"NOT WITNESSED: entries {start}..{end}: by {of}")
    if bad: say(f"first bad: entry {bad[0]} {bad[2]}")
    same = lambda a, b: {k.vkey for k in cps[a].by} & {k.vkey for k in cps[b].by}
    stand = lambda a, b: trees[a].stands and trees[b].stands
    since = lambda a: ", by a key stolen since" if trees[a].stolen else ""
    sized, joined, doubtful = sorted(trees, key=lambda n: (cps[n].size, n)), set(), []
    for at, b in enumerate(sized):
        twins = [a for a in sized[:at] if cps[a].size == cps[b].size and cps[a].root != cps[b].root and same(a, b)]
        twins.sort(key=lambda a: not stand(a, b))
        if twins and stand(twins[0], b):
            say(f"CONTRADICTION: checkpoints {twins[0]} and {b} give one size two roots{since(twins[0])}")
        elif twins: doubtful.append((twins[0], b))
    for a, b, root, proof in links:
        ends = (cps[a].size, cps[b].size) if a in trees and b in trees else None
        good = ends and extends(*ends, root, cps[b].root, proof)
        if good and (root == cps[a].root or same(a, b) and 0 < ends[0] < ends[1]):
            joined.add(ends)
            if root == cps[a].root: say(f"proven: checkpoint {b} extends checkpoint {a}")
            elif stand(a, b): say(f"CONTRADICTION: checkpoint {b} does not extend checkpoint {a}{since(a)}")
            else: doubtful.append((a, b))
        else: sound = say(f"false proof from checkpoint {a} to {b}")
    fallen = [n for n in trees if not cps[n].stands]
    disowned = [n for n in trees if cps[n].others(cps[n].disowned) and not receipts[cps[n].tree]]
    sound = sound and not fallen and not disowned
    for n in fallen: say(f"not proven: that its owner said what checkpoint {n} covers: a stolen key alone signed it")
    for start, end, n in runs_of(entries, [there and not trees[e[1]].stands for there, e in zip(held, entries)]):
        say(f"not proven: entries {start}..{end}: a stolen key alone signed checkpoint {n}")
    for n in disowned: say(f"not proven: that anyone received what checkpoint {n} covers: stolen keys alone cosigned it")
    for a, b in doubtful:
        say(f"not proven: that the signer contradicted itself in checkpoints {a} and {b}: a stolen key alone signed one")
    for start, end, n in runs:
        if receipts[cps[n].tree]: continue
        say(f"not proven: that anyone received entries {start}..{end}: no other party's key supplied cosigned checkpoint {n}")
    for a, b in zip(sized, sized[1:]):
        if 0 < cps[a].size != cps[b].size and (cps[a].size, cps[b].size) not in joined:
            say(f"not proven: that checkpoint {b} extends checkpoint {a}: no proof joins them")
    for index, raw in (part for parts in unsigned for part in parts):
        hash = base64.b64encode(sha(raw)).decode()
        say(f"NOT SIGNED BY ANYBODY: the receiver's word: {len(raw)} bytes for entry {index}, SHA-256 {hash}")
    return sound
LIMITS = ["that an entry nobody cosigned was not received: two parties alone cannot force a receipt",
          "that a cosigner had read the entries: a witness sees hashes alone, only an addressee agreed to hold them",
          "that nothing else was said: only the entries listed are shown",
          "that the signer showed no other history to others: compare checkpoints with them",
          "that a cosigner's clock was right: each time is its own statement"]
def main(args):
    try:
        options = [at for at, arg in enumerate(args) if arg in ("--stolen", "--again", "--witness", "--quorum")]
        plain = [arg for at, arg in enumerate(args) if at not in options and at - 1 not in options]
        need(len(plain) >= 2 and not (options and options[-1] + 1 == len(args)), __doc__)
        given = lambda name: [args[at + 1] for at in options if args[at] == name]
        need(all(re.fullmatch("[0-9]{1,4}", n) for n in given("--quorum")), __doc__)
        raw, quorum = open(plain[0], "rb").read((256 << 20) + 1), int((given("--quorum") or ["0"])[0])
        witnesses, again = [Key(arg, True) for arg in given("--witness")], [Key(arg) for arg in given("--again")]
        thefts = [Key(arg) for arg in given("--stolen")] + again
        keys = [key for key in [*map(Key, plain[1:]), *thefts] if key.vkey not in {w.vkey for w in witnesses}] + witnesses
        for key in keys:
            key.thefts, key.named_again = [[of.origin for of in all if of.vkey == key.vkey] for all in (thefts, again)]
    except (OSError, Bad) as e: return print(e, file=sys.stderr) or 2
    try: bundle = read_bundle(raw)
    except Bad as e: return print(f"malformed: {e}\nverdict: NOT PROVEN AS CLAIMED") or 1
    sound = all([verify_log(log, keys, quorum) for log in bundle[1]])
    if 2 in bundle:
        print(f"metadata: {len(bundle[2])} bytes, SHA-256 {base64.b64encode(sha(bundle[2])).decode()}, not signed here")
    for limit in LIMITS: print(f"not proven: {limit}")
    print("verdict:", "everything claimed is proven" if sound else "NOT PROVEN AS CLAIMED")
    return 0 if sound else 1
if __name__ == "__main__": sys.exit(main(sys.argv[1:]))
