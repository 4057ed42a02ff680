// Writes FILE.gz beside each built file that gains from it, so that the server compresses nothing while it runs.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url).pathname;
const BYTES_MIN = 1024;
/** Already compressed inside. */
const PACKED = /\.(woff2|png|gz)$/;

let plain = 0;
let packed = 0;
for (const name of readdirSync(DIST, { recursive: true })) {
  const path = join(DIST, name);
  if (!statSync(path).isFile()) continue;
  if (name.endsWith('.gz')) {
    rmSync(path);
    continue;
  }
  const bytes = readFileSync(path);
  plain += bytes.length;
  if (bytes.length <= BYTES_MIN || PACKED.test(name)) {
    packed += bytes.length;
    continue;
  }
  const gz = gzipSync(bytes, { level: 9 });
  writeFileSync(`${path}.gz`, gz);
  packed += gz.length;
}
console.log(`dist: ${(plain / 1024).toFixed(0)} KiB, ${(packed / 1024).toFixed(0)} KiB as sent`);
