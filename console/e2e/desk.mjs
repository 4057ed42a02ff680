// One officer's browser: a context of its own, watched for everything that must not happen.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const OUTPUT = new URL('../../test-output/console/', import.meta.url).pathname;

export class Desk {
  /** Everything wrong that was seen: external requests, policy violations, script errors. */
  faults = [];

  static async open(browser, node, options = {}) {
    const desk = new Desk();
    desk.party = node.party;
    /** The node's folder, if it was started here and is a real one. */
    desk.dir = node.dir;
    desk.url = new URL(node.url);
    desk.context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    desk.page = await desk.context.newPage();
    desk.watch();
    await desk.page.addInitScript(() => {
      window.addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    });
    return desk;
  }

  watch() {
    const { page, faults, url } = this;
    page.on('request', (request) => {
      const to = new URL(request.url());
      const own = to.host === url.host || to.protocol === 'data:' || to.protocol === 'blob:';
      if (!own) faults.push(`external request: ${request.url()}`);
    });
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).host !== url.host) faults.push(`external socket: ${socket.url()}`);
    });
    page.on('pageerror', (error) => faults.push(`script error: ${error.message}`));
    page.on('console', (message) => {
      if (/CSP|Content Security Policy|TrustedHTML/.test(message.text()))
        faults.push(`policy: ${message.text()}`);
    });
  }

  async signIn() {
    await this.page.goto(this.url.href);
    await this.page.locator('sky-password form, .desk').first().waitFor();
    if (await this.page.locator('sky-password form').isVisible()) await this.setPassword();
    await this.page.locator('.desk').waitFor();
    await this.until('a frame was displayed', (c) => c.displayed > 0);
  }

  async setPassword() {
    const { page } = this;
    await page.locator('#new-password').fill('a long password of the browser test');
    await page.locator('#again').fill('a long password of the browser test');
    await page.keyboard.press('Enter');
    await page.locator('.desk').waitFor();
  }

  counters() {
    return this.page.evaluate(() => {
      const names = Object.keys(Object.getOwnPropertyDescriptors(window.__skypact));
      return Object.fromEntries(names.map((name) => [name, window.__skypact[name]]));
    });
  }

  async until(what, good, timeout = 30_000) {
    const end = Date.now() + timeout;
    for (;;) {
      const counters = await this.counters();
      if (good(counters)) return counters;
      if (Date.now() > end)
        throw new Error(`${this.party}: not within ${timeout} ms: ${what}; ${JSON.stringify(counters)}`);
      await this.page.waitForTimeout(100);
    }
  }

  /** A screenshot, if wanted as somebody with that deficiency of colour vision sees it. */
  async shot(name, deficiency = 'none') {
    // The simulation ends with its session, so the picture is taken through the same one.
    const session = await this.context.newCDPSession(this.page);
    await session.send('Emulation.setEmulatedVisionDeficiency', { type: deficiency });
    const { data } = await session.send('Page.captureScreenshot', { format: 'png' });
    writeFileSync(join(OUTPUT, `${name}.png`), Buffer.from(data, 'base64'));
    await session.detach();
  }

  /** axe-core, put in through the debugger: the page's own policy would rightly refuse a script tag. */
  async axe(what) {
    await this.page.evaluate(AXE);
    const found = await this.page.evaluate(async () => {
      const result = await window.axe.run(document, { resultTypes: ['violations'] });
      return result.violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`)
            .slice(0, 4)
            .join(' | ')}`,
      );
    });
    if (found.length > 0) throw new Error(`${what}: axe-core found\n  ${found.join('\n  ')}`);
  }

  focused() {
    return this.page.evaluate(() => {
      const at = document.activeElement;
      const of = (name) => at?.getAttribute(name) ?? null;
      return {
        body: at === null || at === document.body,
        key: of('data-key'),
        open: at?.hasAttribute('data-open') ?? false,
        disabled: of('aria-disabled'),
      };
    });
  }

  async focusIsSomewhere(when) {
    await this.page.waitForTimeout(400);
    if ((await this.focused()).body) throw new Error(`${this.party}: the focus fell to the body ${when}`);
  }
}
