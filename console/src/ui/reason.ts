import { html, nothing, type TemplateResult } from 'lit';
import { moment } from '../model/format';
import { REASON_MAX_BYTES, reasonFault } from '../model/inhibition';
import type { Alert } from '../model/wire';
import { value } from './compose';
import { Panel } from './panel';
import { problemBlock } from './sign-in';

/** What was typed last, and for which alert: Esc puts it aside, it does not throw it away. */
let draft = { alert: '', reason: '', key: '' };

/**
 * Where an officer says why what is flagged may stay at a protected site. The reason is for what the flag said when it was read: if it
 * says another thing meanwhile, it must be read again before anything is sent.
 */
class Reason extends Panel {
  declare alert: string;
  private read = '';
  private tried = false;
  private differs = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.read = this.found()?.text ?? '';
    if (draft.alert !== this.alert) this.type('');
  }

  protected override firstUpdated(): void {
    this.querySelector<HTMLElement>('input')?.focus();
  }

  private found(): Alert | undefined {
    return this.app.store.state.alerts.find(({ id, state }) => id === this.alert && state !== 'cleared');
  }

  protected override render(): TemplateResult {
    const { store, pending, problems } = this.app;
    const now = store.utc_ms();
    const found = this.found();
    const fault = reasonFault(draft.reason);
    const busy = pending.has('reason');
    return html`<section class="drawer" role="dialog" aria-labelledby="reason-title" data-panel tabindex="-1">
      <form @submit=${this.submit} novalidate>
        <h2 id="reason-title">Why may it stay at a protected site?</h2>
        <blockquote><bdi>${this.read}</bdi></blockquote>
        ${this.differs ? html`<p role="alert"><b>It says another thing meanwhile. Read it again; nothing was sent.</b></p>` : nothing}
        ${found === undefined ? html`<p role="alert"><b>This flag is over meanwhile.</b></p>` : nothing}
        <p>With a reason it is a caution that shows it with your name, to everybody at this desk, for as long as it says the same.
          No other party is told. Acknowledging it is no reason.</p>
        ${
          found === undefined || found.reason === null
            ? nothing
            : html`<p>Given before${found.reason_utc_ms === null ? nothing : html`, ${moment(found.reason_utc_ms, now)}`}: <b><bdi>${found.reason}</bdi></b>. Yours takes its place.</p>`
        }
        <div class="line">
          <label for="reason-text">Reason</label>
          <input id="reason-text" maxlength=${REASON_MAX_BYTES} autocomplete="off" .value=${draft.reason} aria-describedby="reason-wrong" @input=${(event: Event) => this.type(value(event))} />
          <p id="reason-wrong" class=${this.tried && fault !== null ? 'wrong' : 'as'}>${this.tried ? fault : nothing}</p>
        </div>
        ${problemBlock(problems.get('reason'))}
        <div class="buttons">
          <button class="primary" type="submit" aria-disabled=${busy ? 'true' : 'false'}>${busy ? 'Asking the node…' : `Give reason as ${store.session?.officer ?? '?'}`}</button>
          <button type="button" @click=${() => this.app.closeDrawer()}>Put aside <kbd>Esc</kbd></button>
        </div>
      </form>
    </section>`;
  }

  /** Another reason is another command: the same key would bring back the answer to the old one. */
  private type(reason: string): void {
    draft = { alert: this.alert, reason, key: crypto.randomUUID() };
    this.requestUpdate();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    this.tried = true;
    const text = this.found()?.text ?? this.read;
    this.differs = text !== this.read;
    this.read = text;
    this.requestUpdate();
    if (this.differs || reasonFault(draft.reason) !== null) return;
    const { alert } = this;
    const done = await this.app.giveReason(alert, draft.reason.trim(), draft.key);
    if (draft.alert === alert)
      draft = done
        ? { alert: '', reason: '', key: '' }
        : { ...draft, key: this.app.keyAgain('reason', draft.key) };
    // Somebody may have opened another form while the node was asked.
    if (done && this.isConnected) this.app.closeDrawer();
  }
}

customElements.define('sky-reason', Reason);
