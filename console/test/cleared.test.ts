import { describe, expect, it } from 'vitest';
import { clearedOf, nameToClear, usedBy } from '../src/model/cleared';
import { type Label, readMessage, type State } from '../src/model/wire';

const UNTIL = 1_795_000_000_000;
const one = (part: Record<string, unknown> = {}) => ({
  flight: 'TIGER1',
  level: { value_ft: 24_000, reference: 'pressure' },
  by: 'watch-north',
  until_utc_ms: UNTIL,
  ...part,
});

function state(part: Record<string, unknown>): State {
  const message = readMessage(JSON.stringify({ type: 'state', utc_ms: UNTIL, mode: 'live', ...part }));
  if (message?.type !== 'state') throw new Error('not a state');
  return message.state;
}
const levels = (...flights: string[]) => state({ cleared: flights.map((flight) => one({ flight })) }).cleared;
const label = (callsign: string | null, address: string | null): Label => ({ callsign, address });

describe('a cleared level', () => {
  it('is read whole', () => {
    expect(state({ cleared: [one()] }).cleared).toEqual([one()]);
  });

  it('is in force whatever of it cannot be read, and counted if it cannot even be named', () => {
    const read = state({
      cleared: [one({ level: 'FL240', by: 5, until_utc_ms: 'soon' }), one({ flight: '' })],
    });
    expect(read.cleared).toHaveLength(1);
    expect(read.cleared[0]).toMatchObject({ flight: 'TIGER1', level: null, by: '?' });
    expect(read.cleared[0]?.until_utc_ms).toBeNaN();
    expect(read.malformed).toBe(1);
  });

  it('is not cut before the node cuts, and not there in a state that has none', () => {
    const many = Array.from({ length: 1001 }, (_, i) => one({ flight: `F${i}` }));
    const read = state({ cleared: many });
    expect([read.cleared.length, read.malformed]).toEqual([1000, 1]);
    expect(state({}).cleared).toEqual([]);
  });
});

describe('the level of a track', () => {
  it('is that of its callsign, then of its address, in capitals, as at the node', () => {
    const all = levels('4B1A41', 'TIGER1');
    expect(clearedOf(all, label('tiger1', '4b1a41'))?.flight).toBe('TIGER1');
    expect(clearedOf(all, label('LION1', '4b1a41'))?.flight).toBe('4B1A41');
    expect(clearedOf(all, label(null, '4b1a41'))?.flight).toBe('4B1A41');
    expect(clearedOf(all, label('LION1', '4b1a42'))).toBeNull();
    expect(clearedOf(all, label(null, null))).toBeNull();
    expect(clearedOf(all, undefined)).toBeNull();
  });

  it('is used for every own track of the name that has no other before it', () => {
    const own: [number, Label][] = [
      [1, label('TIGER1', '4b1a41')],
      [2, label('TIGER1', null)],
      [3, label('LION1', '4b1a41')],
    ];
    const used = usedBy(levels('4B1A41', 'EAGLE1', 'TIGER1'), own);
    expect(Object.fromEntries(used)).toEqual({ '4B1A41': [3], EAGLE1: [], TIGER1: [1, 2] });
  });
});

describe('the name by which a level is entered', () => {
  const own: [number, Label][] = [
    [1, label('TIGER1', '4b1a41')],
    [2, label('tiger2', null)],
    [3, label('LION1', '4b1a43')],
    [4, label('LION1', null)],
    [5, label('A\u00b7B', '~4b1a45')],
    [6, label(null, null)],
  ];
  it.each([
    ['the callsign', 1, [], 'TIGER1'],
    ['in capitals', 2, [], 'TIGER2'],
    ['the address if another goes by the callsign', 3, [], '4B1A43'],
    ['none if another goes by the only name', 4, [], null],
    ['no name that was changed for display', 5, [], '~4B1A45'],
    ['none without a name', 6, [], null],
    ['none of a track that is not an own one', 9, [], null],
    ['the one under which it has a level already', 1, ['4B1A41'], '4B1A41'],
    ['even if others have it too', 4, ['LION1'], 'LION1'],
  ])('is %s', (_what, id, flights, name) => {
    expect(nameToClear(levels(...flights), id, own)).toBe(name);
  });
});

describe('a flag at a protected site', () => {
  const read = (part: Record<string, unknown>) =>
    state({ alerts: [{ id: '1', kind: 'plan', ...part }] }).alerts[0];
  it('asks for a reason only where the node says so, and has who gave it and when', () => {
    expect(read({ asks_reason: true })).toMatchObject({
      asks_reason: true,
      reason: null,
      reason_utc_ms: null,
    });
    expect(read({ asks_reason: 'yes' })?.asks_reason).toBe(false);
    expect(read({ asks_reason: false, reason: 'anna: agreed\u202e', reason_utc_ms: UNTIL })).toMatchObject({
      asks_reason: false,
      reason: 'anna: agreed\u00b7',
      reason_utc_ms: UNTIL,
    });
  });
  it('shows the longest reason whole', () => {
    const longest = `${'n'.repeat(64)}: ${'x'.repeat(400)}`;
    expect(read({ reason: longest })?.reason).toBe(longest);
  });
});
