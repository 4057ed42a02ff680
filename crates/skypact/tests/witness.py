"""A C2SP witness and a client of one, from the text of tlog-witness alone: standard library, nothing of the Rust code.

usage: witness.py serve NAME SEED ORIGIN=VKEY [ORIGIN=VKEY ...]   prints its key and its URL, serves until killed
       witness.py probe URL VKEY LOGSEED ORIGIN                   asks a witness everything the standard answers"""
import base64, hashlib, http.client, http.server, os, sys, threading, time
from urllib.parse import urlparse
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../spec/tools"))
from verify_evidence import Bad, BASE, L, Key, extends, need, pack, read_note, read_tree, sha, signed, times

def sign(seed, message):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
    public = pack(times(a, BASE))
    r = int.from_bytes(hashlib.sha512(h[32:] + message).digest(), "little") % L
    big_r = pack(times(r, BASE))
    k = int.from_bytes(hashlib.sha512(big_r + public + message).digest(), "little") % L
    return public, big_r + ((r + k * a) % L).to_bytes(32, "little")
def b64(raw): return base64.b64encode(raw).decode()
def key_id(name, kind, public): return sha(name.encode(), b"\n", kind, public)[:4]

class Witness:
    def __init__(self, name, seed, logs):
        self.name, self.seed, self.logs, self.last, self.lock = name, seed, logs, {}, threading.Lock()
        public = sign(seed, b"")[0]
        self.id = key_id(name, b"\4", public)
        self.vkey = f"{name}+{self.id.hex()}+{b64(bytes([4]) + public)}"
    def judge(self, body):
        try:
            head, note = body.split(b"\n\n", 1)
            old, *proof = head.decode().split("\n")
            need(old.startswith("old ") and str(int(old[4:])) == old[4:] and len(proof) < 64, "form")
            old, proof = int(old[4:]), [base64.b64decode(line, validate=True) for line in proof]
            text, lines = read_note(note)
            origin, size, root = read_tree(text)
        except (Bad, ValueError): return 400, b"", None
        if origin not in self.logs: return 404, b"", None
        key, good = Key(self.logs[origin]), False
        for name, id, sig, _ in lines:
            if (name, id) == (key.name, key.id):
                if not signed(key.public, text.encode(), sig): return 403, b"", None
                good = True
        if not good: return 403, b"", None
        if old > size: return 400, b"", None
        with self.lock:
            last, last_root = self.last.get(origin, (0, sha()))
            if old != last or (size == last and root != last_root): return 409, b"%d\n" % last, "text/x.tlog.size"
            if not extends(old, size, last_root, root, proof) and not (old == 0 and not proof): return 422, b"", None
            self.last[origin] = (size, root)
        now = int(time.time())
        message = f"cosignature/v1\ntime {now}\n{text}".encode()
        raw = self.id + now.to_bytes(8, "big") + sign(self.seed, message)[1]
        return 200, f"\u2014 {self.name} {b64(raw)}\n".encode(), "text/plain"

def serve(name, seed, pairs):
    witness = Witness(name, bytes.fromhex(seed), dict(pair.split("=", 1) for pair in pairs))
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_POST(self):
            body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 1 << 17))
            status, answer, kind = witness.judge(body) if self.path == "/add-checkpoint" else (404, b"", None)
            self.send_response(status)
            if kind: self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        def log_message(self, *_): pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(witness.vkey, f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()

def root(leaves):
    if len(leaves) < 2: return leaves[0] if leaves else sha()
    half = 1
    while half * 2 < len(leaves): half *= 2
    return sha(b"\1", root(leaves[:half]), root(leaves[half:]))
def consistency(old, leaves, whole=True):
    """RFC 6962 section 2.1.2, by its definition."""
    if old == len(leaves): return [] if whole else [root(leaves)]
    half = 1
    while half * 2 < len(leaves): half *= 2
    if old <= half: return consistency(old, leaves[:half], whole) + [root(leaves[half:])]
    return consistency(old - half, leaves[half:], False) + [root(leaves[:half])]

def probe(url, vkey, log_seed, origin):
    url, key, seed = urlparse(url), Key(vkey), bytes.fromhex(log_seed)
    public = sign(seed, b"")[0]
    leaves = {salt: [sha(b"\0", b"%s %d" % (salt, i)) for i in range(64)] for salt in (b"a", b"b")}
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    def note(size, salt=b"a", origin=origin, name="log.example", seed=seed, top=None, spoil=False):
        text = f"{origin}\n{size}\n{b64(top or root(leaves[salt][:size]))}\n"
        public, sig = sign(seed, text.encode())
        if spoil: sig = sig[:-1] + bytes([sig[-1] ^ 1])
        return text, text + f"\n\u2014 {name} {b64(key_id(name, bytes([1]), public) + sig)}\n"
    def ask(body, method="POST", path="/add-checkpoint"):
        connection.request(method, path, body.encode() if type(body) is str else body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read()
    def grow(old, size, salt=b"a", proof=None, **more):
        proof = ([] if old == 0 else consistency(old, leaves[salt][:size])) if proof is None else proof
        return f"old {old}\n" + "".join(b64(h) + "\n" for h in proof) + "\n" + note(size, salt, **more)[1]
    def expect(what, got, status):
        need(got[0] == status, f"{what}: {got[0]}, not {status}: {got[2][:200]}")
        print("ok", status, what)
        return got
    def cosigned(size, got):
        line, text = got[2].decode(), note(size)[0]
        need(line.startswith("\u2014 ") and line.endswith("\n") and line.count("\n") == 1, "one signature line")
        dash, name, sig = line[:-1].split(" ")
        raw = base64.b64decode(sig, validate=True)
        at = int.from_bytes(raw[4:12], "big")
        need((name, raw[:4]) == (key.name, key.id) and at > 0, "the witness's own line, with a time")
        need(signed(key.public, f"cosignature/v1\ntime {at}\n{text}".encode(), raw[12:]), "its signature")
    hash = hashlib.sha256(origin.encode()).hexdigest()
    expect("nothing cosigned yet", ask(b"", "GET", f"/{hash}/checkpoint"), 404)
    expect("unknown origin", ask(grow(0, 5, origin="another log")), 404)
    expect("unknown key", ask(grow(0, 5, seed=bytes(32))), 403)
    expect("key name only", ask(grow(0, 5, name="other.example")), 403)
    expect("false signature", ask(grow(0, 5, spoil=True)), 403)
    expect("old above new", ask(f"old 9\n\n{note(5)[1]}"), 400)
    for what, body in [("empty", ""), ("no old line", note(5)[1]), ("leading zero", grow(0, 5).replace("old 0", "old 00")),
                       ("64 proof lines", "old 1\n" + (b64(sha()) + "\n") * 64 + "\n" + note(5)[1]), ("not base64", f"old 1\n!\n\n{note(5)[1]}"),
                       ("no note", "old 0\n\nhello\n"), ("not UTF-8", b"old 0\n\n\xff\n\n\xe2\x80\x94 a AAAAAA==\n")]:
        expect(what, ask(body), 400)
    expect("old size unknown to it", ask(grow(3, 5)), 409)
    expect("needless proof", ask(grow(0, 5, proof=[sha()])), 422)
    expect("empty tree with a root", ask(f"old 0\n\n{note(0, top=sha(b'x'))[1]}"), 409)
    cosigned(5, expect("first checkpoint", ask(grow(0, 5)), 200))
    status, kind, body = expect("old size passed", ask(grow(0, 9)), 409)
    need((kind, body) == ("text/x.tlog.size", b"5\n"), f"size of the conflict: {kind} {body}")
    cosigned(5, expect("the same again", ask(grow(5, 5)), 200))
    expect("another root of the size", ask(grow(5, 5, b"b")), 409)
    expect("another history", ask(grow(5, 20, b"b")), 422)
    expect("no proof", ask(grow(5, 20, proof=[])), 422)
    old = 5
    for size in (6, 8, 13, 31, 32, 33, 64):
        cosigned(size, expect(f"{old} to {size}", ask(grow(old, size)), 200))
        old = size
    expect("rollback", ask(grow(13, 20)), 409)
    expect("too long", ask(b"old 0\n" + b"x" * 200000), 413)
    connection.close()
    _, _, kept = expect("what it holds", ask(b"", "GET", f"/{hash}/checkpoint"), 200)
    text, lines = read_note(kept)
    need(text == note(64)[0] and {name for name, *_ in lines} == {"log.example", key.name}, "the note it holds")
    print("done")

if __name__ == "__main__":
    try:
        if sys.argv[1] == "serve": serve(sys.argv[2], sys.argv[3], sys.argv[4:])
        else: probe(*sys.argv[2:])
    except Bad as e: sys.exit(f"bad: {e}")
