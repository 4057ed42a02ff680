import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { App } from '../app';
import { type Cleared, LASTS, nameToClear, usedBy } from '../model/cleared';
import { altitude, countdown, moment, referenceText, thousands } from '../model/format';
import { HeldOrder } from '../model/held';
import { parseLevel } from '../model/parse';
import type { Label, Reference } from '../model/wire';
import { read, value } from './compose';
import { holding } from './holding';
import { Panel } from './panel';
import { problemBlock } from './sign-in';

/** Rows drawn; the rest is counted. */
const ROWS_MAX = 200;
/** What the node takes: reports tell no height above the sea or the ground. */
const TAKEN: readonly Reference[] = ['pressure', 'wgs84'];

/**
 * Levels that own flights are cleared to: a form for the own track that was selected when it was opened, and all that are in force. The
 * flight stays the one it was opened for, whatever is selected meanwhile; neither level nor end is filled in beforehand.
 */
class ClearedLevels extends Panel {
  declare track: number | null;
  private readonly held = new HeldOrder<Cleared>();
  private flight: string | null = null;
  private level = '';
  private reference: Reference = 'pressure';
  private last_ms: number | null = null;
  private tried = false;
  /** One for each thing asked: sent again after no answer it is done once. */
  private key: string = crypto.randomUUID();

  override connectedCallback(): void {
    super.connectedCallback();
    const { store } = this.app;
    this.flight =
      this.track === null ? null : nameToClear(store.state.cleared, this.track, store.ownLabels());
  }

  protected override firstUpdated(): void {
    const first = this.querySelector<HTMLElement>('input') ?? this.querySelector<HTMLElement>('[data-panel]');
    first?.focus();
  }

  protected override render(): TemplateResult {
    const { store } = this.app;
    const own = store.ownLabels();
    return html`<section class="drawer levels" role="dialog" aria-labelledby="cleared-title" data-panel tabindex="-1">
      <h2 id="cleared-title">${this.flight === null ? 'Cleared levels' : `Cleared level of ${this.flight}`}</h2>
      ${store.mayAct() ? (this.flight === null ? this.nobody() : this.form(this.flight, own)) : nothing}
      ${this.list(own)}
      ${this.flight === null || !store.mayAct() ? html`<div class="buttons"><button type="button" @click=${() => this.app.closeDrawer()}>Close <kbd>Esc</kbd></button></div>` : nothing}
    </section>`;
  }

  private nobody(): TemplateResult {
    return this.track === null
      ? html`<p>To enter one, select an own track first (<kbd>t</kbd> searches), then press <kbd>f</kbd>.</p>`
      : html`<p>The selected track has no callsign or address that is its alone: a level cannot be entered for it.</p>`;
  }

  private form(flight: string, own: readonly [number, Label][]): TemplateResult {
    const { store, pending, problems } = this.app;
    const now = store.utc_ms();
    const level = this.parsed();
    const busy = pending.has('cleared');
    const before = store.state.cleared.find((one) => one.flight === flight);
    const gone = !own.some(([id]) => id === this.track);
    return html`<form @submit=${this.submit} novalidate>
      <p>Conflicts of ${flight} are predicted with a climb or descent that ends there. One that is there only if it goes through its level
        is a caution until the minima are lost. Nothing is sent to the aircraft.</p>
      ${before === undefined ? nothing : html`<p>In force: <b>${altitude(before.level)}</b> until ${until(before, now)}, by ${before.by}. What you enter takes its place.</p>`}
      ${gone ? html`<p><b>${flight} is no longer in the picture.</b></p>` : nothing}
      <div class="line two">
        <div>
          <label for="cleared-level">Level <small>FL or feet</small></label>
          <input id="cleared-level" spellcheck="false" autocomplete="off" placeholder="FL240" .value=${this.level} aria-describedby="cleared-level-as" @input=${(event: Event) => this.set({ level: value(event) })} />
          ${this.tried && this.level.trim() === '' ? html`<p id="cleared-level-as" class="wrong">say which</p>` : read('cleared-level-as', this.level, level, (ft) => `${thousands(ft)} ft, ${referenceText(this.reference)}`)}
        </div>
        <div>
          <label for="cleared-reference">Reference</label>
          <select id="cleared-reference" @change=${(event: Event) => this.set({ reference: value(event) as Reference })}>
            ${TAKEN.map((one) => html`<option value=${one} ?selected=${one === this.reference}>${referenceText(one)}</option>`)}
          </select>
          <p class="as">an altitude by local pressure is not taken</p>
        </div>
      </div>
      <fieldset class="line">
        <legend>For how long</legend>
        ${LASTS.map(
          (
            [words, last_ms],
            i,
          ) => html`<label class="check"><input type="radio" name="cleared-last" id="cleared-last-${i}" .checked=${this.last_ms === last_ms} @change=${() => this.set({ last_ms })} />
            ${words} <small>until ${moment(now + last_ms, now)}</small></label>`,
        )}
        ${this.tried && this.last_ms === null ? html`<p class="wrong">choose one</p>` : nothing}
      </fieldset>
      ${problemBlock(problems.get('cleared'))}
      <div class="buttons">
        <button class="primary" type="submit" aria-disabled=${busy ? 'true' : 'false'}>${busy ? 'Asking the node…' : `Enter for ${flight}`}</button>
        <button type="button" @click=${() => this.app.closeDrawer()}>Not now <kbd>Esc</kbd></button>
      </div>
    </form>`;
  }

  private list(own: readonly [number, Label][]): TemplateResult {
    const all = this.app.store.state.cleared;
    const used = usedBy(all, own);
    const rows = this.held.arrange(all.slice(0, ROWS_MAX), (one) => one.flight, performance.now());
    return html`<section class="in-force" aria-labelledby="cleared-list">
      <h3 id="cleared-list">${all.length === 0 ? 'No cleared level is in force' : `In force: ${thousands(all.length)}`}</h3>
      <ul class="rows" ${holding(this.held)}>
        ${repeat(
          rows,
          (row) => row.id,
          (row) =>
            row.item === null
              ? html`<li class="row gone">${row.id}: ended</li>`
              : this.row(row.item, used.get(row.id) ?? []),
        )}
      </ul>
      ${all.length > ROWS_MAX ? html`<p class="hint">${thousands(all.length - ROWS_MAX)} more are not listed here; each is shown at its track.</p>` : nothing}
    </section>`;
  }

  private row(one: Cleared, tracks: number[]): TemplateResult {
    const now = this.app.store.utc_ms();
    const problem = this.app.problems.get(`uncleared:${one.flight}`);
    const [first] = tracks;
    return html`<li class="row" data-cleared=${one.flight}>
      <div class="top">
        <b class="callsign">${one.flight}</b> <b>${altitude(one.level)}</b>
        <span class="when"><small>until ${until(one, now)}</small> <span class="figure">${Number.isFinite(one.until_utc_ms) ? countdown(one.until_utc_ms - now) : nothing}</span></span>
      </div>
      <div class="bottom">
        <p class="facts">by ${one.by}${tracks.length === 0 ? html`; <b>no own track goes by this name now</b>` : tracks.length > 1 ? html`; <b>used for ${tracks.length} own tracks of this name</b>` : nothing}</p>
        ${first === undefined ? nothing : html`<button type="button" class="small" data-key="cleared-show:${one.flight}" aria-label="Select ${one.flight}" @click=${() => this.show(first)}>Select</button>`}
        ${this.app.store.mayAct() ? takeAwayButton(this.app, one, 'list') : nothing}
      </div>
      ${problem === undefined ? nothing : html`<p class="refusal" role="alert"><b>Not taken away.</b> ${problem.title}. ${problem.detail}</p>`}
    </li>`;
  }

  private show(id: number): void {
    this.app.store.select(id);
    this.app.centreOnSelected();
  }

  private parsed() {
    return this.level.trim() === '' ? null : parseLevel(this.level, this.reference);
  }

  private set(change: { level?: string; reference?: Reference; last_ms?: number }): void {
    Object.assign(this, change);
    this.key = crypto.randomUUID();
    this.requestUpdate();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    this.tried = true;
    this.requestUpdate();
    const level = this.parsed();
    if (this.flight === null || level === null || !level.ok || this.last_ms === null) return;
    const of = {
      flight: this.flight,
      level: { value_ft: level.value, reference: this.reference },
      until_utc_ms: Math.round(this.app.store.utc_ms() + this.last_ms),
    };
    const done = await this.app.setCleared(of, this.key);
    // Another may have been opened while the node was asked.
    if (done && this.isConnected) this.app.closeDrawer();
    this.key = this.app.keyAgain('cleared', this.key);
  }
}

export function until(one: Cleared, now: number): string {
  return Number.isFinite(one.until_utc_ms) ? moment(one.until_utc_ms, now) : 'a time that cannot be read';
}

export function takeAwayButton(app: App, one: Cleared, where: string): TemplateResult {
  const sending = app.pending.has(`uncleared:${one.flight}`);
  return html`<button type="button" class="small" data-key="uncleared:${where}:${one.flight}" aria-disabled=${sending ? 'true' : 'false'} aria-label="Take away the cleared level of ${one.flight}"
    @click=${() => !sending && app.takeLevelAway(one.flight)}>${sending ? 'Taking away…' : 'Take away'}</button>`;
}

customElements.define('sky-cleared', ClearedLevels);
