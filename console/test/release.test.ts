import { describe, expect, it } from 'vitest';
import { changes, readRelease } from '../src/model/release';

const release = (rules: Record<string, unknown[]>, more = {}) => readRelease({ revision: 4, rules, ...more });
const told = (rule: Record<string, unknown>) => release({ south: [rule] })?.rules[0]?.[1][0]?.words;

describe('a rule in words', () => {
  it.each([
    [{ class: 'tracks', level: 'full' }, 'all tracks are told in full, with identity'],
    [{ class: 'sites', level: 'withheld' }, 'all sites are withheld'],
    [
      {
        class: 'tracks',
        aircraft: 'uas',
        level: 'reduced',
        precision_m: 250,
        delay_s: 1.5,
        identity: 'pseudonym',
      },
      'tracks of uas aircraft are told to 250 m, 1.5 s late, under a pseudonym',
    ],
    [
      { class: 'plans', marking: 'medevac', level: 'coarse', cell_deg: 0.25, bin_s: 600 },
      'plans marked medevac are told without identity as cells of 0.25° and 10 min',
    ],
    [
      {
        class: 'tracks',
        area: { type: 'circle', centre: [-8.5, 47.25], radius_m: 50_000 },
        daily: '06:00-18:00',
        level: 'full',
        every_s: 10,
      },
      'all tracks within 50 km of 47.2500° N 8.5000° W every day 06:00-18:00 UTC are told in full, with identity, at most once in 10 s',
    ],
    [
      {
        class: 'plans',
        area: { type: 'box', south: -1, west: 0, north: 2, east: 3 },
        from_utc_ms: 0,
        until_utc_ms: 60_000,
        level: 'avoid-area',
        cell_deg: 1,
        bin_s: 60,
      },
      'all plans from 1.0000° S to 2.0000° N and 0.0000° E to 3.0000° E from 1970-01-01 00:00Z until 1970-01-01 00:01Z are told as areas to avoid, as cells of 1° and 60 s',
    ],
  ])('%j', (rule, words) => expect(told(rule)).toBe(words));

  it('says so when it has no words for a part of it', () => {
    expect(told({ class: 'tracks', level: 'whole', soon: true })).toBe(
      'all tracks are told at a level that this console does not know: whole; and more that this console has no words for: soon',
    );
    expect(release({ south: [7] as unknown[] })?.rules[0]?.[1][0]?.words).toContain('cannot read: 7');
  });

  it('is text, whatever a name holds', () => {
    expect(told({ class: 'tracks', marking: 'a\u202eb', level: 'full' })).toContain('marked a\u00b7b');
  });
});

describe('what a proposal changes', () => {
  const a = { class: 'tracks', level: 'full' };
  const b = { class: 'plans', level: 'full' };
  const c = { class: 'sites', level: 'full' };
  const kinds = (from: unknown[], to: unknown[]) => {
    const [old, next] = [release({ south: from }), release({ south: to })];
    const [first] = changes(old?.rules ?? [], next?.rules ?? []);
    return first?.[1].map(({ what, place }) => `${what} ${place}`);
  };

  it('is told rule by rule, with their places', () => {
    expect(kinds([a, b], [a, c, b])).toEqual(['stays 1', 'new 2', 'stays 3']);
    expect(kinds([a, b], [b])).toEqual(['goes 1', 'stays 1']);
    expect(kinds([], [a])).toEqual(['new 1']);
  });

  it('is a rule that goes and one that is new where the order changes', () => {
    expect(kinds([a, b], [b, a])).toEqual(['goes 1', 'stays 1', 'new 2']);
  });

  it('is nothing where only the order of the fields differs', () => {
    expect(kinds([{ class: 'tracks', level: 'full' }], [{ level: 'full', class: 'tracks' }])).toEqual([
      'stays 1',
    ]);
  });

  it('names parties that one side alone has', () => {
    const [old, next] = [release({ south: [a] }), release({ civil: [b] })];
    expect(changes(old?.rules ?? [], next?.rules ?? []).map(([party, all]) => [party, all[0]?.what])).toEqual(
      [
        ['civil', 'new'],
        ['south', 'goes'],
      ],
    );
  });
});

describe('a proposal', () => {
  it('is read whole, and one without a number is none', () => {
    const proposal = {
      id: 3,
      by: 'node',
      agreed: ['anna'],
      missing: 1,
      at_utc_ms: 1,
      ends_utc_ms: 2,
      wider: ['x'],
      rules: {},
    };
    expect(release({}, { proposal })?.proposal).toEqual({ ...proposal, rules: [] });
    expect(release({}, { proposal: { ...proposal, id: 'x' } })?.proposal).toBeNull();
    expect(release({}, { proposal: { id: 3 } })?.proposal?.missing).toBe(2);
    expect(readRelease('x')).toBeNull();
  });
});
