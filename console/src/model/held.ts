/**
 * The order of a list that must not move under the officer's hand: while the pointer is over it or the focus in it, rows keep
 * their places, new rows come at the end, and rows that are gone leave a place holder.
 */

/** A hand that has not moved for this long is no longer there: a resting mouse must not hide the order for ever. */
export const HAND_GONE_AFTER_MS = 15_000;

export interface Row<T> {
  id: string;
  /** Null: it is gone, its place is kept. */
  item: T | null;
}

export class HeldOrder<T> {
  private shown: string[] = [];
  private inside = false;
  private moved_ms = Number.NEGATIVE_INFINITY;
  /** Rows that stand elsewhere than their rank says. */
  displaced = 0;

  /** The pointer or the focus is inside, or not. */
  hold(inside: boolean, now_ms: number): void {
    this.inside = inside;
    this.moved_ms = now_ms;
  }

  isHeld(now_ms: number): boolean {
    return this.inside && now_ms - this.moved_ms < HAND_GONE_AFTER_MS;
  }

  /** Rows to show for `items`, given in their proper order. */
  arrange(items: readonly T[], idOf: (item: T) => string, now_ms: number): Row<T>[] {
    const proper = items.map(idOf);
    if (!this.isHeld(now_ms)) {
      this.shown = proper;
      this.displaced = 0;
      return items.map((item) => ({ id: idOf(item), item }));
    }
    const byId = new Map(items.map((item) => [idOf(item), item]));
    const known = new Set(this.shown);
    this.shown = [...this.shown, ...proper.filter((id) => !known.has(id))];
    const present = this.shown.filter((id) => byId.has(id));
    this.displaced = present.filter((id, i) => proper[i] !== id).length;
    return this.shown.map((id) => ({ id, item: byId.get(id) ?? null }));
  }
}
