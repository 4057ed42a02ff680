/**
 * What is sounded when (after IMO MSC.302(87)): an alarm three pulses every 4 s and a warning two every 30 s, until acknowledged;
 * a caution one soft tick when it is new. Silence lasts 30 s at most, and ends with the next thing that is not a caution.
 */
import type { Level } from './wire';

export const SILENCE_MAX_MS = 30_000;
const PERIOD_MS: Record<Level, number> = { alarm: 4_000, warning: 30_000, caution: Number.POSITIVE_INFINITY };
const PULSES: Record<Level, number> = { alarm: 3, warning: 2, caution: 1 };

/** One unacknowledged thing. */
export interface Sounding {
  id: string;
  level: Level;
}

export interface Pulses {
  level: Level;
  count: number;
}

export class Siren {
  private readonly known = new Map<string, Level>();
  private last_ms: Record<Level, number> = { alarm: -Infinity, warning: -Infinity, caution: -Infinity };
  private silent_until_ms = Number.NEGATIVE_INFINITY;

  /** Silences for at most 30 s. Asking again while silent does not lengthen it. */
  silence(now_ms: number): void {
    if (!this.isSilent(now_ms)) this.silent_until_ms = now_ms + SILENCE_MAX_MS;
  }

  isSilent(now_ms: number): boolean {
    return now_ms < this.silent_until_ms;
  }

  silenceLeft_ms(now_ms: number): number {
    return Math.max(0, this.silent_until_ms - now_ms);
  }

  /** What to sound now, given everything unacknowledged; null for nothing. Call it four times a second or so. */
  step(open: readonly Sounding[], now_ms: number): Pulses | null {
    const fresh = open.filter(({ id, level }) => worse(level, this.known.get(id)));
    this.known.clear();
    for (const { id, level } of open) this.known.set(id, level);
    const urgent = fresh.filter(({ level }) => level !== 'caution');
    if (urgent.length > 0) this.silent_until_ms = Number.NEGATIVE_INFINITY;
    const level = (['alarm', 'warning'] as const).find((known) => open.some((one) => one.level === known));
    if (level === undefined) {
      return fresh.length > 0 && !this.isSilent(now_ms) ? this.sound('caution', now_ms) : null;
    }
    if (this.isSilent(now_ms)) return null;
    const isNew = urgent.some((one) => one.level === level);
    // A new alarm is heard at once, but not as a burst: pulses of one pattern never overlap.
    const since = now_ms - this.last_ms[level];
    const due = since >= PERIOD_MS[level] || (isNew && since >= 1_500);
    return due ? this.sound(level, now_ms) : null;
  }

  private sound(level: Level, now_ms: number): Pulses {
    this.last_ms[level] = now_ms;
    return { level, count: PULSES[level] };
  }
}

function worse(level: Level, before: Level | undefined): boolean {
  const rank: Record<Level, number> = { alarm: 0, warning: 1, caution: 2 };
  return before === undefined || rank[level] < rank[before];
}
