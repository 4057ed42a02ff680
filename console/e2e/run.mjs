// The console in a real browser, as an officer uses it: npm run e2e. Screenshots of each state are left in test-output/console.
import { mkdirSync, rmSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { Desk, OUTPUT } from './desk.mjs';
import { addSteps as addEntered } from './entered.mjs';

import { startNodes } from './nodes.mjs';
import { addSteps as addRules } from './rules.mjs';
import { addSteps as addWatch } from './watch.mjs';

const HOSTILE = '<img src=x onerror="document.title=\'owned\'"> Test of notices \u202eand read-backs';
const steps = [];
const step = (name, run) => steps.push({ name, run });
const check = (good, what) => {
  if (!good) throw new Error(what);
};

step('sign-in page: a wrong password is refused, nothing else is shown', async ({ browser, north }) => {
  const desk = await Desk.open(browser, { ...north.node, url: north.url.origin });
  await desk.page.goto(north.url.origin);
  await desk.page.locator('#name').waitFor();
  await desk.axe('sign-in page');
  await desk.shot('01-sign-in');
  await desk.page.locator('#name').fill('nobody');
  await desk.page.locator('#password').fill('not the password');
  await desk.page.keyboard.press('Enter');
  await desk.page.locator('.problem').waitFor();
  await desk.axe('sign-in page with a refusal');
  check((await desk.page.locator('.desk').count()) === 0, 'the desk is shown without a session');
  north.faults.push(...desk.faults);
  await desk.context.close();
});

step('the one-time link signs in and leaves the address bar', async ({ north }) => {
  await north.page.goto(north.url.href);
  await north.page.locator('sky-password form, .desk').first().waitFor();
  check(!north.page.url().includes('code'), `the code is still in the address bar: ${north.page.url()}`);
  if (await north.page.locator('sky-password form').isVisible()) {
    await north.axe('password page');
    await north.shot('02-password');
    await north.setPassword();
  }
  await north.page.locator('.desk').waitFor();
});

step('tracks are shown, acknowledged as displayed, and move', async ({ north }) => {
  const first = await north.until(
    'tracks are displayed',
    (c) => c.tracks > 0 && c.displayed > 0 && c.landLoaded,
  );
  await north.until('tracks moved', (c) => c.frames > first.frames && c.positions !== first.positions);
  const colours = await north.page.evaluate(() => {
    const canvas = document.querySelector('canvas.tracks');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] > 200) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    return seen.size;
  });
  check(colours > 20, `the track canvas has ${colours} colours: nothing is drawn`);
  await north.page.waitForTimeout(1500);
  await north.shot('03-desk-1440x900');
});

step('the page has no accessibility violation', async ({ north }) => {
  await north.axe('desk');
});

step('a conflict is acknowledged by keyboard alone and stays listed', async ({ north }) => {
  const { page } = north;
  const open = page.locator('sky-alerts button[data-open]');
  await open.first().waitFor({ timeout: 180_000 });
  await page.keyboard.press('0');
  // One raised again while it is being acknowledged stays open, rightly: it was not this raising the officer saw. New alerts arise
  // all the time, so what is waited for is this alert's own button and not how many are open.
  let at = null;
  for (let tries = 0; at === null; tries++) {
    await page.keyboard.press('n');
    const on = await north.focused();
    check(
      on.open && on.key?.startsWith('ack:'),
      `n did not go to an unacknowledged alert: ${JSON.stringify(on)}`,
    );
    if (tries === 0) await north.shot('04-focus-on-alert');
    await page.keyboard.press('Enter');
    const taken = page.locator(`[data-key="${on.key}"]:not([data-open])`);
    await taken.waitFor({ timeout: 10_000 }).then(
      () => (at = on),
      (error) => {
        if (tries === 2) throw error;
      },
    );
  }
  const after = await north.focused();
  check(after.key === at.key, `the focus left the button: ${JSON.stringify(after)}`);
  check(
    await page.locator(`[data-alert="${at.key.slice(4)}"]`).isVisible(),
    'acknowledging removed the alert',
  );
  await page.keyboard.press('m');
  await page.getByText('Silent').waitFor();
  await north.focusIsSomewhere('after acknowledging');
});

step('a track is found, selected and centred by keyboard', async ({ north }) => {
  const { page } = north;
  const callsign = await page.evaluate(() => document.querySelector('sky-alerts .pair b')?.textContent ?? '');
  await page.keyboard.press('0');
  await page.keyboard.press('t');
  await page.keyboard.type(callsign.slice(0, 3));
  await page.locator('#track-matches li').first().waitFor();
  await north.axe('track search');
  await page.keyboard.press('Enter');
  await page.locator('sky-selected .callsign').waitFor();
  // No track of the demonstration is joined to another: that the node was asked is what can be seen.
  await page.locator('.joined', { hasText: /none|other track/ }).waitFor();
  await page.keyboard.press('c');
  await page.waitForTimeout(600);
  await north.shot('05-selected-track');
  await north.focusIsSomewhere('after the search');
});

addWatch(step, check);
addEntered(step, check);

step('help opens, has no violation, and closes', async ({ north }) => {
  await north.page.keyboard.press('?');
  await north.page.locator('.drawer.help').waitFor();
  await north.axe('help');
  await north.shot('06-help');
  await north.page.keyboard.press('Escape');
  await north.page.locator('.drawer.help').waitFor({ state: 'detached' });
  await north.focusIsSomewhere('after help');
});

step('a notice is written and sent by keyboard', async ({ north, south, kept }) => {
  const { page } = north;
  await south.signIn();
  await page.keyboard.press('w');
  await page.locator('#compose-title').waitFor();
  await page.getByRole('checkbox', { name: south.party }).focus();
  await page.keyboard.press('Space');
  await page.locator('#c-precedence').selectOption('IMMEDIATE');
  await page.locator('#c-text').fill(HOSTILE);
  await page.locator('#c-place').fill('91 00 00 N 007 00 00 E');
  await page.locator('#c-place-as.wrong').waitFor();
  await page.locator('#c-place').fill('56 30 00 N 007 15 00 E');
  await page.locator('#c-level').fill('FL240');
  const start = new Date(Date.now() + 30 * 60_000).toISOString();
  kept.time = start.slice(11, 16);
  await page.locator('#c-start').fill(kept.time);
  await north.axe('compose');
  await north.shot('07-compose');
  await page.locator('sky-compose button[type=submit]').focus();
  await page.keyboard.press('Enter');
  await page.locator('#compose-title').waitFor({ state: 'detached' });
  await north.focusIsSomewhere('after sending');
  const row = page.locator('sky-notices .row', { hasText: 'Test of notices' });
  await row.first().waitFor();
});

step('the notice arrives as text, and a wrong read-back is refused', async ({ south, kept }) => {
  const { page } = south;
  const row = page.locator('sky-notices .row', { hasText: 'Test of notices' }).first();
  await row.waitFor({ timeout: 60_000 });
  kept.notice = await row.getAttribute('data-notice');
  check(
    (await page.title()) !== 'owned' && (await page.locator('.row img').count()) === 0,
    'text of a peer became HTML',
  );
  check(!(await row.textContent()).includes('\u202e'), 'a direction override of a peer was passed on');
  await page.locator(`[data-key="answer:${kept.notice}"]`).focus();
  await page.keyboard.press('Enter');
  await page.locator('#r-place').waitFor();
  await page.locator('#r-place').fill('56 30 00 N 008 15 00 E');
  await page.locator('#r-level').fill('FL240');
  await page.locator('#r-reference').selectOption('pressure');
  await page.locator('#r-time').fill(kept.time);
  await page.keyboard.press('Enter');
  await page.locator('.differs').first().waitFor();
  check((await page.locator('.differs').count()) === 1, 'more than the place is said to differ');
  check(await page.locator('.differs #r-place').isVisible(), 'it is not the place that is said to differ');
  await south.axe('read-back refused');
  await south.shot('08-read-back-refused');
});

step('the right read-back is accepted, and the sender sees it', async ({ north, south, kept }) => {
  const { page } = south;
  await page.locator('#r-place').fill('56.5N 7.25E');
  await page.keyboard.press('Enter');
  await page.locator('#read-title').waitFor({ state: 'detached' });
  await page.locator(`[data-notice="${kept.notice}"] .done`, { hasText: 'acknowledged' }).waitFor();
  await south.focusIsSomewhere('after the read-back');
  const row = north.page.locator('sky-notices .row', { hasText: 'Test of notices' }).first();
  await row.locator('.done', { hasText: 'read-back agrees' }).waitFor({ timeout: 60_000 });
  await north.shot('09-notice-acknowledged');
});

addRules(step, check);

step('alarm and warning are told apart without colour', async ({ north }) => {
  for (const type of ['deuteranopia', 'protanopia', 'tritanopia', 'achromatopsia']) {
    await north.shot(`10-${type}`, type);
  }
});

step('it is usable at 1280x800, and without motion', async ({ north }) => {
  await north.page.setViewportSize({ width: 1280, height: 800 });
  await north.page.emulateMedia({ reducedMotion: 'reduce' });
  await north.page.waitForTimeout(1200);
  const moving = await north.page.evaluate(
    () => document.getAnimations().filter((a) => a.playState === 'running').length,
  );
  check(moving === 0, `${moving} animations run although reduced motion is asked for`);
  const wide = await north.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  check(!wide, 'the page is wider than the screen');
  await north.axe('desk at 1280x800');
  await north.shot('11-desk-1280x800');
  await north.page.setViewportSize({ width: 1440, height: 900 });
  await north.page.emulateMedia({ reducedMotion: null });
});

step('a lost peer says when it was last heard and what to do', async ({ north, running, skip }) => {
  if (!running.canStop) return skip('the nodes were not started here');
  running.order('stop civil');
  await north.page.locator('.lost', { hasText: 'Next: call' }).waitFor();
  await north.page.waitForTimeout(1500);
  await north.axe('peer lost');
  await north.shot('12-peer-lost');
  running.order('start civil');
  await north.page.locator('.lost').waitFor({ state: 'detached' });
});

step(
  'a stopped node freezes the picture: grey, ages unknown, nothing green, own alarm',
  async ({ north, running, skip }) => {
    if (!running.canStop) return skip('the nodes were not started here');
    running.pause();
    const { page } = north;
    await north.until('the picture is frozen', (c) => c.frozen !== null, 8_000);
    await page.locator('.frozen-note').waitFor();
    await page.locator('[data-alert="local:own-picture"].alarm').waitFor();
    const look = () =>
      page.evaluate(() => {
        const green = [...document.querySelectorAll('body *')].filter((element) => {
          const { color, backgroundColor, borderTopColor } = getComputedStyle(element);
          return [color, backgroundColor, borderTopColor].includes('rgb(111, 220, 155)');
        });
        return {
          green: green.map((element) => element.className.toString()).slice(0, 5),
          mode: document.querySelector('.mode')?.textContent,
          ages: [...document.querySelectorAll('.peer .age, .feeds .age')].map(
            (element) => element.textContent,
          ),
          grey: getComputedStyle(document.querySelector('.map')).filter,
        };
      });
    // What was being drawn as the node stopped may take a moment.
    let seen = await look();
    for (let n = 0; n < 10 && seen.green.length > 0; n++) {
      await page.waitForTimeout(300);
      seen = await look();
    }
    check(seen.green.length === 0, `still green: ${seen.green}`);
    check(seen.mode === 'FROZEN', `mode says ${seen.mode}`);
    check(
      seen.ages.every((text) => text === 'unknown'),
      `ages are still told: ${seen.ages}`,
    );
    check(seen.grey.includes('grayscale(1)'), `the map is not grey: ${seen.grey}`);
    await north.axe('frozen');
    await north.shot('13-frozen');
    const frozenAt = await north.counters();
    running.resume();
    await north.until(
      'the picture is back',
      (c) => c.frozen === null && c.displayed > frozenAt.displayed,
      40_000,
    );
    await page.locator('.frozen-note').waitFor({ state: 'detached' });
  },
);

step('a node that is gone is said to be gone', async ({ north, running, skip }) => {
  if (!running.canStop) return skip('the nodes were not started here');
  running.stop();
  await north.until('the connection is known to be lost', (c) => c.frozen?.includes('no connection'), 15_000);
  await north.shot('14-node-gone');
});

step('nothing was asked of any other host, and no policy was broken', async ({ north, south }) => {
  const faults = [...north.faults, ...south.faults];
  check(faults.length === 0, faults.slice(0, 10).join('\n'));
});

async function main() {
  rmSync(OUTPUT, { recursive: true, force: true });
  mkdirSync(OUTPUT, { recursive: true });
  const running = await startNodes();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--autoplay-policy=user-gesture-required'],
  });
  const [first, second] = running.nodes;
  const desks = { north: await Desk.open(browser, first), south: await Desk.open(browser, second) };
  let failed = 0;
  let left = 0;
  const kept = {};
  for (const { name, run } of steps) {
    const begun = Date.now();
    let skipped = null;
    const skip = (why) => {
      skipped = why;
      left++;
    };
    try {
      await run({ browser, running, kept, skip, ...desks });
      console.log(
        `${skipped === null ? 'ok     ' : 'skipped'} ${name}${skipped === null ? '' : `: ${skipped}`} (${((Date.now() - begun) / 1000).toFixed(1)} s)`,
      );
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}\n        ${error.message.replaceAll('\n', '\n        ')}`);
      await desks.north.shot(`failed-${failed}-north`).catch(() => undefined);
      await desks.south.shot(`failed-${failed}-south`).catch(() => undefined);
    }
  }
  await browser.close();
  running.stop();
  console.log(
    `${steps.length - failed - left} of ${steps.length} steps are well, ${left} skipped, ${failed} failed; screenshots in test-output/console`,
  );
  process.exit(failed === 0 ? 0 : 1);
}

await main();
