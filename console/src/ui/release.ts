import { html, nothing, type TemplateResult } from 'lit';
import { moment } from '../model/format';
import { type Change, changes, type Proposal, type Release, type Rules } from '../model/release';
import * as api from '../net/api';
import { Panel } from './panel';
import { problemBlock } from './sign-in';

const MARKS: Record<Change['what'], string> = { stays: 'stays', new: 'new', goes: 'goes' };

/**
 * The rules in force, and rules that would let out more, which wait for people to agree. What would change stands in words
 * beside the button: nobody agrees to a number.
 */
class ReleaseRules extends Panel {
  private loaded: Release | null = null;
  private problem: api.Problem | null = null;
  /** Which rules and proposal are shown, or being read. */
  private shown = '';
  private read = false;
  private said = '';
  /** The proposal that was agreed to here. */
  private agreedTo: number | null = null;

  protected override firstUpdated(): void {
    this.querySelector<HTMLElement>('[data-panel]')?.focus();
  }

  protected override updated(): void {
    const { revision, proposal } = this.app.store.state.release;
    const current = `${revision}/${proposal ?? ''}`;
    if (current !== this.shown) void this.load(current);
  }

  private async load(current: string): Promise<void> {
    const before = this.loaded?.proposal?.id;
    this.shown = current;
    const answer = await api.release();
    if (answer.ok) this.loaded = answer.value;
    this.problem = answer.ok ? null : answer.problem;
    // Another proposal is to be read anew.
    if (this.loaded?.proposal?.id !== before) this.read = false;
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const { loaded } = this;
    return html`<section class="drawer rules" role="dialog" aria-labelledby="rules-title" data-panel tabindex="-1">
      <h2 id="rules-title">Release rules</h2>
      ${problemBlock(this.problem)}
      ${loaded === null ? html`<p role="status">Asking the node…</p>` : html`${this.proposal(loaded)} ${inForce(loaded)}`}
      <p role="status" class="said">${this.said}</p>
      <div class="buttons"><button type="button" @click=${() => this.app.closeDrawer()}>Close <kbd>Esc</kbd></button></div>
    </section>`;
  }

  private proposal(loaded: Release): TemplateResult {
    const { proposal } = loaded;
    if (proposal === null)
      return html`<p class="empty">No proposal waits: nothing more is let out than stands below.</p>`;
    const now = this.app.store.utc_ms();
    return html`<article class="proposal" aria-labelledby="proposal-title">
      <h3 id="proposal-title">Proposal ${proposal.id} would let out more</h3>
      <dl class="pairs">
        <div><dt>Proposed</dt><dd>by <b>${proposer(proposal.by)}</b>, ${moment(proposal.at_utc_ms, now)}</dd></div>
        <div><dt>Agreed</dt><dd>${proposal.agreed.length === 0 ? 'nobody yet' : proposal.agreed.join(', ')}; <b>${proposal.missing} more must</b></dd></div>
        <div><dt>Ends</dt><dd>${moment(proposal.ends_utc_ms, now)}, if not agreed to by then</dd></div>
      </dl>
      <p>Until then nothing of it holds. What must be withheld at once is ordered alone.</p>
      <h4>Why it waits</h4>
      <ul class="wider">${proposal.wider.map((line) => html`<li><bdi>${line}</bdi></li>`)}</ul>
      <h4>What would change</h4>
      ${changes(loaded.rules, proposal.rules).map(([party, all]) => difference(party, all))}
      ${this.act(proposal)}
    </article>`;
  }

  private act(proposal: Proposal): TemplateResult {
    const { store, problems, pending } = this.app;
    if (!store.mayRule())
      return html`<p class="hint">An administrator agrees or rejects. You may read this as a planner.</p>`;
    // The node's answer counts at once; what it shows follows by up to a second.
    const mine =
      this.agreedTo === proposal.id ||
      (store.session !== null && proposal.agreed.includes(store.session.officer));
    const busy = pending.has('release');
    const ready = this.read && !mine && !busy;
    return html`
      ${
        mine
          ? html`<p class="hint"><b>You have agreed.</b> It takes another person, who signs in with an account of his own.</p>`
          : html`<label class="check"><input type="checkbox" id="rules-read" .checked=${this.read} @change=${(event: Event) => this.tick(event)} /> I have read what this lets out</label>`
      }
      ${problemBlock(problems.get('release'))}
      <div class="buttons">
        <button type="button" class="primary" data-key="rules-agree" aria-disabled=${ready ? 'false' : 'true'} @click=${() => ready && this.agree(proposal)}>
          ${busy ? 'Asking the node…' : `Agree as ${store.session?.officer ?? '?'}`}
        </button>
        <button type="button" data-key="rules-reject" aria-disabled=${busy ? 'true' : 'false'} @click=${() => !busy && this.reject(proposal)}>Reject proposal ${proposal.id}</button>
        <span class="hint">Both are in the audit under your name.</span>
      </div>`;
  }

  private tick(event: Event): void {
    this.read = event.target instanceof HTMLInputElement && event.target.checked;
    this.requestUpdate();
  }

  private async agree(proposal: Proposal): Promise<void> {
    this.said = '';
    const missing = await this.app.agree(proposal.id);
    if (missing === null) return;
    this.said =
      missing === 0
        ? `The rules of proposal ${proposal.id} are in force.`
        : `You agreed to proposal ${proposal.id}; ${missing} more must.`;
    this.agreedTo = proposal.id;
    await this.anew();
    setTimeout(() => this.isConnected && void this.load(this.shown), 1500);
  }

  private async reject(proposal: Proposal): Promise<void> {
    this.said = '';
    if (!(await this.app.reject(proposal.id))) return;
    this.said = `Proposal ${proposal.id} is rejected; the rules in force stay.`;
    await this.anew();
  }

  /** Reads again what an act changed, and keeps the focus where it is. */
  private async anew(): Promise<void> {
    await this.load(this.shown);
    await this.updateComplete;
    const at = document.activeElement;
    if (at === null || at === document.body) this.querySelector<HTMLElement>('[data-panel]')?.focus();
  }
}

function proposer(by: string): string {
  if (by === 'file') return 'the configuration file';
  return by === 'node' || by === 'operator' ? 'the operator at the command line' : by;
}

function difference(party: string, all: Change[]): TemplateResult {
  const changed = all.some(({ what }) => what !== 'stays');
  return html`<h5>To ${party}${changed ? nothing : html` <small>nothing changes</small>`}</h5>
    ${
      changed
        ? html`<ul class="changes">${all.map(
            (change) => html`<li class=${change.what}>
            <b class="mark">${MARKS[change.what]}</b>
            <span>${change.what === 'goes' ? html`<del>${change.place}. ${change.words}</del>` : html`${change.place}. ${change.words}`}</span>
          </li>`,
          )}</ul>`
        : nothing
    }`;
}

function inForce(loaded: Release): TemplateResult {
  return html`<article class="in-force" aria-labelledby="in-force-title">
    <h3 id="in-force-title">In force: revision ${loaded.revision}</h3>
    ${loaded.rules.length === 0 ? html`<p class="empty">Nobody is told anything.</p>` : listed(loaded.rules)}
    <p class="hint">For each party and class the first rule that matches counts. Everything else is withheld.</p>
  </article>`;
}

function listed(rules: Rules): TemplateResult[] {
  return rules.map(
    ([party, all]) => html`<h4>To ${party}</h4>
      ${all.length === 0 ? html`<p class="empty">nothing</p>` : html`<ol>${all.map((rule) => html`<li>${rule.words}</li>`)}</ol>`}`,
  );
}

customElements.define('sky-release', ReleaseRules);
