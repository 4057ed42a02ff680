import { html, nothing, type TemplateResult } from 'lit';
import { age, altitude, clock } from '../model/format';
import type { Joined as JoinedTrack } from '../model/joined';
import * as api from '../net/api';
import { Panel } from './panel';

/**
 * Tracks that the node takes for the same aircraft as the selected one. Not in the picture, so they are asked for when a track is
 * selected, and again on demand. Parting two takes two presses: it makes two aircraft of one on everybody's desk.
 */
class Joined extends Panel {
  declare track: number;
  private of: number | null = null;
  private joined: JoinedTrack[] | null = null;
  private at_utc_ms = 0;
  private problem: api.Problem | null = null;
  /** The one whose parting waits for the second press. */
  private parting: number | null = null;

  protected override willUpdate(): void {
    if (this.of === this.track) return;
    this.of = this.track;
    this.joined = null;
    this.problem = null;
    this.parting = null;
    void this.load(this.track);
  }

  private async load(id: number): Promise<void> {
    const answer = await api.joinedTo(id);
    // Another was selected meanwhile: this answer is not about it.
    if (id !== this.of) return;
    if (answer.ok) this.joined = answer.value;
    this.problem = answer.ok ? null : answer.problem;
    this.at_utc_ms = this.app.store.utc_ms();
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    return html`<div class="joined">
      <h3>Joined</h3>
      <div>
        <p class="asked" role="status">${this.said()} <button class="small" data-key="joined-again" aria-label="Ask again what is joined to it" @click=${() => this.load(this.track)}>Ask again</button></p>
        ${this.joined === null || this.joined.length === 0 ? nothing : html`<ul>${this.joined.map((one) => this.row(one))}</ul>`}
      </div>
    </div>`;
  }

  private said(): TemplateResult | string {
    if (this.problem !== null)
      return html`<span><b>not known:</b> ${this.problem.title}. ${this.problem.detail}</span>`;
    if (this.joined === null) return 'asking the node…';
    const count = this.joined.length;
    const what = count === 0 ? 'none' : html`<b>${count} ${count === 1 ? 'other track' : 'other tracks'}</b>`;
    return html`<span>${what} <small>at ${clock(this.at_utc_ms)}</small></span>`;
  }

  private row(one: JoinedTrack): TemplateResult {
    const problem = this.app.problems.get(`part:${one.id}`);
    const old = one.at_utc_ms === null ? null : this.app.store.utc_ms() - one.at_utc_ms;
    return html`<li data-joined=${one.id}>
      <b class="figure">${one.name}</b> <small>${one.owner ?? 'own sensor'}, ${altitude(one.altitude)}, ${age(this.app.store.frozen() === null ? old : null)} old</small>
      ${this.app.store.mayAct() ? this.partButtons(one) : nothing}
      ${problem === undefined ? nothing : html`<p class="refusal" role="alert"><b>Not parted.</b> ${problem.title}. ${problem.detail}</p>`}
    </li>`;
  }

  private partButtons(one: JoinedTrack): TemplateResult {
    const asked = this.parting === one.id;
    const sending = this.app.pending.has(`part:${one.id}`);
    // The first button stays where it is and becomes the way back, so that a double press does nothing.
    return html`<div class="more">
      <button class="small" data-key="part:${one.id}" aria-label=${asked ? `Leave ${one.name} joined` : `Part ${one.name}…`} @click=${() => this.ask(asked ? null : one.id)}>${asked ? 'Leave joined' : 'Part…'}</button>
      ${asked ? html`<button class="small" data-key="part-yes:${one.id}" aria-disabled=${sending ? 'true' : 'false'} @click=${() => !sending && this.separate(one.id)}>${sending ? 'Parting…' : 'They are two aircraft: part them'}</button>` : nothing}
    </div>`;
  }

  private ask(id: number | null): void {
    this.parting = id;
    this.requestUpdate();
  }

  private async separate(id: number): Promise<void> {
    const done = await this.app.separate(id);
    if (done) {
      this.parting = null;
      await this.load(this.track);
    }
    this.requestUpdate();
  }
}

customElements.define('sky-joined', Joined);
