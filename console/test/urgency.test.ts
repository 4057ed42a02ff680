import { describe, expect, it } from 'vitest';
import { HAND_GONE_AFTER_MS, HeldOrder } from '../src/model/held';
import { compareAlerts, compareNotices, levelOf, noticeLevel, wantsAnswer } from '../src/model/urgency';
import { type Alert, type Notice, readMessage } from '../src/model/wire';

const NOW = 1_000_000;

export function state(part: Record<string, unknown>) {
  const message = readMessage(JSON.stringify({ type: 'state', utc_ms: NOW, ...part }));
  if (message?.type !== 'state') throw new Error('not a state');
  return message.state;
}

function alert(part: Record<string, unknown>): Alert {
  const [one] = state({
    alerts: [{ id: 'x', kind: 'conflict', level: 'warning', state: 'shown', raised_utc_ms: NOW, ...part }],
  }).alerts;
  if (one === undefined) throw new Error('dropped');
  return one;
}

function notice(part: Record<string, unknown>): Notice {
  const [one] = state({
    notices: [{ id: 'x', direction: 'in', precedence: 'IMMEDIATE', issued_utc_ms: NOW, ...part }],
  }).notices;
  if (one === undefined) throw new Error('dropped');
  return one;
}

const order = (alerts: Alert[]) => [...alerts].sort((a, b) => compareAlerts(a, b, NOW)).map((one) => one.id);

describe('alerts are ordered', () => {
  it('by level, then time to closest approach, those without one last', () => {
    expect(
      order([
        alert({ id: 'caution', level: 'caution', cpa_utc_ms: NOW }),
        alert({ id: 'none', level: 'alarm', cpa_utc_ms: null }),
        alert({ id: 'later', level: 'alarm', cpa_utc_ms: NOW + 60_000 }),
        alert({ id: 'soon', level: 'alarm', cpa_utc_ms: NOW + 5_000 }),
        alert({ id: 'warning', level: 'warning', cpa_utc_ms: NOW + 1 }),
      ]),
    ).toEqual(['soon', 'later', 'none', 'warning', 'caution']);
  });

  it('with an old unacknowledged warning among the alarms, and cleared ones at the end', () => {
    expect(
      order([
        alert({ id: 'cleared', level: 'alarm', state: 'cleared', cpa_utc_ms: NOW }),
        alert({ id: 'fresh', cpa_utc_ms: NOW }),
        alert({ id: 'old', cpa_utc_ms: NOW + 90_000, raised_utc_ms: NOW - 60_000 }),
      ]),
    ).toEqual(['old', 'fresh', 'cleared']);
  });

  it('the same whichever way they came', () => {
    const alerts = ['b', 'a', 'c'].map((id) => alert({ id, cpa_utc_ms: 5 }));
    expect(order(alerts)).toEqual(order([...alerts].reverse()));
  });
});

describe('a warning', () => {
  it.each([
    [59_999, {}, 'warning'],
    [60_000, {}, 'alarm'],
    [60_000, { acknowledged: { by: 'watch', utc_ms: 1 } }, 'warning'],
    [60_000, { state: 'acknowledged' }, 'warning'],
    [60_000, { state: 'cleared' }, 'warning'],
    [90_000, { level: 'caution' }, 'caution'],
  ])('after %i ms with %j is %s', (waited, part, level) => {
    expect(levelOf(alert({ raised_utc_ms: NOW - waited, ...part }), NOW)).toBe(level);
  });

  it('that was raised again waits anew', () => {
    const again = alert({ raised_utc_ms: NOW - 600_000, since_utc_ms: NOW - 59_999, raising: 2 });
    expect(levelOf(again, NOW)).toBe('warning');
  });

  it('of a level nobody knows is an alarm', () => {
    expect(alert({ level: 'panic' }).level).toBe('alarm');
  });
});

describe('a notice', () => {
  it.each([
    [{ precedence: 'FLASH' }, 'alarm'],
    [{ due_utc_ms: NOW + 31_000 }, 'caution'],
    [{ due_utc_ms: NOW + 29_000 }, 'warning'],
    [{ due_utc_ms: NOW - 29_000, overdue: true }, 'warning'],
    [{ due_utc_ms: NOW - 31_000, overdue: true }, 'alarm'],
    [{ precedence: 'FLASH', acknowledged: { utc_ms: 1, role: 'officer' } }, null],
    [{ precedence: 'ROUTINE', receipt: null }, 'caution'],
    [{ precedence: 'ROUTINE', receipt: null, seen_utc_ms: 1 }, null],
    [{ precedence: 'FLASH', receipt: 'SEEN', seen_utc_ms: 1 }, null],
    [{ precedence: 'FLASH', receipt: 'ACKNOWLEDGED', seen_utc_ms: 1 }, 'alarm'],
    [{ direction: 'out', receipt: null, due_utc_ms: NOW - 1 }, null],
    [{ direction: 'out', due_utc_ms: NOW + 10_000 }, null],
    [{ direction: 'out', due_utc_ms: NOW - 1, overdue: true }, 'warning'],
  ])('with %j is %s', (part, level) => {
    expect(noticeLevel(notice(part), NOW)).toBe(level);
  });

  it.each([
    [{}, true],
    [{ receipt: 'ACKNOWLEDGED' }, true],
    [{ receipt: 'RESPONDED' }, true],
    [{ receipt: null }, false],
    [{ receipt: 'RECEIVED' }, false],
    [{ receipt: 'SEEN' }, false],
    [{ acknowledged: { utc_ms: 1, role: 'officer', read_back_ok: true } }, false],
  ])('with %j wants an answer: %s', (part, wanted) => {
    expect(wantsAnswer(notice(part))).toBe(wanted);
  });

  it('that wants an answer stands first, the soonest due before the rest', () => {
    const all = [
      notice({ id: 'done', acknowledged: { utc_ms: 1, role: 'officer' } }),
      notice({ id: 'told', receipt: null, issued_utc_ms: NOW - 1 }),
      notice({ id: 'sent', direction: 'out', due_utc_ms: NOW }),
      notice({ id: 'late', due_utc_ms: NOW + 9 }),
      notice({ id: 'soon', due_utc_ms: NOW + 1 }),
    ];
    expect(all.sort(compareNotices).map((one) => one.id)).toEqual(['soon', 'late', 'sent', 'done', 'told']);
  });
});

describe('a list under the hand', () => {
  const ids = (held: HeldOrder<string>, items: string[], now: number) =>
    held.arrange(items, (item) => item, now).map((row) => (row.item === null ? `(${row.id})` : row.id));

  it('keeps its order, puts new rows last and leaves place holders', () => {
    const held = new HeldOrder<string>();
    expect(ids(held, ['a', 'b', 'c'], 0)).toEqual(['a', 'b', 'c']);
    held.hold(true, 10);
    expect(ids(held, ['new', 'c', 'a'], 20)).toEqual(['a', '(b)', 'c', 'new']);
    expect(held.displaced).toBe(2);
    held.hold(false, 30);
    expect(ids(held, ['new', 'c', 'a'], 40)).toEqual(['new', 'c', 'a']);
    expect(held.displaced).toBe(0);
  });

  it('is let go when the hand has not moved for long', () => {
    const held = new HeldOrder<string>();
    ids(held, ['a', 'b'], 0);
    held.hold(true, 0);
    expect(ids(held, ['b', 'a'], HAND_GONE_AFTER_MS - 1)).toEqual(['a', 'b']);
    expect(ids(held, ['b', 'a'], HAND_GONE_AFTER_MS)).toEqual(['b', 'a']);
  });
});
