import { html, nothing, type TemplateResult } from 'lit';
import { age, moment, thousands } from '../model/format';
import type { Listed, Unflown, Unplanned } from '../model/planned';
import * as api from '../net/api';
import { Panel } from './panel';
import { problemBlock } from './sign-in';

const AGAIN_MS = 5_000;
/** Rows drawn of each list; the rest is counted. */
const ROWS_MAX = 200;

/** One list, when it was given, and why it was not given again. */
interface Kept<T> {
  listed: Listed<T> | null;
  at_ms: number;
  problem: api.Problem | null;
}

const nothingYet = { listed: null, at_ms: 0, problem: null };

/** Aircraft without a plan, and plans that nobody flies: asked for while this is open, and not otherwise. */
class Planned extends Panel {
  private unplanned: Kept<Unplanned> = nothingYet;
  private unflown: Kept<Unflown> = nothingYet;
  private timer = 0;
  private asking = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.timer = window.setInterval(() => void this.load(), AGAIN_MS);
    void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearInterval(this.timer);
  }

  protected override firstUpdated(): void {
    this.querySelector<HTMLElement>('[data-panel]')?.focus();
  }

  private async load(): Promise<void> {
    // A slow node is asked again when it has answered, not on top of that.
    if (this.asking) return;
    this.asking = true;
    const [unplanned, unflown] = await Promise.all([api.unplanned(), api.unflown()]);
    this.asking = false;
    this.unplanned = kept(this.unplanned, unplanned);
    this.unflown = kept(this.unflown, unflown);
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const now = this.app.store.utc_ms();
    return html`<section class="drawer planned" role="dialog" aria-labelledby="planned-title" data-panel tabindex="-1">
      <h2 id="planned-title">Aircraft without a plan, plans nobody flies</h2>
      ${this.list('unplanned', 'Aircraft without a plan', this.unplanned, ['Aircraft', 'Told by', 'Class', 'Plan not active now'], (one) => this.aircraft(one))}
      ${this.list('unflown', 'Plans nobody flies', this.unflown, ['Plan', 'Of', 'Since', 'Why'], (one) => plan(one, now))}
      <div class="buttons"><button type="button" @click=${() => this.app.closeDrawer()}>Close <kbd>Esc</kbd></button>
        <span class="hint">Asked again every 5 s while this is open.</span></div>
    </section>`;
  }

  private list<T>(
    id: string,
    title: string,
    { listed, at_ms, problem }: Kept<T>,
    columns: string[],
    row: (one: T) => TemplateResult,
  ): TemplateResult {
    const count =
      listed === null ? '' : `: ${listed.cut ? 'at least ' : ''}${thousands(listed.items.length)}`;
    return html`<article aria-labelledby="list-${id}" data-list=${id}>
      <h3 id="list-${id}">${title}${count}</h3>
      ${problemBlock(problem)}
      ${listed === null ? (problem === null ? html`<p role="status">Asking the node…</p>` : nothing) : html`<p class="hint">As the node said <span class="figure">${age(performance.now() - at_ms)}</span> ago.${listed.cut ? html` <b>There may be more.</b>` : nothing}</p>`}
      ${
        listed === null || listed.items.length === 0
          ? nothing
          : html`<table>
            <thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
            <tbody>${listed.items.slice(0, ROWS_MAX).map(row)}</tbody>
          </table>
          ${listed.items.length > ROWS_MAX ? html`<p class="hint">${thousands(listed.items.length - ROWS_MAX)} more are not listed here.</p>` : nothing}`
      }
    </article>`;
  }

  private aircraft(one: Unplanned): TemplateResult {
    return html`<tr>
      <td><button class="small" data-key="unplanned:${one.id}" aria-label="Select ${one.name}" @click=${() => this.show(one.id)}>${one.name}</button>${one.stale ? html` <small>not current</small>` : nothing}</td>
      <td>${one.owner ?? 'own sensor'}</td>
      <td>${one.class}</td>
      <td>${one.inactive_plan === null ? 'none names it' : html`<bdi>${one.inactive_plan}</bdi>`}</td>
    </tr>`;
  }

  private show(id: number): void {
    this.app.store.select(id);
    this.app.centreOnSelected();
  }
}

function plan(one: Unflown, now: number): TemplateResult {
  return html`<tr>
    <td>${one.callsign === null ? nothing : html`<b>${one.callsign}</b> `}<small class="figure"><bdi>${one.subject}</bdi></small></td>
    <td>${one.owner}${one.uss === null ? nothing : html`, <bdi>${one.uss}</bdi>`}</td>
    <td class="figure">${one.since_utc_ms === null ? 'unknown' : moment(one.since_utc_ms, now)}</td>
    <td><bdi>${one.why}</bdi></td>
  </tr>`;
}

/** A list that is not given again stays, with its age and the reason. */
function kept<T>(before: Kept<T>, answer: api.Answer<Listed<T>>): Kept<T> {
  return answer.ok
    ? { listed: answer.value, at_ms: performance.now(), problem: null }
    : { ...before, problem: answer.problem };
}

customElements.define('sky-planned', Planned);
