import { describe, expect, it } from 'vitest';
import { pairOf, reasonFault } from '../src/model/inhibition';
import { type Label, readMessage, type State } from '../src/model/wire';

const UNTIL = 1_795_000_000_000;
const one = (part: Record<string, unknown>) => ({
  id: '7',
  flight: null,
  pair: null,
  volume: null,
  owner: 'watch-north',
  reason: 'Formation, leader separates',
  since_utc_ms: UNTIL - 60_000,
  until_utc_ms: UNTIL,
  ...part,
});

function state(part: Record<string, unknown>): State {
  const message = readMessage(JSON.stringify({ type: 'state', utc_ms: UNTIL, mode: 'live', ...part }));
  if (message?.type !== 'state') throw new Error('not a state');
  return message.state;
}

const of = (part: Record<string, unknown>) => state({ inhibitions: [one(part)] }).inhibitions[0]?.of;

describe('an inhibition in words', () => {
  it.each([
    [{ flight: 'TIGER1' }, 'every conflict of TIGER1'],
    [{ pair: ['TIGER1', 'TIGER2'] }, 'TIGER1 × TIGER2'],
    [
      {
        volume: {
          outline: { type: 'circle', centre: [7.25, 56.5], radius_m: 9260 },
          lower: { value_ft: 5000, reference: 'msl' },
          upper: { value_m: 3000, reference: 'agl' },
        },
      },
      'conflicts inside a circle of 5.00 NM round 56.5000 N 007.2500 E, from 5000 ft msl, to 3000 m agl',
    ],
    [
      {
        volume: {
          outline: {
            type: 'polygon',
            points: [
              [7, 56],
              [8, 56],
              [8, 57],
            ],
          },
        },
      },
      'conflicts inside an area between 56.0000 N 007.0000 E and 57.0000 N 008.0000 E',
    ],
    [{ volume: { outline: { type: 'circle' } } }, 'conflicts inside a volume'],
    [{}, 'something this console cannot read'],
    [{ pair: ['ONE'] }, 'something this console cannot read'],
  ])('%j', (part, words) => {
    expect(of(part)).toBe(words);
  });

  it('is listed whatever of it cannot be read, and counted if it cannot even be named', () => {
    const read = state({
      inhibitions: [one({ reason: 5, until_utc_ms: 'soon', pair: ['A\u202eB', 'C'] }), one({ id: 'no id' })],
    });
    expect(read.inhibitions).toHaveLength(1);
    expect(read.inhibitions[0]).toMatchObject({ of: 'A\u00b7B × C', reason: 'no reason that can be read' });
    expect(read.inhibitions[0]?.until_utc_ms).toBeNaN();
    expect(read.malformed).toBe(1);
  });

  it('is not there in a state that has none', () => {
    expect(state({}).inhibitions).toEqual([]);
  });
});

describe('an alert', () => {
  it('names the inhibition that it is under', () => {
    const { alerts } = state({
      alerts: [
        { id: '1', inhibited: '7' },
        { id: '2', inhibited: null },
        { id: '3', inhibited: 'no id' },
      ],
    });
    expect(alerts.map(({ inhibited }) => inhibited)).toEqual(['7', null, null]);
  });
});

describe('the pair of a conflict', () => {
  const labels = new Map<number, Label>([
    [1, { callsign: 'TIGER1', address: '4b1a41' }],
    [2, { callsign: 'TIGER1', address: '~4b1a42' }],
    [3, { callsign: null, address: null }],
  ]);
  const pair = (a: unknown, b: unknown, kind = 'conflict') => {
    const alert = state({ alerts: [{ id: '1', kind, a, b }] }).alerts[0];
    return alert === undefined ? undefined : pairOf(alert, labels);
  };

  it('is the labels that the officer reads', () => {
    expect(pair({ id: 1, label: 'TIGER1' }, { id: 2, label: 'TIGER2' })).toEqual(['TIGER1', 'TIGER2']);
    expect(pair({ id: 1, label: '#812' }, { id: 2, label: '~4b1a42' })).toEqual(['#812', '~4b1a42']);
  });

  it('is the addresses where both labels are one', () => {
    expect(pair({ id: 1, label: 'TIGER1' }, { id: 2, label: 'tiger1' })).toEqual(['4b1a41', '~4b1a42']);
  });

  it.each([
    ['of two that cannot be told apart', { id: 3, label: 'X' }, { id: 3, label: 'x' }, 'conflict'],
    [
      'of a label that was changed for display',
      { id: 3, label: 'A\u202eB' },
      { id: 3, label: 'C' },
      'conflict',
    ],
    ['of a label that is missing', { id: 3 }, { id: 3, label: 'C' }, 'conflict'],
    [
      'of a label longer than the node takes',
      { id: 3, label: 'A'.repeat(17) },
      { id: 3, label: 'C' },
      'conflict',
    ],
    ['of one side', { id: 1, label: 'TIGER1' }, null, 'conflict'],
    ['of anything else', { id: 1, label: 'TIGER1' }, { id: 2, label: 'TIGER2' }, 'site'],
  ])('is none %s', (_what, a, b, kind) => {
    expect(pair(a, b, kind)).toBeNull();
  });
});

describe('a reason', () => {
  it.each([
    ['Formation', null],
    ['  ', 'say why'],
    ['x'.repeat(400), null],
    ['x'.repeat(401), '1 bytes too long'],
    // Two bytes each: the node counts bytes, not letters.
    ['ü'.repeat(201), '2 bytes too long'],
  ])('%j', (reason, fault) => {
    expect(reasonFault(reason)).toBe(fault);
  });
});
