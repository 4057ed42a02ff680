import { html, nothing, type TemplateResult } from 'lit';
import { altitude, decimalPlace, dmsPlace, moment, REFERENCES, referenceText } from '../model/format';
import { parseLevel, parsePlace, parseTime } from '../model/parse';
import type { Notice, Reference } from '../model/wire';
import type { Problem, ReadBack as Sent } from '../net/api';
import { read, value } from './compose';
import { Panel } from './panel';
import { problemBlock } from './sign-in';

/**
 * Acknowledging a notice: place, level and time are typed again and compared by the node. Words alone would be agreed to
 * without having been read.
 */
class ReadBack extends Panel {
  declare notice: string;
  private place = '';
  private level = '';
  private reference: Reference | '' = '';
  private time = '';
  private tried = false;
  private last: Notice | null = null;

  protected override firstUpdated(): void {
    this.querySelector<HTMLElement>('input, select, button.primary')?.focus();
  }

  protected override render(): TemplateResult {
    const { store } = this.app;
    this.last = store.state.notices.find((one) => one.id === this.notice) ?? this.last;
    const notice = this.last;
    if (notice === null)
      return html`<section class="drawer" role="dialog" aria-label="Notice" data-panel tabindex="-1"><p class="empty">This notice is no longer listed.</p></section>`;
    const now = store.utc_ms();
    const problem = this.app.problems.get(`notice:${notice.id}`);
    const differs = (name: string) => fieldOf(problem, name);
    return html`<section class="drawer" role="dialog" aria-labelledby="read-title" data-panel tabindex="-1">
      <form @submit=${this.submit} novalidate>
        <h2 id="read-title">Acknowledge ${notice.precedence} ${notice.class} from ${notice.peer}</h2>
        <blockquote><bdi>${notice.text}</bdi></blockquote>
        ${notice.action === null ? nothing : html`<p>Asked for: <b><bdi>${notice.action}</bdi></b></p>`}
        ${
          notice.place === null && notice.level === null && notice.start_utc_ms === null
            ? html`<p class="hint">It has no place, level or time to read back.</p>`
            : html`<p class="hint">Type again what you received. The node compares; only what agrees is acknowledged.</p>`
        }
        ${
          notice.place === null
            ? nothing
            : html`<div class="line ${differs('place') === null ? '' : 'differs'}">
              <label for="r-place">Place <small class="figure">received ${decimalPlace(notice.place)} = ${dmsPlace(notice.place)}</small></label>
              <input id="r-place" spellcheck="false" autocomplete="off" .value=${this.place} aria-describedby="r-place-as" @input=${(event: Event) => this.set('place', value(event))} />
              ${read('r-place-as', this.place, this.place.trim() === '' ? null : parsePlace(this.place), (p) => `${decimalPlace(p)}   ${dmsPlace(p)}`)}
              ${difference(differs('place'))}
            </div>`
        }
        ${
          notice.level === null
            ? nothing
            : html`<div class="line two ${differs('level') === null ? '' : 'differs'}">
              <div>
                <label for="r-level">Level <small class="figure">received ${altitude(notice.level)}</small></label>
                <input id="r-level" spellcheck="false" autocomplete="off" .value=${this.level} aria-describedby="r-level-as" @input=${(event: Event) => this.set('level', value(event))} />
                ${read('r-level-as', this.level, this.level.trim() === '' ? null : parseLevel(this.level, this.reference), (ft) => `${ft} ft`)}
              </div>
              <div>
                <label for="r-reference">Reference</label>
                <select id="r-reference" @change=${(event: Event) => this.set('reference', value(event))}>
                  <option value="" ?selected=${this.reference === ''}>choose</option>
                  ${REFERENCES.map((one) => html`<option value=${one} ?selected=${one === this.reference}>${one}: ${referenceText(one)}</option>`)}
                </select>
              </div>
              ${difference(differs('level'))}
            </div>`
        }
        ${
          notice.start_utc_ms === null
            ? nothing
            : html`<div class="line ${differs('time') === null ? '' : 'differs'}">
              <label for="r-time">Time <small class="figure">received ${moment(notice.start_utc_ms, now)}</small></label>
              <input id="r-time" spellcheck="false" autocomplete="off" .value=${this.time} aria-describedby="r-time-as" @input=${(event: Event) => this.set('time', value(event))} />
              ${read('r-time-as', this.time, this.time.trim() === '' ? null : parseTime(this.time, now), (at) => moment(at, now))}
              ${difference(differs('time'))}
            </div>`
        }
        ${this.tried && this.build(notice) === null ? html`<p class="wrong" role="alert">Fill in every field above.</p>` : nothing}
        ${problemBlock(problem)}
        <div class="buttons">
          <button class="primary" type="submit" aria-disabled=${this.app.pending.has(`notice:${notice.id}`) ? 'true' : 'false'}>Acknowledge</button>
          <button type="button" @click=${() => this.app.closeDrawer()}>Not now <kbd>Esc</kbd></button>
        </div>
      </form>
    </section>`;
  }

  private set(name: 'place' | 'level' | 'reference' | 'time', typed: string): void {
    if (name === 'reference') this.reference = typed as Reference | '';
    else this[name] = typed;
    this.requestUpdate();
  }

  /** The read-back, or null while something is missing or unreadable. */
  private build(notice: Notice): Sent | null {
    const sent: Sent = {};
    if (notice.place !== null) {
      const place = parsePlace(this.place);
      if (!place.ok) return null;
      sent.place = place.value;
    }
    if (notice.level !== null) {
      const level = parseLevel(this.level, this.reference);
      if (!level.ok || this.reference === '') return null;
      sent.level = { value_ft: level.value, reference: this.reference };
    }
    if (notice.start_utc_ms !== null) {
      const time = parseTime(this.time, this.app.store.utc_ms());
      if (!time.ok) return null;
      sent.time_utc_ms = time.value;
    }
    return sent;
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    this.tried = true;
    this.requestUpdate();
    const notice = this.last;
    const sent = notice === null ? null : this.build(notice);
    if (notice === null || sent === null) return;
    if (await this.app.acknowledgeNotice(notice, sent)) this.app.closeDrawer();
    else this.querySelector<HTMLElement>('.differs input')?.focus();
  }
}

/** The node's reason for one field, whatever path it gives it: `place`, `read_back.place`, `read_back.time_utc_ms`. */
function fieldOf(problem: Problem | undefined, name: string): string | null {
  return (
    problem?.errors.find((error) => error.field.split(/[./]/).some((part) => part.startsWith(name)))
      ?.reason ?? null
  );
}

function difference(reason: string | null): TemplateResult | typeof nothing {
  return reason === null ? nothing : html`<p class="wrong"><b>Differs.</b> ${reason}</p>`;
}

customElements.define('sky-read-back', ReadBack);
