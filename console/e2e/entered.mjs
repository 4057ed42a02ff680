// What an officer tells the node: the level that an own flight is cleared to, and why something may stay at a protected site.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { PROGRAM } from './nodes.mjs';

/** Where nothing of the demonstration flies. */
const PLACE = '50.000N 30.000W';
const SITE = ['--radius', '100m', '--buffer', '1NM', '--category', 'hospital', '--name', 'Island clinic'];
const PLAN = [
  '--radius',
  '0.5NM',
  '--lower',
  'ground',
  '--upper',
  '3000ftMSL',
  '--from',
  'now',
  '--to',
  '+1h',
];
const REASON = 'Supply flight, agreed with the clinic';

function skypact(node, ...words) {
  const config = join(node.dir, 'skypact.toml');
  return JSON.parse(execFileSync(PROGRAM, [...words, '--config', config, '--json'], { encoding: 'utf8' }));
}

function filePlan(node) {
  return skypact(node, 'plan', 'file', '--place', PLACE, ...PLAN, '--callsign', 'SUPPLY1').subject;
}

/** The callsign of an own aircraft that no other own one has. */
function ownCallsign(page) {
  return page.evaluate(async () => {
    const { items } = await (await fetch('/v1/tracks?limit=500')).json();
    const { party } = await (await fetch('/v1/session')).json();
    const own = items.filter((one) => one.owner === party && one.callsign !== null);
    const lone = own.find((one) => own.filter(({ callsign }) => callsign === one.callsign).length === 1);
    return lone?.callsign ?? null;
  });
}

export function addSteps(step, check) {
  step(
    'the cleared level of an own flight is entered by keyboard and shown at it',
    async ({ north, kept }) => {
      const { page } = north;
      kept.flight = await ownCallsign(page);
      check(kept.flight !== null, 'no own aircraft has a callsign of its own');
      await page.keyboard.press('0');
      await page.keyboard.press('t');
      await page.keyboard.type(kept.flight);
      await page.locator('#track-matches li').first().waitFor();
      await page.keyboard.press('Enter');
      await page.locator('sky-selected .callsign', { hasText: kept.flight }).waitFor();
      const level = page.locator('sky-selected dd.cleared');
      await level.getByText('no level entered').waitFor();
      await page.keyboard.press('0');
      await page.keyboard.press('f');
      await page.locator('#cleared-title', { hasText: kept.flight }).waitFor();
      await page.keyboard.press('Enter');
      await page.getByText('say which').waitFor();
      await page.getByText('choose one').waitFor();
      await page.locator('#cleared-level').fill('FL24O');
      await page.locator('#cleared-level-as.wrong').waitFor();
      await page.locator('#cleared-level').fill('FL240');
      await page.locator('#cleared-level-as', { hasText: '24,000 ft, 1013.25 hPa' }).waitFor();
      await north.axe('cleared level');
      await page.locator('#cleared-last-1').focus();
      await page.keyboard.press('Space');
      await north.shot('05-cleared-level');
      await page.keyboard.press('Enter');
      await page.locator('#cleared-title').waitFor({ state: 'detached' });
      await north.focusIsSomewhere('after entering a level');
      await level.getByText('FL 240 (24,000 ft)').waitFor();
      const text = await level.textContent();
      check(
        text.includes('until') && text.includes('by '),
        `the track does not say by whom and until when: ${text}`,
      );
      await north.axe('cleared');
    },
  );

  step('cleared levels in force are listed, and taken away by keyboard', async ({ north, kept }) => {
    const { page } = north;
    await page.keyboard.press('0');
    await page.keyboard.press('Escape');
    await page.locator('sky-selected', { hasText: 'None.' }).waitFor();
    await page.keyboard.press('f');
    const row = page.locator(`[data-cleared="${kept.flight}"]`);
    await row.getByText('FL 240 (24,000 ft)').waitFor();
    check((await page.locator('#cleared-level').count()) === 0, 'a level may be entered for no track');
    await north.axe('cleared levels');
    await page.locator(`[data-key="cleared-show:${kept.flight}"]`).focus();
    await page.keyboard.press('Enter');
    await page.locator('sky-selected .callsign', { hasText: kept.flight }).waitFor();
    await north.shot('05-cleared-levels');
    await page.locator(`[data-key="uncleared:list:${kept.flight}"]`).focus();
    await page.keyboard.press('Enter');
    await row.waitFor({ state: 'detached' });
    await page.locator('sky-selected dd.cleared', { hasText: 'no level entered' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#cleared-title').waitFor({ state: 'detached' });
    await north.focusIsSomewhere('after the cleared levels');
  });

  step(
    'a reason that the node refuses is refused in words, and what was typed stays',
    async ({ north, skip }) => {
      if (north.dir === undefined) return skip('these nodes have no folder here');
      const { page } = north;
      skypact(north, 'site', 'file', '--place', PLACE, ...SITE, '--expires', '+24h');
      const plan = filePlan(north);
      await page.locator('.reasoned', { hasText: 'REASON ASKED' }).waitFor();
      await page.locator('sky-alerts button[data-key^="reason:"]').focus();
      await page.keyboard.press('Enter');
      await page.locator('sky-reason blockquote', { hasText: 'Island clinic' }).waitFor();
      await page.keyboard.press('Enter');
      await page.getByText('say why').waitFor();
      await page.locator('#reason-text').fill(REASON);
      skypact(north, 'plan', 'cancel', plan);
      await page.getByText('This flag is over meanwhile').waitFor();
      await page.keyboard.press('Enter');
      await page.locator('sky-reason .problem', { hasText: 'protected site' }).waitFor();
      await north.axe('a reason refused');
      // Drawn again four times a second: what is lost is seen to be lost only then.
      await page.waitForTimeout(600);
      check((await page.locator('#reason-text').inputValue()) === REASON, 'what was typed is lost');
      await north.shot('05-reason-refused');
      await page.keyboard.press('Escape');
      await page.locator('#reason-title').waitFor({ state: 'detached' });
      await north.focusIsSomewhere('after a refused reason');
    },
  );

  step(
    'a reason is given by keyboard for a plan at a protected site, and shown with it',
    async ({ north }) => {
      const { page } = north;
      const plan = north.dir === undefined ? null : filePlan(north);
      const asked = page.locator('sky-alerts .row', {
        has: page.locator('.reasoned', { hasText: 'REASON ASKED' }),
      });
      await asked.waitFor();
      const id = await asked.getAttribute('data-alert');
      const row = page.locator(`[data-alert="${id}"]`);
      const button = page.locator(`[data-key="reason:${id}"]`);
      await button.focus();
      await page.keyboard.press('Enter');
      await page.locator('#reason-title').waitFor();
      check(
        (await page.locator('#reason-text').inputValue()) === '',
        'what was typed for another flag is there',
      );
      await page.locator('#reason-text').fill(REASON);
      await page.keyboard.press('Escape');
      await page.locator('#reason-title').waitFor({ state: 'detached' });
      check((await north.focused()).key === `reason:${id}`, 'the focus did not go back to the alert');
      await page.keyboard.press('Enter');
      await page.locator('#reason-title').waitFor();
      check((await page.locator('#reason-text').inputValue()) === REASON, 'what was put aside is lost');
      await north.axe('reason');
      await north.shot('05-reason');
      await page.keyboard.press('Enter');
      await page.locator('#reason-title').waitFor({ state: 'detached' });
      check((await north.focused()).key === `reason:${id}`, 'the focus did not go back to the alert');
      await row.locator('.reasoned', { hasText: REASON }).waitFor();
      const said = await row.locator('.reasoned').textContent();
      check(/REASON .*\d\d:\d\d:\d\dZ .+: /.test(said), `it does not say who gave it and when: ${said}`);
      // The level falls when the flag was judged below it for 10 s.
      await page.locator(`[data-alert="${id}"].caution`).waitFor();
      await north.axe('reasoned');
      await north.shot('05-reasoned');
      if (plan === null) return;
      skypact(north, 'plan', 'cancel', plan);
      await page.locator(`[data-alert="${id}"].cleared`, { hasText: REASON }).waitFor();
    },
  );
}
