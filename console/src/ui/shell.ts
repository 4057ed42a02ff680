import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import type { App } from '../app';
import type { Session } from '../model/wire';
import * as api from '../net/api';

/** The page: sign-in, or the desk. */
export class SkyApp extends LitElement {
  declare app: App;
  private stage: 'starting' | 'sign-in' | 'password' | 'desk' = 'starting';
  private session: Session | null = null;
  private problem: api.Problem | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  start(app: App): void {
    this.app = app;
    app.store.addEventListener('change', () => this.requestUpdate());
    app.store.addEventListener('tick', () => this.requestUpdate());
    void this.identify();
  }

  private async identify(): Promise<void> {
    const code = takeCode();
    const answer = code === null ? await api.session() : await api.signIn({ code });
    if (answer.ok) {
      this.entered(answer.value);
      return;
    }
    // A link that was used already may still have left a session in this browser.
    const kept = code === null ? answer : await api.session();
    if (kept.ok) this.entered(kept.value);
    else {
      this.problem = code === null && answer.problem.status === 401 ? null : answer.problem;
      this.to('sign-in');
    }
  }

  private entered(session: Session): void {
    this.session = session;
    if (session.must_set_password) this.to('password');
    else this.enterDesk();
  }

  private passwordDone(isSet: boolean): void {
    if (this.session !== null && isSet) this.session.must_set_password = false;
    this.enterDesk();
  }

  private enterDesk(): void {
    if (this.session === null) return;
    this.stage = 'desk';
    if (this.app.store.session === null) this.app.begin(this.session);
    this.requestUpdate();
  }

  /** From the desk, for an officer who put it off. The stream goes on meanwhile. */
  askPassword(): void {
    this.to('password');
  }

  private to(stage: 'sign-in' | 'password'): void {
    this.stage = stage;
    this.requestUpdate();
  }

  protected override render(): TemplateResult | typeof nothing {
    switch (this.stage) {
      case 'starting':
        return html`<main class="starting"><h1 class="sr">skypact console</h1><p role="status">Asking the node…</p></main>`;
      case 'sign-in':
        return html`<sky-sign-in
          .problem=${this.problem}
          .entered=${(session: Session) => this.entered(session)}
        ></sky-sign-in>`;
      case 'password':
        return html`<sky-password .session=${this.session} 
          .done=${(isSet: boolean) => this.passwordDone(isSet)}></sky-password>`;
      case 'desk':
        return this.desk();
    }
  }

  private desk(): TemplateResult {
    const { store } = this.app;
    const exercise = store.exercise();
    const frozen = store.frozen() !== null;
    return html`<div class="desk ${frozen ? 'is-frozen' : ''} ${exercise !== null ? 'is-exercise' : ''}">
      ${exercise === null ? nothing : banner(exercise, 'top')}
      <sky-header .app=${this.app}></sky-header>
      <main class="columns">
        <div class="column left">
          <sky-peers .app=${this.app}></sky-peers>
          <sky-selected .app=${this.app}></sky-selected>
        </div>
        <div class="middle">
          <sky-map .app=${this.app}></sky-map>
          <sky-help .app=${this.app}></sky-help>
          ${this.drawer()}
        </div>
        <div class="column right">
          <sky-inhibitions .app=${this.app}></sky-inhibitions>
          <sky-alerts .app=${this.app}></sky-alerts>
          <sky-notices .app=${this.app}></sky-notices>
        </div>
      </main>
      ${exercise === null ? nothing : banner(exercise, 'bottom')}
      <sky-live .app=${this.app}></sky-live>
    </div>`;
  }

  private drawer(): unknown {
    const { drawer } = this.app.store;
    switch (drawer?.kind) {
      case 'compose':
        return html`<sky-compose .app=${this.app}></sky-compose>`;
      case 'read-back':
        return html`<sky-read-back .app=${this.app} .notice=${drawer.notice}></sky-read-back>`;
      case 'desk':
        return html`<sky-desk-state .app=${this.app}></sky-desk-state>`;
      case 'release':
        return html`<sky-release .app=${this.app}></sky-release>`;
      case 'inhibit':
        // Of another alert it is another form: what was typed for one pair is not sent for the next.
        return keyed(drawer.alert, html`<sky-inhibit .app=${this.app} .alert=${drawer.alert}></sky-inhibit>`);
      case 'why':
        return keyed(drawer.alert, html`<sky-why .app=${this.app} .alert=${drawer.alert}></sky-why>`);
      case 'reason':
        return keyed(drawer.alert, html`<sky-reason .app=${this.app} .alert=${drawer.alert}></sky-reason>`);
      case 'cleared':
        return keyed(drawer.track, html`<sky-cleared .app=${this.app} .track=${drawer.track}></sky-cleared>`);
      case 'planned':
        return html`<sky-planned .app=${this.app}></sky-planned>`;
      case undefined:
        return nothing;
    }
  }
}

function banner(name: string, where: string): TemplateResult {
  const text = html`EXERCISE EXERCISE EXERCISE ${name === '' ? nothing : html`<b>${name}</b>`}`;
  return where === 'top'
    ? html`<aside class="banner" aria-label="Exercise ${name}"><span>${text}</span></aside>`
    : html`<div class="banner" aria-hidden="true"><span>${text}</span></div>`;
}

/** Takes a one-time code out of the address bar and the history before it is used. */
function takeCode(): string | null {
  const code = new URLSearchParams(window.location.hash.slice(1)).get('code');
  if (window.location.hash !== '') window.history.replaceState(null, '', window.location.pathname);
  return code === null || code === '' ? null : code;
}

customElements.define('sky-app', SkyApp);
