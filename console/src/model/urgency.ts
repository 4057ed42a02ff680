/**
 * How urgent each thing is now, and in which order things are listed.
 *
 * The node decides the level; the console may only raise it: a warning that nobody acknowledged for 60 s is an alarm, even
 * if the node that should have said so has gone silent.
 */
import type { Alert, Level, Notice } from './wire';

export const ESCALATES_AFTER_MS = 60_000;
export const REPLY_DUE_SOON_MS = 30_000;

const RANK: Record<Level, number> = { alarm: 0, warning: 1, caution: 2 };

export function rank(level: Level): number {
  return RANK[level];
}

export function isAcknowledged(alert: Alert): boolean {
  return alert.acknowledged !== null || alert.state === 'acknowledged';
}

/** Wants the officer's hand: neither acknowledged nor over. */
export function isOpen(alert: Alert): boolean {
  return !isAcknowledged(alert) && alert.state !== 'cleared';
}

export function levelOf(alert: Alert, now_utc_ms: number): Level {
  const waited = now_utc_ms - alert.since_utc_ms;
  return alert.level === 'warning' && isOpen(alert) && waited >= ESCALATES_AFTER_MS ? 'alarm' : alert.level;
}

/** Whether the answer that was asked for is missing. RECEIVED is given by the node and SEEN by painting. */
export function wantsAnswer(notice: Notice): boolean {
  if (['RECEIVED', 'SEEN', null].includes(notice.receipt)) return false;
  if (notice.acknowledged === null) return true;
  return (
    notice.receipt !== 'ACKNOWLEDGED' && !notice.answers.some((answer) => answer.level === notice.receipt)
  );
}

/** Whether an officer here has to look at it: the answer is missing, or it is another's and nobody has seen it. */
export function waits(notice: Notice): boolean {
  const unseen = notice.direction === 'in' && notice.seen_utc_ms === null;
  return wantsAnswer(notice) || (unseen && notice.acknowledged === null);
}

/** Level of a notice that was received and wants an answer; null if it does not (yet). */
export function noticeLevel(notice: Notice, now_utc_ms: number): Level | null {
  if (!waits(notice)) return null;
  const left = notice.due_utc_ms === null ? Number.POSITIVE_INFINITY : notice.due_utc_ms - now_utc_ms;
  const soon = left < REPLY_DUE_SOON_MS || notice.overdue;
  if (notice.direction === 'out') return soon && left < 0 ? 'warning' : null;
  if (notice.precedence === 'FLASH') return 'alarm';
  if (left < REPLY_DUE_SOON_MS - ESCALATES_AFTER_MS) return 'alarm';
  return soon ? 'warning' : 'caution';
}

/** By level, then time to closest approach (the soonest first, none last), then age, then id. Cleared ones last. */
export function compareAlerts(a: Alert, b: Alert, now_utc_ms: number): number {
  const cleared = Number(a.state === 'cleared') - Number(b.state === 'cleared');
  return (
    cleared ||
    rank(levelOf(a, now_utc_ms)) - rank(levelOf(b, now_utc_ms)) ||
    order(a.cpa_utc_ms, b.cpa_utc_ms) ||
    a.raised_utc_ms - b.raised_utc_ms ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  );
}

/** Received ones that want an answer first, the soonest due first; then what was sent and is unanswered; then the rest, newest first. */
export function compareNotices(a: Notice, b: Notice): number {
  return (
    group(a) - group(b) ||
    (group(a) < 2 ? order(a.due_utc_ms, b.due_utc_ms) : b.issued_utc_ms - a.issued_utc_ms) ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  );
}

function group(notice: Notice): number {
  if (!wantsAnswer(notice)) return 2;
  return notice.direction === 'in' ? 0 : 1;
}

function order(a: number | null, b: number | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a - b;
}
