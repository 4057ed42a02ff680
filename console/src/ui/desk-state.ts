import { html, nothing, type TemplateResult } from 'lit';
import { moment } from '../model/format';
import { parseTime } from '../model/parse';
import type { Staffing } from '../model/wire';
import { read, value } from './compose';
import { Panel } from './panel';
import { problemBlock } from './sign-in';

/** Where the own officers say whether somebody is at the desk. Every peer is told, signed; link and channel are other things. */
class DeskState extends Panel {
  private manned: boolean | null = null;
  private until = '';
  private note = '';
  private tried = false;

  protected override firstUpdated(): void {
    this.querySelector<HTMLElement>('input')?.focus();
  }

  protected override render(): TemplateResult {
    const { store, pending, problems } = this.app;
    const now = store.utc_ms();
    const until = this.until.trim() === '' ? null : parseTime(this.until, now);
    const busy = pending.has('desk');
    return html`<section class="drawer" role="dialog" aria-labelledby="desk-title" data-panel tabindex="-1">
      <form @submit=${this.submit} novalidate>
        <h2 id="desk-title">Is somebody at this desk?</h2>
        <p>Stated now: <b>${staffingText(store.state.staffing, now)}</b></p>
        <fieldset class="line">
          <legend>From now on</legend>
          ${this.radio('desk-staffed', true, 'staffed: somebody answers')}
          ${this.radio('desk-unstaffed', false, 'unstaffed: nobody answers')}
          ${this.tried && this.manned === null ? html`<p class="wrong">choose one</p>` : nothing}
        </fieldset>
        <div class="line">
          <label for="desk-until">Until <small>optional; UTC</small></label>
          <input id="desk-until" spellcheck="false" autocomplete="off" placeholder="HH:MM" .value=${this.until} aria-describedby="desk-until-as" @input=${(event: Event) => this.set('until', value(event))} />
          ${read('desk-until-as', this.until, until, (at) => moment(at, now))}
        </div>
        <div class="line">
          <label for="desk-note">How it is reached meanwhile, or who is there <small>optional</small></label>
          <input id="desk-note" maxlength="200" autocomplete="off" .value=${this.note} @input=${(event: Event) => this.set('note', value(event))} />
        </div>
        ${problemBlock(problems.get('desk'))}
        <div class="buttons">
          <button class="primary" type="submit" aria-disabled=${busy ? 'true' : 'false'}>${busy ? 'Stating…' : 'Sign and tell every peer'}</button>
          <button type="button" @click=${() => this.app.closeDrawer()}>Not now <kbd>Esc</kbd></button>
        </div>
      </form>
    </section>`;
  }

  private radio(id: string, manned: boolean, label: string): TemplateResult {
    return html`<label class="check"><input type="radio" name="desk" id=${id} .checked=${this.manned === manned} @change=${() => this.choose(manned)} /> ${label}</label>`;
  }

  private choose(manned: boolean): void {
    this.manned = manned;
    this.requestUpdate();
  }

  private set(name: 'until' | 'note', typed: string): void {
    this[name] = typed;
    this.requestUpdate();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    this.tried = true;
    this.requestUpdate();
    const until = this.until.trim() === '' ? null : parseTime(this.until, this.app.store.utc_ms());
    if (this.manned === null || until?.ok === false) return;
    const note = this.note.trim();
    const done = await this.app.stateDesk({
      manned: this.manned,
      ...(until === null ? {} : { next_utc_ms: until.value }),
      ...(note === '' ? {} : { note }),
    });
    if (done) this.app.closeDrawer();
  }
}

/** A statement in words. */
export function staffingText(staffing: Staffing | null, now: number): string {
  if (staffing === null) return 'not stated';
  const until = staffing.next_utc_ms === null ? '' : ` until ${moment(staffing.next_utc_ms, now)}`;
  return `${staffing.manned ? 'staffed' : 'unstaffed'}${until}`;
}

customElements.define('sky-desk-state', DeskState);
