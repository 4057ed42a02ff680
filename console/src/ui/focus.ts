/** Focus never falls to the body: a key pressed then would go nowhere, and the officer would not know. */

export class FocusKeeper {
  private panel: HTMLElement | null = null;
  private opener: string | null = null;

  constructor() {
    document.addEventListener('focusin', (event) => {
      const panel =
        event.target instanceof Element ? event.target.closest<HTMLElement>('[data-panel]') : null;
      if (panel !== null) this.panel = panel;
    });
  }

  /** Focuses the panel last used if nothing has the focus. */
  restore(): void {
    if (document.activeElement !== document.body && document.activeElement !== null) return;
    if (!document.hasFocus()) return;
    const target = this.panel?.isConnected
      ? this.panel
      : document.querySelector<HTMLElement>('sky-alerts [data-panel]');
    target?.focus({ preventScroll: true });
  }

  /** Notes where to go back to. By key, not by element: the list may be drawn anew meanwhile. */
  remember(opener: Element | null): void {
    this.opener = opener instanceof HTMLElement ? (opener.dataset.key ?? null) : null;
  }

  goBack(otherwise: string): void {
    const key = this.opener;
    this.opener = null;
    const button =
      key === null ? null : document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    (button ?? document.querySelector<HTMLElement>(`${otherwise} [data-panel]`))?.focus();
  }
}
