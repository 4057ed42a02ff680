import { html, nothing, type TemplateResult } from 'lit';
import { MapView } from '../map/view';
import { clock, thousands } from '../model/format';
import { Panel } from './panel';

const MATCHES_MAX = 8;
const PAN_PX = 90;

/** The map with its mode bar: search on the left, the key to the symbols on the right. */
class MapPanel extends Panel {
  private query = '';
  private chosen = 0;

  protected override firstUpdated(): void {
    const target = this.querySelector<HTMLElement>('.map');
    if (target === null) return;
    this.app.map = new MapView(
      target,
      () => this.app.scene(),
      (row) => this.app.store.select(row < 0 ? null : (this.app.store.picture.id[row] ?? null)),
    );
    // The labels of the map are drawn, so the font must be there before the first frame is.
    void document.fonts.load('11px "IBM Plex Mono"').then(() => this.app.map?.repaint());
  }

  protected override render(): TemplateResult {
    const { store } = this.app;
    const frozen = store.frozen();
    return html`<section class="panel map-panel" aria-labelledby="map-title">
      <div class="mode-bar">
        <h2 id="map-title"><kbd>0</kbd> Own picture</h2>
        ${this.search()}
        <span class="figure dim tracks-count">${thousands(store.picture.count)} tracks</span>
      </div>
      <div
        class="map ${frozen === null ? '' : 'grey'}"
        data-panel
        tabindex="0"
        role="application"
        aria-label="Map of ${thousands(store.picture.count)} tracks. Arrow keys pan, plus and minus zoom, t searches."
        @keydown=${this.keydown}
      ></div>
      ${frozen === null ? nothing : this.frozen(frozen)}
    </section>`;
  }

  private frozen(reason: string): TemplateResult {
    const { store } = this.app;
    const last =
      store.picture.utc_ms === 0
        ? 'No picture was ever received.'
        : `This is the picture of ${clock(store.picture.utc_ms)}.`;
    return html`<div class="frozen-note">
      <strong>PICTURE FROZEN</strong>
      <p>${last} Reason: ${reason}. All ages are unknown. Next: look at the node; use the hotline and your own sensors.</p>
    </div>`;
  }

  private search(): TemplateResult {
    const matches = this.found();
    const open = matches.length > 0;
    return html`<div class="search">
      <label class="sr" for="track-search">Search for a track</label>
      <input
        id="track-search"
        type="text"
        role="combobox"
        aria-expanded=${open ? 'true' : 'false'}
        aria-controls="track-matches"
        aria-autocomplete="list"
        aria-activedescendant=${open ? `match-${this.chosen}` : nothing}
        placeholder="Track: callsign or address   [t]"
        autocomplete="off"
        spellcheck="false"
        maxlength="16"
        .value=${this.query}
        @input=${this.typed}
        @keydown=${this.searchKey}
        @blur=${() => this.clear()}
      />
      <ul id="track-matches" role="listbox" aria-label="Matching tracks" ?hidden=${!open}>
        ${matches.map(
          (
            id,
            i,
          ) => html`<li id="match-${i}" role="option" aria-selected=${i === this.chosen ? 'true' : 'false'}
            @mousedown=${(event: Event) => {
              event.preventDefault();
              this.take(id);
            }}>${this.app.store.nameOf(id)} <small>${this.app.store.labels.get(id)?.address ?? ''}</small></li>`,
        )}
      </ul>
      ${this.query !== '' && !open ? html`<span class="nothing" role="status">no such track</span>` : nothing}
    </div>`;
  }

  private found(): number[] {
    const wanted = this.query.trim().toUpperCase();
    if (wanted === '') return [];
    const found: number[] = [];
    for (const [id, label] of this.app.store.labels) {
      const hit = [label.callsign, label.address].some((text) => text?.toUpperCase().includes(wanted));
      if (hit) found.push(id);
      if (found.length === MATCHES_MAX) break;
    }
    return found;
  }

  private typed(event: InputEvent): void {
    this.query = event.target instanceof HTMLInputElement ? event.target.value : '';
    this.chosen = 0;
    this.requestUpdate();
  }

  private searchKey(event: KeyboardEvent): void {
    const matches = this.found();
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by !== 0 && matches.length > 0) {
      event.preventDefault();
      this.chosen = (this.chosen + by + matches.length) % matches.length;
      this.requestUpdate();
    }
    const id = matches[this.chosen];
    if (event.key === 'Enter' && id !== undefined) {
      event.preventDefault();
      this.take(id);
    }
  }

  private take(id: number): void {
    this.app.store.select(id);
    this.app.centreOnSelected();
    this.clear();
    this.querySelector<HTMLElement>('.map')?.focus();
  }

  private clear(): void {
    this.query = '';
    this.requestUpdate();
  }

  private keydown(event: KeyboardEvent): void {
    const pans: Record<string, [number, number]> = {
      ArrowLeft: [-PAN_PX, 0],
      ArrowRight: [PAN_PX, 0],
      ArrowUp: [0, -PAN_PX],
      ArrowDown: [0, PAN_PX],
    };
    const pan = pans[event.key];
    if (pan !== undefined) this.app.map?.panBy(...pan);
    else if (event.key === '+' || event.key === '=') this.app.map?.zoomBy(1);
    else if (event.key === '-') this.app.map?.zoomBy(-1);
    else return;
    event.preventDefault();
  }
}

customElements.define('sky-map', MapPanel);
