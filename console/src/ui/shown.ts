/** Which alerts and notices are in fact in sight, not scrolled away: only these may be reported as displayed. */
const ENOUGH = 0.6;

/** An alert as it was painted: one that was raised again is another thing to have seen. */
export interface PaintedAlert {
  id: string;
  raising: number;
}

export class Shown {
  private readonly inSight = new Map<Element, boolean>();
  private readonly observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) this.inSight.set(entry.target, entry.intersectionRatio >= ENOUGH);
    },
    { threshold: [0, ENOUGH, 1] },
  );

  /** Starts watching the rows below `root` that carry `data-shown`. */
  watch(root: HTMLElement): void {
    for (const row of root.querySelectorAll('[data-shown]')) {
      if (this.inSight.has(row)) continue;
      this.inSight.set(row, false);
      this.observer.observe(row);
    }
  }

  ids(): { alerts: PaintedAlert[]; notices: string[] } {
    const alerts: PaintedAlert[] = [];
    const notices: string[] = [];
    for (const [row, visible] of this.inSight) {
      if (!row.isConnected) {
        this.observer.unobserve(row);
        this.inSight.delete(row);
        continue;
      }
      const found =
        visible && row instanceof HTMLElement
          ? /^(alert|notice):(?!local:)(.+)$/.exec(row.dataset.shown ?? '')
          : null;
      if (!found?.[2] || !(row instanceof HTMLElement)) continue;
      if (found[1] === 'alert') alerts.push({ id: found[2], raising: Number(row.dataset.raising) });
      else notices.push(found[2]);
    }
    return { alerts, notices };
  }
}
