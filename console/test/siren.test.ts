import { describe, expect, it } from 'vitest';
import { SILENCE_MAX_MS, Siren, type Sounding } from '../src/model/siren';

const alarm: Sounding = { id: 'a', level: 'alarm' };
const warning: Sounding = { id: 'w', level: 'warning' };
const caution: Sounding = { id: 'c', level: 'caution' };

/** Times and counts of what sounds within `until` ms, stepped as the console does. */
function run(siren: Siren, open: (now: number) => Sounding[], until: number, from = 0): [number, number][] {
  const heard: [number, number][] = [];
  for (let now = from; now < until; now += 250) {
    const pulses = siren.step(open(now), now);
    if (pulses !== null) heard.push([now, pulses.count]);
  }
  return heard;
}

describe('the siren', () => {
  it('sounds an alarm with three pulses every 4 s until it is acknowledged', () => {
    expect(run(new Siren(), (now) => (now < 9_000 ? [alarm] : []), 20_000)).toEqual([
      [0, 3],
      [4_000, 3],
      [8_000, 3],
    ]);
  });

  it('sounds a warning with two pulses every 30 s', () => {
    expect(run(new Siren(), () => [warning], 61_000)).toEqual([
      [0, 2],
      [30_000, 2],
      [60_000, 2],
    ]);
  });

  it('ticks once for a caution', () => {
    expect(run(new Siren(), () => [caution], 120_000)).toEqual([[0, 1]]);
  });

  it('lets the alarm stand before the warning', () => {
    expect(run(new Siren(), () => [warning, alarm], 5_000)).toEqual([
      [0, 3],
      [4_000, 3],
    ]);
  });

  it('is silent for 30 s at most, however often silence is asked for', () => {
    const siren = new Siren();
    run(siren, () => [alarm], 1_000);
    siren.silence(1_000);
    for (let now = 1_000; now < 31_000; now += 250) {
      siren.silence(now);
      expect(siren.step([alarm], now)).toBeNull();
    }
    expect(siren.silenceLeft_ms(31_000)).toBe(0);
    expect(SILENCE_MAX_MS).toBe(30_000);
    expect(siren.step([alarm], 31_000)).toEqual({ level: 'alarm', count: 3 });
  });

  it('breaks its silence for a new alarm, not for a new caution', () => {
    const siren = new Siren();
    run(siren, () => [alarm], 1_000);
    siren.silence(1_000);
    expect(siren.step([alarm, caution], 2_000)).toBeNull();
    expect(siren.step([alarm, caution, { id: 'b', level: 'alarm' }], 3_000)).toEqual({
      level: 'alarm',
      count: 3,
    });
  });

  it('sounds again when a warning becomes an alarm', () => {
    const siren = new Siren();
    expect(siren.step([{ id: 'x', level: 'warning' }], 0)?.count).toBe(2);
    siren.silence(100);
    expect(siren.step([{ id: 'x', level: 'alarm' }], 2_000)?.count).toBe(3);
  });

  it('never lets two patterns overlap when many alarms come at once', () => {
    const heard = run(
      new Siren(),
      (now) => Array.from({ length: now / 250 + 1 }, (_, i) => ({ id: `${i}`, level: 'alarm' as const })),
      6_000,
    );
    for (const [i, [at]] of heard.entries()) {
      if (i > 0) expect(at - (heard[i - 1]?.[0] ?? 0)).toBeGreaterThanOrEqual(1_500);
    }
  });
});
