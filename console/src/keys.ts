/** The keyboard. One letter a command, none of them while something is being typed. */
import type { App } from './app';

const PANELS: Record<string, string> = {
  '0': 'sky-map',
  '1': 'sky-peers',
  '2': 'sky-selected',
  '3': 'sky-alerts',
  '4': 'sky-notices',
};

/** For the help page. */
export const KEYS: readonly (readonly [string, string])[] = [
  ['n / N', 'next / previous unacknowledged alert or notice'],
  ['Enter', 'acknowledge the one that has the focus (a notice opens its read-back)'],
  ['m', 'silence the sound, 30 s at most'],
  ['0', 'map (arrows pan, + and - zoom)'],
  ['1 2 3 4', 'peers and feeds, selected track, alerts, notices'],
  ['t', 'search for a track'],
  ['c', 'centre on the selected track'],
  ['f', 'cleared flight levels: enter one for the selected own track, see all in force'],
  ['w', 'write a notice'],
  ['d', 'say whether somebody is at this desk'],
  ['p', 'aircraft without a plan, plans that nobody flies'],
  ['r', 'release rules, and those that wait for people to agree'],
  ['Esc', 'close what is open, then drop the selection'],
  ['?', 'this page'],
];

export function handleKey(app: App, event: KeyboardEvent): void {
  if (app.store.session === null || event.ctrlKey || event.altKey || event.metaKey || event.isComposing)
    return;
  if (event.key === 'Escape') {
    close(app, event);
    return;
  }
  if (isTyping(event.target)) return;
  const panel = PANELS[event.key];
  if (panel !== undefined) {
    document.querySelector<HTMLElement>(`${panel} [data-panel]`)?.focus();
    event.preventDefault();
    return;
  }
  const command: Record<string, () => unknown> = {
    n: () => step(1),
    N: () => step(-1),
    m: () => app.silence(),
    t: () => document.querySelector<HTMLInputElement>('#track-search')?.focus(),
    c: () => app.centreOnSelected(),
    f: () => app.openCleared(document.activeElement),
    w: () => app.store.mayAct() && app.openDrawer({ kind: 'compose' }, document.activeElement),
    d: () => app.store.mayAct() && app.openDrawer({ kind: 'desk' }, document.activeElement),
    p: () => app.openDrawer({ kind: 'planned' }, document.activeElement),
    r: () => app.store.mayReadRules() && app.openDrawer({ kind: 'release' }, document.activeElement),
    '?': () => help(app, !app.store.help),
  };
  const run = command[event.key];
  if (run === undefined) return;
  event.preventDefault();
  run();
}

export function help(app: App, open: boolean): void {
  if (open) app.focus.remember(document.activeElement);
  app.store.help = open;
  app.store.touch();
  if (!open) app.focus.goBack('sky-map');
}

function close(app: App, event: KeyboardEvent): void {
  event.preventDefault();
  if (app.store.help) help(app, false);
  else if (app.store.drawer !== null) app.closeDrawer();
  else if (isTyping(event.target)) document.querySelector<HTMLElement>('sky-map [data-panel]')?.focus();
  else app.store.select(null);
}

/** Goes through what is unacknowledged in the order it stands on the page: alerts, then notices. */
function step(by: 1 | -1): void {
  const open = [...document.querySelectorAll<HTMLElement>('button[data-open]')];
  if (open.length === 0) return;
  const at = open.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? (by === 1 ? 0 : open.length - 1) : (at + by + open.length) % open.length;
  const target = open[next];
  target?.focus();
  target?.scrollIntoView({ block: 'nearest' });
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.matches('input:not([type=checkbox]):not([type=radio]), textarea, select');
}
