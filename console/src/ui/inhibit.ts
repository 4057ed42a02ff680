import { html, nothing, type TemplateResult } from 'lit';
import { moment } from '../model/format';
import { ENDS, pairOf, REASON_MAX_BYTES, reasonFault } from '../model/inhibition';
import { value } from './compose';
import { Panel } from './panel';
import { problemBlock } from './sign-in';

/**
 * Where an officer takes the conflicts of two flights from among the alarms. The names are those of the moment it was opened, and
 * nothing is chosen or filled in beforehand: it takes a typed reason and a chosen end.
 */
class Inhibit extends Panel {
  declare alert: string;
  private pair: [string, string] | null = null;
  /** A peer said so and this node does not see it: what it does not decide it does not inhibit. */
  private reason = '';
  private last_ms: number | null = null;
  private tried = false;
  /** One for each thing asked: sent again after no answer it is done once. */
  private key: string = crypto.randomUUID();

  override connectedCallback(): void {
    super.connectedCallback();
    const alert = this.app.store.state.alerts.find(({ id }) => id === this.alert);
    this.pair = alert === undefined ? null : pairOf(alert, this.app.store.labels);
  }

  protected override firstUpdated(): void {
    this.querySelector<HTMLElement>('input, button')?.focus();
  }

  protected override render(): TemplateResult {
    return html`<section class="drawer" role="dialog" aria-labelledby="inhibit-title" data-panel tabindex="-1">
      ${this.pair === null ? this.nobody() : this.form(this.pair)}
    </section>`;
  }

  private nobody(): TemplateResult {
    return html`<h2 id="inhibit-title">Inhibit conflicts</h2>
      <p>The two aircraft cannot be told apart by name, or the alert is over: there is no pair to inhibit.</p>
      <div class="buttons"><button type="button" @click=${() => this.app.closeDrawer()}>Close <kbd>Esc</kbd></button></div>`;
  }

  private form([a, b]: [string, string]): TemplateResult {
    const { store, pending, problems } = this.app;
    const now = store.utc_ms();
    const fault = reasonFault(this.reason);
    const busy = pending.has('inhibit');
    const over = !store.state.alerts.some(({ id, state }) => id === this.alert && state !== 'cleared');
    return html`<form @submit=${this.submit} novalidate>
      <h2 id="inhibit-title">Inhibit conflicts of ${a} and ${b}</h2>
      <p>Until it ends, every conflict of these two with each other is only a caution, with one soft tick, <b>even if the minima are lost</b>.
        Their conflicts with others sound as before. Everybody at this desk sees it, with your name.</p>
      ${over ? html`<p><b>This conflict is over meanwhile.</b></p>` : nothing}
      <div class="line">
        <label for="inhibit-reason">Why</label>
        <input id="inhibit-reason" maxlength=${REASON_MAX_BYTES} autocomplete="off" .value=${this.reason} aria-describedby="inhibit-reason-wrong" @input=${(event: Event) => this.type(value(event))} />
        <p id="inhibit-reason-wrong" class=${this.tried && fault !== null ? 'wrong' : 'as'}>${this.tried ? fault : nothing}</p>
      </div>
      <fieldset class="line">
        <legend>For how long</legend>
        ${ENDS.map(
          (
            [words, last_ms],
            i,
          ) => html`<label class="check"><input type="radio" name="inhibit-end" id="inhibit-end-${i}" .checked=${this.last_ms === last_ms} @change=${() => this.choose(last_ms)} />
            ${words} <small>until ${moment(now + last_ms, now)}</small></label>`,
        )}
        ${this.tried && this.last_ms === null ? html`<p class="wrong">choose one</p>` : nothing}
      </fieldset>
      ${problemBlock(problems.get('inhibit'))}
      <div class="buttons">
        <button class="primary" type="submit" aria-disabled=${busy ? 'true' : 'false'}>${busy ? 'Asking the node…' : `Inhibit as ${store.session?.officer ?? '?'}`}</button>
        <button type="button" @click=${() => this.app.closeDrawer()}>Not now <kbd>Esc</kbd></button>
      </div>
    </form>`;
  }

  private type(reason: string): void {
    this.reason = reason;
    this.another();
  }

  private choose(last_ms: number): void {
    this.last_ms = last_ms;
    this.another();
  }

  private another(): void {
    this.key = crypto.randomUUID();
    this.requestUpdate();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    this.tried = true;
    this.requestUpdate();
    if (this.pair === null || this.last_ms === null || reasonFault(this.reason) !== null) return;
    const until_utc_ms = Math.round(this.app.store.utc_ms() + this.last_ms);
    const done = await this.app.inhibit(
      { pair: this.pair, reason: this.reason.trim(), until_utc_ms },
      this.key,
    );
    if (done) this.app.closeDrawer();
    this.key = this.app.keyAgain('inhibit', this.key);
  }
}

customElements.define('sky-inhibit', Inhibit);
