import { html, nothing, type TemplateResult } from 'lit';
import { decimalPlace, dmsPlace, moment, REFERENCES, referenceText } from '../model/format';
import { type Parsed, parseLevel, parsePlace, parseTime } from '../model/parse';
import type { Reference } from '../model/wire';
import type { NewNotice } from '../net/api';
import { Panel } from './panel';
import { problemBlock } from './sign-in';

const CLASSES = ['hazard', 'activation', 'hold', 'resume', 'cancellation', 'information'];
const PRECEDENCES = ['FLASH', 'IMMEDIATE', 'PRIORITY', 'ROUTINE'];

interface Draft {
  to: Set<string>;
  class: string;
  precedence: string;
  text: string;
  place: string;
  level: string;
  reference: Reference;
  start: string;
  action: string;
}

const blank = (): Draft => ({
  to: new Set(),
  class: 'hazard',
  precedence: 'IMMEDIATE',
  text: '',
  place: '',
  level: '',
  reference: 'pressure',
  start: '',
  action: '',
});

/** A notice being written. The draft outlives the drawer: Esc puts it aside, it does not throw it away. */
let draft = blank();
let key: string = crypto.randomUUID();

class Compose extends Panel {
  private tried = false;

  protected override firstUpdated(): void {
    this.querySelector<HTMLElement>('input, select')?.focus();
  }

  protected override render(): TemplateResult {
    const { store } = this.app;
    const peers = store.state.peers.map((peer) => peer.party);
    const now = store.utc_ms();
    const [place, level, start] = [this.place(), this.level(), this.start(now)];
    return html`<section class="drawer" role="dialog" aria-labelledby="compose-title" data-panel tabindex="-1">
      <form @submit=${this.submit} novalidate>
        <h2 id="compose-title">Write a notice</h2>
        <fieldset class="line">
          <legend>To</legend>
          ${peers.map((party) => html`<label class="check"><input type="checkbox" .checked=${draft.to.has(party)} @change=${(event: Event) => this.toggle(party, event)} /> ${party}</label>`)}
          ${this.tried && draft.to.size === 0 ? html`<p class="wrong">choose at least one</p>` : nothing}
        </fieldset>
        <div class="line two">
          ${choice('Class', 'class', CLASSES, draft.class, (value) => this.set({ class: value }))}
          ${choice('Precedence', 'precedence', PRECEDENCES, draft.precedence, (value) => this.set({ precedence: value }))}
        </div>
        <div class="line">
          <label for="c-text">Text</label>
          <textarea id="c-text" rows="3" maxlength="1000" .value=${draft.text} @input=${(event: Event) => this.set({ text: value(event) })}></textarea>
          ${this.tried && draft.text.trim() === '' ? html`<p class="wrong">say what it is about</p>` : nothing}
        </div>
        <div class="line">
          <label for="c-place">Place <small>optional; decimal or degrees, minutes, seconds</small></label>
          <div class="with-button">
            <input id="c-place" spellcheck="false" autocomplete="off" placeholder="51.1234 4.5000 or 51 07 24 N 004 30 00 E" .value=${draft.place} aria-describedby="c-place-as"
              @input=${(event: Event) => this.set({ place: value(event) })} />
            <button type="button" class="small" aria-disabled=${store.selectedRow() < 0 ? 'true' : 'false'} @click=${() => this.takeSelected()}>of selected track</button>
          </div>
          ${read('c-place-as', draft.place, place, (p) => `${decimalPlace(p)}   ${dmsPlace(p)}`)}
        </div>
        <div class="line two">
          <div>
            <label for="c-level">Level <small>optional; feet or FL</small></label>
            <input id="c-level" spellcheck="false" autocomplete="off" .value=${draft.level} aria-describedby="c-level-as" @input=${(event: Event) => this.set({ level: value(event) })} />
            ${read('c-level-as', draft.level, level, (ft) => `${ft} ft, ${referenceText(draft.reference)}`)}
          </div>
          ${choice('Reference', 'reference', REFERENCES, draft.reference, (value) => this.set({ reference: value as Reference }))}
        </div>
        <div class="line two">
          <div>
            <label for="c-start">Start <small>optional; UTC</small></label>
            <input id="c-start" spellcheck="false" autocomplete="off" placeholder="HH:MM" .value=${draft.start} aria-describedby="c-start-as" @input=${(event: Event) => this.set({ start: value(event) })} />
            ${read('c-start-as', draft.start, start, (at) => moment(at, now))}
          </div>
          <div>
            <label for="c-action">Action asked for <small>optional</small></label>
            <input id="c-action" maxlength="200" .value=${draft.action} @input=${(event: Event) => this.set({ action: value(event) })} />
          </div>
        </div>
        ${problemBlock(this.app.problems.get('compose'))}
        <div class="buttons">
          <button class="primary" type="submit" aria-disabled=${this.app.pending.has('compose') ? 'true' : 'false'}>
            ${this.app.pending.has('compose') ? 'Sending…' : `Send ${draft.precedence}`}
          </button>
          <button type="button" @click=${() => this.app.closeDrawer()}>Put aside <kbd>Esc</kbd></button>
          <button type="button" @click=${() => this.discard()}>Discard</button>
          <span class="hint">Every party named gets the same words, signed. A reply is asked for.</span>
        </div>
      </form>
    </section>`;
  }

  private place() {
    return draft.place.trim() === '' ? null : parsePlace(draft.place);
  }

  private level() {
    return draft.level.trim() === '' ? null : parseLevel(draft.level, draft.reference);
  }

  private start(now: number) {
    return draft.start.trim() === '' ? null : parseTime(draft.start, now);
  }

  private set(change: Partial<Draft>): void {
    // Changed words are another notice: the same key would bring back the answer to the old one.
    draft = { ...draft, ...change };
    key = crypto.randomUUID();
    this.requestUpdate();
  }

  private toggle(party: string, event: Event): void {
    const to = new Set(draft.to);
    if (event.target instanceof HTMLInputElement && event.target.checked) to.add(party);
    else to.delete(party);
    this.set({ to });
  }

  private takeSelected(): void {
    const { store } = this.app;
    const row = store.selectedRow();
    if (row < 0) return;
    const [lat, lon] = [store.picture.lat[row] ?? 0, store.picture.lon[row] ?? 0];
    this.set({ place: `${lat.toFixed(4)} ${lon.toFixed(4)}` });
  }

  private discard(): void {
    draft = blank();
    this.app.closeDrawer();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    this.tried = true;
    this.requestUpdate();
    const [place, level, start] = [this.place(), this.level(), this.start(this.app.store.utc_ms())];
    if (draft.to.size === 0 || draft.text.trim() === '') return;
    if (place?.ok === false || level?.ok === false || start?.ok === false) return;
    const notice: NewNotice = {
      to: [...draft.to],
      class: draft.class,
      precedence: draft.precedence,
      text: draft.text.trim(),
      receipt: 'ACKNOWLEDGED',
    };
    if (place !== null) notice.place = place.value;
    if (level !== null) notice.level = { value_ft: level.value, reference: draft.reference };
    if (start !== null) notice.start_utc_ms = start.value;
    if (draft.action.trim() !== '') notice.action = draft.action.trim();
    if (await this.app.send(notice, key)) this.discard();
    else key = this.app.keyAgain('compose', key);
  }
}

function choice(
  label: string,
  id: string,
  all: readonly string[],
  chosen: string,
  set: (value: string) => void,
): TemplateResult {
  return html`<div>
    <label for="c-${id}">${label}</label>
    <select id="c-${id}" @change=${(event: Event) => set(value(event))}>
      ${all.map((one) => html`<option value=${one} ?selected=${one === chosen}>${one}</option>`)}
    </select>
  </div>`;
}

/** How the console understood what was typed, or why it did not. */
export function read<T>(
  id: string,
  typed: string,
  parsed: Parsed<T> | null,
  write: (value: T) => string,
): TemplateResult {
  const text = typed.trim() === '' || parsed === null ? '' : parsed.ok ? write(parsed.value) : parsed.reason;
  return html`<p id=${id} class=${parsed?.ok === false ? 'wrong' : 'as figure'}>${text}</p>`;
}

export function value(event: Event): string {
  const target = event.target;
  const typed =
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement;
  return typed ? target.value : '';
}

customElements.define('sky-compose', Compose);
