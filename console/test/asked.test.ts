import { describe, expect, it } from 'vitest';
import { readExplanation, verticalError } from '../src/model/explanation';
import { readTrackPage } from '../src/model/joined';
import { readUnflown, readUnplanned } from '../src/model/planned';

const input = {
  sha256: 'ab'.repeat(32),
  address: '4b1a41',
  callsign: 'NOR11',
  class: 'military',
  at_utc_ms: 1_795_000_000_000,
  age_ms: 800,
  lat: 56,
  lon: 7,
  pressure_altitude_ft: 24_000,
  wgs84_height_ft: null,
  ground_speed_kt: 440,
  track_deg: 80,
  vertical_rate_fpm: 0,
  vertical_rate_is_noise: false,
  accuracy_m: null,
  drift_m: 3.2,
};
const decision = (part: Record<string, unknown> = {}) => ({
  engine: 'detect 0.1.0',
  earth: 'WGS-84',
  t0_utc_ms: 1_795_000_000_800,
  minima: { lateral_m: 9260, vertical_ft: 1000, horizon_s: 120 },
  a: input,
  b: { ...input, callsign: null },
  found: {
    tin_s: 40,
    tout_s: 90,
    tcpa_s: 61.5,
    dcpa_m: 1200,
    d0_m: 27_000,
    vertical_at_cpa_ft: 300,
    vertical_now_ft: 300,
    vertical_error_ft: 0,
    basis: 'pressure',
    violation_now: false,
    velocity_unknown: false,
    widened_m: 0,
  },
  again: 'the same',
  cbor: '',
  ...part,
});

describe('an explanation', () => {
  it('is read whole', () => {
    const read = readExplanation({
      alert: '4',
      first: decision(),
      last: decision({ again: 'found\u202enothing' }),
    });
    expect(read?.first).toMatchObject({
      a: { name: 'NOR11 4b1a41', accuracy_m: null, wgs84_height_ft: null },
      b: { name: '4b1a41' },
      found: { tcpa_s: 61.5 },
      again: 'the same',
    });
    expect(read?.last.again).toBe('found\u00b7nothing');
  });

  it('never says the same of its own accord', () => {
    const read = readExplanation({ first: decision(), last: decision({ again: undefined }) });
    expect(read?.last.again).toBe('the node does not say');
  });

  it.each([
    ['null', null],
    ['half', { first: decision() }],
    ['without a side', { first: decision(), last: decision({ b: null }) }],
    ['without its time', { first: decision(), last: decision({ t0_utc_ms: 'now' }) }],
    ['without minima', { first: decision({ minima: null }), last: decision() }],
  ])('is none when it is %s', (_what, value) => {
    expect(readExplanation(value)).toBeNull();
  });

  it('says what the vertical distance may be off', () => {
    const words = (vertical_error_ft: unknown) => {
      const of = decision({ found: { ...decision().found, vertical_error_ft } });
      const read = readExplanation({ first: of, last: of });
      return read === null ? null : verticalError(read.last.found);
    };
    expect([words(0), words(612.4), words(null)]).toEqual([
      'both levels in one reference: nothing added',
      'may be off by 612 ft: added to the minimum',
      'a level is not known: it conflicts at all levels',
    ]);
  });
});

describe('lists of plans and flights', () => {
  const track = { id: 9, callsign: null, address: '4b1a41', owner: null, class: 'civil', stale: true };

  it('are read as they are', () => {
    expect(readUnplanned({ items: [{ track, inactive_plan: 'north/plan/3' }], cut: false })).toEqual({
      items: [
        { id: 9, name: '4b1a41', owner: null, class: 'civil', stale: true, inactive_plan: 'north/plan/3' },
      ],
      cut: false,
    });
    const plan = { subject: 's', owner: 'north', callsign: 'NOR1', since_utc_ms: 5, why: 'no such aircraft' };
    const intent = {
      subject: 't',
      owner: 'north',
      callsign: null,
      uss: 'uss1',
      since_utc_ms: 5,
      why: 'nobody is heard in it',
    };
    expect(readUnflown({ items: [plan, intent], cut: true })).toEqual({
      items: [{ ...plan, uss: null }, intent],
      cut: true,
    });
  });

  it('say that there may be more when something was left out, or when the node does not say', () => {
    expect(readUnplanned({ items: [{ track: { id: -1 } }], cut: false })).toEqual({ items: [], cut: true });
    expect(readUnflown({ items: [] })).toEqual({ items: [], cut: true });
    const many = Array.from({ length: 1001 }, () => ({ track }));
    expect(readUnplanned({ items: many, cut: false })).toMatchObject({ cut: true });
    expect(readUnplanned({ items: many, cut: false })?.items).toHaveLength(1000);
  });

  it('are none when they are no lists', () => {
    expect([readUnplanned(null), readUnflown({ items: 'x' })]).toEqual([null, null]);
  });
});

describe('a page of tracks', () => {
  const joined = {
    id: 12,
    owner: null,
    address: null,
    callsign: null,
    mode_a: '7421',
    lat: 56,
    lon: 7,
    altitude: { value_ft: 24_000, reference: 'pressure' },
    at_utc_ms: 5,
  };
  const page = (items: unknown, next: unknown = 'abc') => ({ items, next });

  it('gives what is joined to the track that is looked for', () => {
    expect(readTrackPage(page([{ id: 8 }, { id: 9, joined: [joined, { id: 'x' }] }]), 9)).toEqual({
      joined: [
        {
          id: 12,
          name: 'mode A 7421',
          owner: null,
          altitude: { value_ft: 24_000, reference: 'pressure' },
          at_utc_ms: 5,
        },
      ],
      next: null,
    });
    expect(readTrackPage(page([{ id: 9 }]), 9)).toEqual({ joined: [], next: null });
  });

  it('leads to the next one only while the track can still come', () => {
    const next = (items: unknown, more: unknown = 'abc') => readTrackPage(page(items, more), 9)?.next;
    expect([next([{ id: 8 }]), next([{ id: 10 }]), next([]), next([{ id: 8 }], null)]).toEqual([
      'abc',
      null,
      null,
      null,
    ]);
    expect(readTrackPage({ items: 5 }, 9)).toBeNull();
  });
});
