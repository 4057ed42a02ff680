import { beforeEach, describe, expect, it } from 'vitest';
import { age, clock, countdown, thousands } from '../src/model/format';
import { HEADER_BYTES, TRACK_BYTES } from '../src/model/frame';
import { FROZEN_AFTER_MS, OWN_PICTURE, Store } from '../src/model/store';
import { plain } from '../src/model/text';
import { LIST_MAX, readMessage } from '../src/model/wire';

// The store asks only whether the page is visible.
const page = { visibilityState: 'visible' };
Object.defineProperty(globalThis, 'document', { value: page, configurable: true });

const UTC = 1_795_000_000_000;
let now = 0;
let store = new Store(() => now);

function frame(owner = 1, age_ds = 20, frozen = false): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + TRACK_BYTES));
  for (const [i, letter] of [...'SKT1'].entries()) view.setUint8(i, letter.charCodeAt(0));
  view.setBigInt64(8, BigInt(UTC + now), true);
  view.setUint32(16, 1, true);
  view.setUint32(20, frozen ? 1 : 0, true);
  view.setUint32(HEADER_BYTES, 9, true);
  view.setUint16(HEADER_BYTES + 22, age_ds, true);
  view.setUint8(HEADER_BYTES + 24, owner);
  return view.buffer;
}

function state(part: Record<string, unknown> = {}): void {
  store.message(readMessage(JSON.stringify({ type: 'state', utc_ms: UTC + now, mode: 'live', ...part })));
}

beforeEach(() => {
  now = 0;
  page.visibilityState = 'visible';
  store = new Store(() => now);
  store.connection = 'open';
  store.message(
    readMessage(JSON.stringify({ type: 'hello', party: 'north', parties: ['north', 'south'], utc_ms: UTC })),
  );
});

describe('ages', () => {
  it('go on from the last frame and state by the steady clock', () => {
    state({ peers: [{ party: 'south', link: 'up', age_ms: 800 }] });
    store.frame(frame());
    now = 1_500;
    expect([store.pictureAge_ms(), store.trackAge_ms(0), store.since(800)]).toEqual([1_500, 3_500, 2_300]);
    expect(store.utc_ms()).toBe(UTC + 1_500);
  });

  it('are unknown while the picture is frozen', () => {
    state();
    store.frame(frame());
    now = FROZEN_AFTER_MS;
    expect([store.trackAge_ms(0), store.since(800)]).toEqual([null, null]);
    expect(age(store.since(800))).toBe('unknown');
  });
});

describe('the picture is frozen', () => {
  it.each([
    [
      '3 s after the last frame',
      () => {
        store.frame(frame());
        now = FROZEN_AFTER_MS;
      },
      true,
    ],
    [
      'not before',
      () => {
        store.frame(frame());
        now = FROZEN_AFTER_MS - 1;
      },
      false,
    ],
    [
      '3 s after opening without any frame',
      () => {
        now = FROZEN_AFTER_MS;
      },
      true,
    ],
    [
      'when the frame says so',
      () => {
        store.frame(frame(1, 0, true));
      },
      true,
    ],
    [
      'when the state says so',
      () => {
        store.frame(frame());
        state({ frozen: 'clock' });
      },
      true,
    ],
    [
      'not by states alone while the page is seen',
      () => {
        store.frame(frame());
        now = 4_000;
        state();
      },
      true,
    ],
    [
      'not while the page is hidden and states come',
      () => {
        store.frame(frame());
        page.visibilityState = 'hidden';
        now = 4_000;
        state();
      },
      false,
    ],
  ])('%s', (_name, act, frozen) => {
    act();
    expect(store.frozen() !== null).toBe(frozen);
  });

  it('is not frozen at once when the page is seen again, but is if no frame follows', () => {
    store.frame(frame());
    page.visibilityState = 'hidden';
    now = 60_000;
    state();
    page.visibilityState = 'visible';
    store.seenAgain();
    expect(store.frozen()).toBeNull();
    now += FROZEN_AFTER_MS;
    state();
    expect(store.frozen()).not.toBeNull();
  });

  it('and raises its own alarm, which is acknowledged here and returns with the next loss', () => {
    store.frame(frame());
    now = 5_000;
    expect(store.alerts().map((one) => [one.id, one.level])).toEqual([[OWN_PICTURE, 'alarm']]);
    expect(store.soundings()).toHaveLength(1);
    store.acknowledgeOwnPicture();
    expect([store.soundings().length, store.alerts().length, store.count('alarm')]).toEqual([0, 1, 1]);
    store.frame(frame());
    expect(store.alerts()).toEqual([]);
    now = 10_000;
    expect(store.soundings()).toHaveLength(1);
  });

  it('and other alerts go on sounding', () => {
    state({ alerts: [{ id: 'c1', level: 'alarm', kind: 'conflict' }] });
    store.frame(frame());
    now = 60_000;
    expect(store.soundings().map((one) => one.id)).toEqual([OWN_PICTURE, 'c1']);
  });
});

describe('tracks of a peer that is not heard', () => {
  it.each([
    ['up', false],
    ['down', true],
    ['frozen', true],
    ['gibberish', true],
  ])('with link %s: lost is %s', (link, lost) => {
    state({ peers: [{ party: 'south', link }] });
    expect([store.isLost(1), store.isLost(0), store.isLost(255)]).toEqual([lost, false, false]);
  });
});

describe('who may act', () => {
  it.each([
    ['officer', true],
    ['planner', true],
    ['observer', false],
    ['administrator', false],
    ['emperor', false],
  ])('%s: %s', (role, may) => {
    store.message(readMessage(JSON.stringify({ type: 'hello', role })));
    expect(store.mayAct()).toBe(may);
  });
});

describe('one alert per situation', () => {
  const notice = { id: 'n1', subject: 's1', direction: 'in', precedence: 'FLASH', issued_utc_ms: UTC };
  it.each([
    ['a notice alone counts', [], 1],
    ['its alert counts instead', [{ id: 'a', kind: 'notice', level: 'alarm', about: 'n1' }], 1],
    [
      'an alert about another does not stand in for it',
      [{ id: 'a', kind: 'notice', level: 'alarm', about: 'n2' }],
      2,
    ],
    ['an alert that does not say is taken to be about it', [{ id: 'a', kind: 'notice', level: 'alarm' }], 1],
  ])('%s', (_name, alerts, count) => {
    store.frame(frame());
    state({ notices: [notice], alerts });
    expect([store.unacknowledged(), store.count('alarm'), store.soundings().length]).toEqual([
      count,
      count,
      count,
    ]);
  });
});

describe('what cannot be read', () => {
  it('is counted, and the last good picture stays', () => {
    store.frame(frame());
    expect(store.frame(new ArrayBuffer(7))).toBe(false);
    store.message(readMessage('{'));
    state({ alerts: [{ kind: 'conflict' }, 5, { id: 'good' }], peers: 'none' });
    expect([store.refused, store.picture.count, store.state.alerts.length]).toEqual([4, 1, 1]);
  });

  it('is bounded', () => {
    state({
      alerts: Array.from({ length: LIST_MAX + 7 }, (_, i) => ({ id: `${i}`, text: 'x'.repeat(10_000) })),
    });
    expect([store.state.alerts.length, store.state.malformed]).toEqual([LIST_MAX, 7]);
    expect(store.state.alerts[0]?.text.length).toBe(400);
  });

  it('never breaks the reader, whatever the types', () => {
    const junk = [null, 0, -1, Number.MAX_VALUE, 'x', '', [], {}, [[]], [{}], true, { lat: 'x', lon: {} }];
    for (const type of ['hello', 'state', 'labels', 'other', 4]) {
      for (const bad of junk) {
        const fields = [
          'peers',
          'feeds',
          'alerts',
          'notices',
          'parties',
          'pact',
          'labels',
          'gone',
          'mode',
          'utc_ms',
          'frozen',
        ];
        const message = Object.fromEntries(fields.map((name) => [name, bad]));
        expect(() => readMessage(JSON.stringify({ type, ...message }))).not.toThrow();
        const nested = {
          peers: [bad, { party: bad, in: bad }],
          alerts: [{ id: 'a', a: bad, acknowledged: bad }],
          notices: [{ id: 'n', place: bad, level: bad }],
        };
        expect(() => readMessage(JSON.stringify({ type, ...nested }))).not.toThrow();
      }
    }
  });
});

describe('text of peers', () => {
  it('loses what turns, hides or breaks other text', () => {
    expect(plain('CLEAR\u202eTON\u2066 \u0007a\nb\u200bc', 99)).toBe('CLEAR·TON· ·a·b·c');
    expect(plain('Ограничение с 12:00, שלום', 99)).toBe('Ограничение с 12:00, שלום');
    expect(plain('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`);
  });
});

describe('figures', () => {
  it.each([
    [0, '0.0 s'],
    [840, '0.8 s'],
    [9_940, '9.9 s'],
    [9_960, '10 s'],
    [99_400, '99 s'],
    [125_000, '2 min 05 s'],
    [3_599_900, '1 h 00 min'],
    [11_400_000, '3 h 10 min'],
    [-5, '0.0 s'],
  ])('age %i is %s', (ms, text) => {
    expect(age(ms)).toBe(text);
  });
  it.each([
    [42_000, '00:42'],
    [41_001, '00:42'],
    [0, '00:00'],
    [-1_500, '+00:01'],
    [3_723_000, '1:02:03'],
  ])('countdown %i is %s', (ms, text) => {
    expect(countdown(ms)).toBe(text);
  });
  it('clock and thousands', () => {
    expect([clock(UTC), clock(Number.NaN), thousands(9812), thousands(1234567)]).toEqual([
      '11:06:40Z',
      '--:--:--Z',
      '9,812',
      '1,234,567',
    ]);
  });
});

describe('the desk and the rules', () => {
  it('are what the node says, and nothing by default', () => {
    state();
    expect([store.state.staffing, store.state.release]).toEqual([null, { revision: 0, proposal: null }]);
    state({
      staffing: { manned: 'yes', next_utc_ms: 5, note: 'a\u202eb' },
      release: { revision: 3, proposal: 7 },
      peers: [{ party: 'south', link: 'up', staffing: { manned: true } }],
    });
    // Only a clear yes is a yes.
    expect(store.state.staffing).toEqual({ manned: false, next_utc_ms: 5, note: 'a\u00b7b' });
    expect(store.state.release).toEqual({ revision: 3, proposal: 7 });
    expect(store.peer('south')?.staffing).toEqual({ manned: true, next_utc_ms: null, note: '' });
  });

  it('are offered to those who may', () => {
    const may = (role: string) => {
      store.message(readMessage(JSON.stringify({ type: 'hello', party: 'north', role })));
      return [store.mayAct(), store.mayReadRules(), store.mayRule()];
    };
    expect(may('observer')).toEqual([false, false, false]);
    expect(may('officer')).toEqual([true, false, false]);
    expect(may('planner')).toEqual([true, true, false]);
    expect(may('administrator')).toEqual([false, true, true]);
  });
});

describe('the selected track', () => {
  it('is an own one only while it is in the picture as one', () => {
    const labels = { type: 'labels', labels: [[9, 'TIGER1', '4b1a41']], gone: [] };
    store.message(readMessage(JSON.stringify(labels)));
    store.frame(frame(0));
    expect(store.selectedOwn()).toBeNull();
    store.select(9);
    expect(store.selectedOwn()).toBe(9);
    expect(store.ownLabels()).toEqual([[9, { callsign: 'TIGER1', address: '4b1a41' }]]);
    for (const owner of [1, 255]) {
      store.frame(frame(owner));
      expect([store.selectedOwn(), store.ownLabels()]).toEqual([null, []]);
    }
    store.select(8);
    store.frame(frame(0));
    expect(store.selectedOwn()).toBeNull();
  });
});
