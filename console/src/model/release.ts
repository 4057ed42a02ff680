/** Release rules as the node gives them (docs/api.md), in words, and what a proposal would change. */
import { plain } from './text';

/** One rule: its meaning in words, and the bytes by which it is compared. */
export interface Rule {
  words: string;
  key: string;
}

export type Rules = [string, Rule[]][];

export interface Proposal {
  id: number;
  by: string;
  agreed: string[];
  missing: number;
  at_utc_ms: number;
  ends_utc_ms: number;
  /** What would be let out that is not now, a sentence a rule. */
  wider: string[];
  rules: Rules;
}

export interface Release {
  revision: number;
  rules: Rules;
  proposal: Proposal | null;
}

/** A rule beside its place: what a proposal leaves, brings and takes away. */
export interface Change {
  what: 'stays' | 'new' | 'goes';
  /** Place among the rules it stands in, from 1: of the proposal, or for what goes of those in force. */
  place: number;
  words: string;
}

/** The node holds no more: 16 parties of 64 rules. */
const PARTIES_MAX = 64;
const RULES_MAX = 64;

type Json = Record<string, unknown>;

export function readRelease(value: unknown): Release | null {
  if (!isObject(value) || !isObject(value.rules)) return null;
  return {
    revision: num(value.revision) ?? 0,
    rules: readRules(value.rules),
    proposal: readProposal(value.proposal),
  };
}

function readProposal(value: unknown): Proposal | null {
  if (!isObject(value)) return null;
  const id = num(value.id);
  if (id === null) return null;
  return {
    id,
    by: text(value.by, 64, '?'),
    agreed: list(value.agreed, 8).map((name) => text(name, 64, '?')),
    // A proposal that does not say how many are missing is not taken for one that waits for nobody.
    missing: num(value.missing) ?? 2,
    at_utc_ms: num(value.at_utc_ms) ?? 0,
    ends_utc_ms: num(value.ends_utc_ms) ?? 0,
    wider: list(value.wider, PARTIES_MAX * RULES_MAX).map((line) => text(line, 400, '?')),
    rules: readRules(value.rules),
  };
}

function readRules(value: unknown): Rules {
  return Object.entries(isObject(value) ? value : {})
    .slice(0, PARTIES_MAX)
    .map(([party, rules]) => [plain(party, 64), list(rules, RULES_MAX).map(readRule)]);
}

function readRule(value: unknown): Rule {
  // Compared by everything that the node said of it, also by what this console has no words for.
  const key = JSON.stringify(sorted(value));
  return {
    words: isObject(value) ? words(value) : `a rule that this console cannot read: ${plain(key, 200)}`,
    key,
  };
}

/** What a rule lets out, of what, where and when. */
function words(rule: Json): string {
  const known = [
    'class',
    'aircraft',
    'area',
    'level',
    'cell_deg',
    'bin_s',
    'precision_m',
    'delay_s',
    'identity',
    'from_utc_ms',
    'until_utc_ms',
    'daily',
    'marking',
    'every_s',
  ];
  const unknown = Object.keys(rule).filter((name) => !known.includes(name));
  const parts = [what(rule), area(rule.area), when(rule)].filter((part) => part !== '');
  const rest =
    unknown.length === 0
      ? ''
      : `; and more that this console has no words for: ${plain(unknown.join(', '), 100)}`;
  return `${parts.join(' ')} ${level(rule)}${rest}`;
}

function what(rule: Json): string {
  const aircraft = typeof rule.aircraft === 'string' ? `${plain(rule.aircraft, 20)} aircraft` : '';
  const marked = typeof rule.marking === 'string' ? `marked ${plain(rule.marking, 20)}` : '';
  const of = [aircraft, marked].filter((part) => part !== '').join(' ');
  const name = text(rule.class, 20, 'unknown records');
  if (of === '') return `all ${name}`;
  return marked === of ? `${name} ${of}` : `${name} of ${of}`;
}

function area(value: unknown): string {
  if (!isObject(value)) return '';
  const degrees = (of: unknown, plus: string, minus: string) => {
    const n = num(of);
    return n === null ? '?' : `${Math.abs(n).toFixed(4)}° ${n < 0 ? minus : plus}`;
  };
  if (value.type === 'box') {
    const [south, north] = [degrees(value.south, 'N', 'S'), degrees(value.north, 'N', 'S')];
    return `from ${south} to ${north} and ${degrees(value.west, 'E', 'W')} to ${degrees(value.east, 'E', 'W')}`;
  }
  const [lon, lat] = list(value.centre, 2);
  return `within ${length(value.radius_m)} of ${degrees(lat, 'N', 'S')} ${degrees(lon, 'E', 'W')}`;
}

function when(rule: Json): string {
  const at = (value: unknown) => {
    const ms = num(value);
    if (ms === null || Math.abs(ms) > 8.64e15) return '?';
    return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')}Z`;
  };
  return [
    rule.from_utc_ms === undefined ? '' : `from ${at(rule.from_utc_ms)}`,
    rule.until_utc_ms === undefined ? '' : `until ${at(rule.until_utc_ms)}`,
    typeof rule.daily === 'string' ? `every day ${plain(rule.daily, 20)} UTC` : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function level(rule: Json): string {
  const every = num(rule.every_s);
  const rate = every === null ? '' : `, at most once in ${seconds(every)}`;
  const cells = `cells of ${num(rule.cell_deg) ?? '?'}° and ${seconds(num(rule.bin_s))}`;
  switch (rule.level) {
    case 'withheld':
      return 'are withheld';
    case 'full':
      return `are told in full, with identity${rate}`;
    case 'reduced':
      return `are told to ${length(rule.precision_m)}, ${seconds(num(rule.delay_s))} late, ${identity(rule.identity)}${rate}`;
    case 'coarse':
      return `are told without identity as ${cells}`;
    case 'avoid-area':
      return `are told as areas to avoid, as ${cells}`;
    default:
      return `are told at a level that this console does not know: ${text(rule.level, 40, '?')}`;
  }
}

function identity(value: unknown): string {
  if (value === 'drop') return 'without identity';
  return value === 'pseudonym' ? 'under a pseudonym' : 'with identity';
}

function seconds(s: number | null): string {
  if (s === null) return '?';
  return s >= 120 && s % 60 === 0 ? `${s / 60} min` : `${s} s`;
}

function length(value: unknown): string {
  const m = num(value);
  if (m === null) return '?';
  return m >= 10_000 ? `${m / 1000} km` : `${m} m`;
}

/**
 * What changes party by party, in the order of the proposal. The first rule that matches wins, so a rule that moves is one
 * that goes and one that is new.
 */
export function changes(inForce: Rules, proposed: Rules): [string, Change[]][] {
  const names = [...new Set([...inForce, ...proposed].map(([party]) => party))].sort();
  const of = (rules: Rules, name: string) => rules.find(([party]) => party === name)?.[1] ?? [];
  return names.map((name) => [name, compare(of(inForce, name), of(proposed, name))]);
}

/** The longest common sequence stays; at most 64 × 64 steps. */
function compare(old: Rule[], next: Rule[]): Change[] {
  const longest = Array.from({ length: old.length + 1 }, () => new Array<number>(next.length + 1).fill(0));
  const at = (i: number, j: number) => longest[i]?.[j] ?? 0;
  const same = (i: number, j: number) => old[i]?.key === next[j]?.key;
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = next.length - 1; j >= 0; j--) {
      const row = longest[i];
      if (row !== undefined)
        row[j] = same(i, j) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const out: Change[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < next.length) {
    if (i < old.length && j < next.length && same(i, j)) {
      out.push({ what: 'stays', place: ++j, words: old[i++]?.words ?? '' });
    } else if (j >= next.length || (i < old.length && at(i + 1, j) >= at(i, j + 1))) {
      out.push({ what: 'goes', place: i + 1, words: old[i++]?.words ?? '' });
    } else {
      out.push({ what: 'new', place: j + 1, words: next[j++]?.words ?? '' });
    }
  }
  return out;
}

/** The same value with the fields of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(value: unknown, max: number): unknown[] {
  return Array.isArray(value) ? value.slice(0, max) : [];
}

function text(value: unknown, max: number, missing: string): string {
  return typeof value === 'string' ? plain(value, max) : missing;
}

function num(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
