import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { Session } from '../model/wire';
import * as api from '../net/api';

/** NIST SP 800-63B: length, no rules of composition. The node's own minimum. */
const PASSWORD_MIN = 12;

class SignIn extends LitElement {
  declare problem: api.Problem | null;
  declare entered: (session: Session) => void;
  private busy = false;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    this.querySelector<HTMLInputElement>('input')?.focus();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (this.busy) return;
    const [name, password] = [field(this, 'name'), field(this, 'password')];
    this.busy = true;
    this.requestUpdate();
    const answer = await api.signIn({ name, password });
    this.busy = false;
    this.problem = answer.ok ? null : answer.problem;
    this.requestUpdate();
    if (answer.ok) this.entered(answer.value);
    else this.querySelector<HTMLInputElement>('#password')?.select();
  }

  protected override render(): TemplateResult {
    return html`<main class="entry">
      <form @submit=${this.submit} autocomplete="on">
        <h1>skypact</h1>
        <p class="lead">Duty officer's console</p>
        <label for="name">Name</label>
        <input id="name" name="name" autocomplete="username" required maxlength="64" spellcheck="false" autocapitalize="off" />
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256" />
        ${problemBlock(this.problem)}
        <button class="primary" type="submit" aria-disabled=${this.busy ? 'true' : 'false'}>
          ${this.busy ? 'Signing in…' : 'Sign in'}
        </button>
        <p class="hint">The first time, use the one-time link that the node prints when it starts.</p>
      </form>
    </main>`;
  }
}

class Password extends LitElement {
  declare session: Session | null;
  declare done: (isSet: boolean) => void;
  private problem: api.Problem | null = null;
  private busy = false;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    this.querySelector<HTMLInputElement>('input')?.focus();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (this.busy) return;
    const password = field(this, 'new-password');
    if (password !== field(this, 'again')) {
      this.problem = { status: 0, title: 'The two are not the same', detail: '', errors: [] };
      this.requestUpdate();
      return;
    }
    this.busy = true;
    this.requestUpdate();
    const answer = await api.setPassword(password);
    this.busy = false;
    this.problem = answer.ok ? null : answer.problem;
    this.requestUpdate();
    if (answer.ok) this.done(true);
  }

  protected override render(): TemplateResult {
    return html`<main class="entry">
      <form @submit=${this.submit}>
        <h1>Set a password</h1>
        <p class="lead">${this.session?.officer} at ${this.session?.party}. The link you used works only once.</p>
        <input class="sr" type="text" name="username" autocomplete="username" .value=${this.session?.officer ?? ''} tabindex="-1" aria-hidden="true" readonly />
        <label for="new-password">Password, ${PASSWORD_MIN} characters or more</label>
        <input id="new-password" type="password" autocomplete="new-password" required minlength=${PASSWORD_MIN} maxlength="256" />
        <label for="again">The same again</label>
        <input id="again" type="password" autocomplete="new-password" required maxlength="256" />
        ${problemBlock(this.problem)}
        <button class="primary" type="submit" aria-disabled=${this.busy ? 'true' : 'false'}>Set password</button>
        <button type="button" @click=${() => this.done(false)}>Later</button>
        <p class="hint">Until it is set you can look, but not acknowledge or send.</p>
      </form>
    </main>`;
  }
}

/** A refusal, as text, for any form. */
export function problemBlock(problem: api.Problem | null | undefined): TemplateResult | typeof nothing {
  if (problem === null || problem === undefined) return nothing;
  return html`<div class="problem" role="alert">
    <strong>${problem.title}</strong>
    ${problem.detail === '' ? nothing : html`<p>${problem.detail}</p>`}
    ${
      problem.errors.length === 0
        ? nothing
        : html`<ul>
          ${problem.errors.map((error) => html`<li><b>${error.field}</b> ${error.reason}</li>`)}
        </ul>`
    }
  </div>`;
}

function field(root: HTMLElement, id: string): string {
  return root.querySelector<HTMLInputElement>(`#${id}`)?.value ?? '';
}

customElements.define('sky-sign-in', SignIn);
customElements.define('sky-password', Password);
