// The nodes under test: given by SKYPACT_E2E_URLS, or started from SKYPACT_BIN.
//
//   SKYPACT_E2E_URLS  JSON [{"party":"north","url":"http://127.0.0.1:PORT/#code=CODE"}, ...] of nodes that already run
//   SKYPACT_BIN       else: program started with `demo --json --no-browser --port-base 0`; its first line on standard output is
//                     {"nodes":[{"party","url"}, ...]}; it stops and starts nodes as its standard input says.
//                     Default: ../target/debug/skypact
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

const START_MS = 60_000;
export const PROGRAM =
  process.env.SKYPACT_BIN ?? new URL('../../target/debug/skypact', import.meta.url).pathname;

export async function startNodes() {
  if (process.env.SKYPACT_E2E_URLS) {
    return {
      nodes: JSON.parse(process.env.SKYPACT_E2E_URLS),
      canStop: false,
      pause() {},
      resume() {},
      stop() {},
      order() {},
    };
  }
  if (!existsSync(PROGRAM))
    throw new Error(`${PROGRAM} does not exist; build it (cargo build --bin skypact) or set SKYPACT_BIN`);
  const child = spawn(PROGRAM, ['demo', '--json', '--no-browser', '--port-base', '0'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // A group of its own: the nodes are processes of their own, and are paused and ended together.
    detached: true,
  });
  const signal = (name) => {
    try {
      process.kill(-child.pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  process.on('exit', () => signal('SIGKILL'));
  const line = await firstLine(child);
  const { nodes } = JSON.parse(line);
  return {
    nodes,
    canStop: true,
    order: (text) => child.stdin.write(`${text}\n`),
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    stop: () => {
      signal('SIGCONT');
      signal('SIGTERM');
    },
  };
}

function firstLine(child) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no line from the node within ${START_MS} ms`)),
      START_MS,
    );
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer);
      resolve(line);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`the node ended with ${code ?? signal} before it was ready`)),
    );
  });
}
