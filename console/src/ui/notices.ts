import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { age, altitude, clock, countdown, decimalPlace, dmsPlace, moment } from '../model/format';
import { HeldOrder } from '../model/held';
import { noticeLevel, wantsAnswer } from '../model/urgency';
import type { Notice } from '../model/wire';
import { answerNotice } from '../net/api';
import { holding } from './holding';
import * as icons from './icons';
import { Panel } from './panel';

const ROWS_MAX = 100;
/** A claimed time further outside than this is shown; less is the clocks' own error. */
const CLAIMED_OFF_SHOWN_MS = 5_000;
const LEVELS = [
  ['RESPONDED', 'Decided'],
  ['DISSEMINATED', 'Passed on'],
  ['PUBLISHED', 'Published'],
] as const;
const DECISIONS = ['accept', 'object', 'unable', 'propose'];

/** The acknowledged conversation: what was asked, of whom, by when, and how far it got. */
class Notices extends Panel {
  private readonly held = new HeldOrder<Notice>();

  protected override render(): TemplateResult {
    const { store } = this.app;
    const notices = store.notices();
    const rows = this.held.arrange(notices.slice(0, ROWS_MAX), (notice) => notice.id, performance.now());
    const waiting = store.unansweredNotices().length;
    const unanswered = notices.filter((notice) => notice.direction === 'out' && wantsAnswer(notice)).length;
    return html`<section class="panel notices" aria-labelledby="notices-title">
      <h2 id="notices-title">
        <kbd>4</kbd> Notices
        <small>${waiting} to answer, ${unanswered} unanswered by others</small>
        ${
          !store.mayAct()
            ? nothing
            : html`<button class="small" data-key="compose" @click=${(event: Event) => this.app.openDrawer({ kind: 'compose' }, event.currentTarget as Element)}>Write <kbd>w</kbd></button>`
        }
      </h2>
      <div class="scroll" data-panel tabindex="0" role="group" aria-labelledby="notices-title" ${holding(this.held)}>
        ${notices.length === 0 ? this.empty() : nothing}
        <ul class="rows">
          ${repeat(
            rows,
            (row) => row.id,
            (row) =>
              row.item === null ? html`<li class="row gone">no longer listed</li>` : this.row(row.item),
          )}
        </ul>
      </div>
    </section>`;
  }

  protected override updated(): void {
    this.app.shown.watch(this);
  }

  private empty(): TemplateResult {
    const { store } = this.app;
    const up = store.state.peers.filter((peer) => peer.link === 'up').length;
    if (store.frozen() !== null)
      return html`<p class="empty"><b>Not known now:</b> the node is not heard.</p>`;
    return html`<p class="empty">No notices; ${up} of ${store.state.peers.length} links up, node heard
      <span class="figure">${age(store.since(0))}</span> ago.</p>`;
  }

  private row(notice: Notice): TemplateResult {
    const { store } = this.app;
    const now = store.utc_ms();
    const level = noticeLevel(notice, now);
    const open = notice.direction === 'in' && wantsAnswer(notice);
    const index = store.indexOf(notice.peer);
    const classes = `row notice ${open ? 'waits' : ''} ${level ?? 'quiet'} ${open && level !== 'caution' ? 'flash' : ''}`;
    return html`<li class=${classes} data-shown="notice:${notice.id}" data-notice=${notice.id}>
      <div class="top">
        <span class="level">${notice.precedence}</span>
        <span class="kind">${notice.class}</span>
        <span class="direction">${notice.direction === 'in' ? html`${icons.into()} from` : html`${icons.out()} to`}
          ${icons.partySign(index)} <b>${notice.peer}</b></span>
        <span class="when figure">${clock(notice.issued_utc_ms)}</span>
      </div>
      <p class="text"><bdi>${notice.text}</bdi></p>
      ${this.particulars(notice, now)} ${wantsAnswer(notice) ? this.deadline(notice, now) : nothing}
      <div class="bottom">
        <span class="facts">${this.stages(notice)}</span>
        ${this.button(notice, open && notice.acknowledged === null)}
      </div>
      ${this.answering(notice)}
    </li>`;
  }

  private particulars(notice: Notice, now: number): TemplateResult | typeof nothing {
    return noticeParticulars(notice, now);
  }

  private deadline(notice: Notice, now: number): TemplateResult | typeof nothing {
    if (notice.due_utc_ms === null) return nothing;
    const whole = Math.max(1, notice.due_utc_ms - notice.issued_utc_ms);
    const left = notice.due_utc_ms - now;
    const share = Math.max(0, Math.min(1, left / whole));
    const frozen = this.app.store.frozen() !== null;
    // An SVG bar: the policy refuses style attributes, and a width is one.
    const text = frozen
      ? `reply due ${clock(notice.due_utc_ms)}`
      : left >= 0
        ? `reply due in ${countdown(left)}`
        : `OVERDUE by ${countdown(-left)}`;
    return html`<div class="deadline ${left < 0 ? 'over' : left < 30_000 ? 'soon' : ''}">
      <svg class="track" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="left" width=${(share * 100).toFixed(1)} height="6" /></svg>
      <span class="figure">${text}</span>
    </div>`;
  }

  private stages(notice: Notice): TemplateResult {
    const by = notice.acknowledged;
    const stage = (name: string, at: number | null) =>
      html`<li class=${at === null ? '' : 'done'}>${at === null ? icons.hollow() : icons.tick()} ${at === null ? `not ${name}` : name} ${at === null ? nothing : html`<span class="figure">${clock(at)}</span>`}</li>`;
    return html`<ol class="stages">
      ${notice.direction === 'out' ? html`${stage('delivered', notice.received_utc_ms)}${stage('seen', notice.seen_utc_ms)}` : nothing}
      ${
        by === null
          ? wantsAnswer(notice)
            ? stage('acknowledged', null)
            : html`<li>asks for no answer</li>`
          : html`<li class=${by.read_back_ok ? 'done' : 'bad'}>
            ${by.read_back_ok ? icons.tick() : icons.cross()} acknowledged${by.role === null ? '' : ` by ${by.role}`}${by.by === null ? '' : ` ${by.by}`}
            <span class="figure">${clock(by.utc_ms)}</span>, read-back ${by.read_back_ok ? 'agrees' : 'DIFFERS'}</li>`
      }
      ${notice.answers.map(
        (
          answer,
        ) => html`<li class="done">${icons.tick()} ${answer.level.toLowerCase()}${answer.decision === null ? '' : `: ${answer.decision}`}
          <bdi>${answer.text}</bdi> <span class="figure">${clock(answer.utc_ms)}</span> by ${answer.by ?? answer.role}</li>`,
      )}
      ${
        Math.abs(notice.claimed_off_ms) < CLAIMED_OFF_SHOWN_MS
          ? nothing
          : html`<li class="bad">${icons.cross()} claimed time ${countdown(Math.abs(notice.claimed_off_ms))}
            ${
              notice.claimed_off_ms < 0
                ? 'before it can have been told: it waited, or clock or claim is wrong'
                : 'after it was told: clock or claim is wrong'
            }</li>`
      }
      ${notice.sealed ? html`<li class="done">${icons.tick()} sealed</li>` : nothing}
    </ol>`;
  }

  /** What can still be answered once the read-back has agreed. */
  private answering(notice: Notice): TemplateResult | typeof nothing {
    if (notice.direction === 'out' || !this.app.store.mayAct() || notice.acknowledged?.read_back_ok !== true)
      return nothing;
    const left = LEVELS.filter(([level]) => !notice.answers.some((answer) => answer.level === level));
    if (left.length === 0) return nothing;
    return html`<details class="answering">
      <summary>Answer further…</summary>
      <form data-answer=${notice.id} @submit=${(event: SubmitEvent) => void this.answer(event, notice)}>
        <label>What <select name="level">${left.map(([level, name]) => html`<option value=${level}>${name}</option>`)}</select></label>
        <label>Decision, if decided <select name="decision">${DECISIONS.map((one) => html`<option>${one}</option>`)}</select></label>
        <label>In words, to whom, or where <input name="text" required maxlength="400" autocomplete="off" /></label>
        <button type="submit">Sign and send</button>
        <output role="status"></output>
      </form>
    </details>`;
  }

  private async answer(event: SubmitEvent, notice: Notice): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const word = (name: string): string => String(data.get(name) ?? '');
    const level = word('level');
    const decision = level === 'RESPONDED' ? { decision: word('decision') } : {};
    const answered = await answerNotice(notice.id, { level, ...decision, text: word('text') });
    const output = form.querySelector('output');
    if (output)
      output.textContent = answered.ok
        ? 'Signed; the sender is told.'
        : `Not sent: ${answered.problem.detail}`;
    if (answered.ok) form.reset();
  }

  private button(notice: Notice, open: boolean): TemplateResult | typeof nothing {
    if (notice.direction === 'out' || !this.app.store.mayAct()) return nothing;
    if (!open && notice.acknowledged === null) return nothing;
    return html`<button class="ack" data-key="answer:${notice.id}" ?data-open=${open} aria-disabled=${open ? 'false' : 'true'}
      aria-label="${open ? 'Read back…' : 'Acknowledged'}: ${notice.precedence} ${notice.class} from ${notice.peer}"
      @click=${(event: Event) =>
        open &&
        this.app.openDrawer({ kind: 'read-back', notice: notice.id }, event.currentTarget as Element)}>
      ${open ? 'Read back…' : 'Acknowledged'}
    </button>`;
  }
}

/** Place, level, time and action of a notice, as they came. */
export function noticeParticulars(notice: Notice, now: number): TemplateResult | typeof nothing {
  const { place, level, start_utc_ms: start, end_utc_ms: end, action } = notice;
  if (place === null && level === null && start === null && action === null) return nothing;
  return html`<dl class="particulars">
    ${place === null ? nothing : html`<div><dt>Place</dt><dd class="figure">${decimalPlace(place)} <span class="dim">${dmsPlace(place)}</span></dd></div>`}
    ${level === null ? nothing : html`<div><dt>Level</dt><dd class="figure">${altitude(level)}</dd></div>`}
    ${start === null ? nothing : html`<div><dt>Time</dt><dd class="figure">${moment(start, now)}${end === null ? '' : ` to ${moment(end, now)}`}</dd></div>`}
    ${action === null ? nothing : html`<div><dt>Action</dt><dd><bdi>${action}</bdi></dd></div>`}
  </dl>`;
}

customElements.define('sky-notices', Notices);
