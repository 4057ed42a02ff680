// Collects the licence of every npm package whose code, fonts or data end up in the bundle into dist/licences.txt.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const MODULES = new URL('../node_modules/', import.meta.url).pathname;

/** Reached through CSS or as data, so the bundler does not list them as modules. */
const ALWAYS = ['@fontsource/ibm-plex-sans', '@fontsource/ibm-plex-mono', 'world-atlas'];

export function licences() {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle(_options, bundle) {
      const packages = new Set(ALWAYS);
      for (const chunk of Object.values(bundle)) {
        for (const id of chunk.moduleIds ?? []) {
          const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id);
          if (found) packages.add(found[1]);
        }
      }
      const parts = [...packages].sort().map(describe);
      this.emitFile({
        type: 'asset',
        fileName: 'licences.txt',
        source: parts.join(`\n${'='.repeat(78)}\n\n`),
      });
    },
  };
}

function describe(name) {
  const dir = join(MODULES, name);
  const about = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
  const file = readdirSync(dir).find((entry) => /^licen[cs]e/i.test(entry));
  const text =
    file && existsSync(join(dir, file)) ? readFileSync(join(dir, file), 'utf8') : '(no licence file)\n';
  return `${name} ${about.version} (${about.license})\n\n${text}`;
}
