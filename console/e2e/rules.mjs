// The own desk's staffing, and release rules that wait for people to agree: with real nodes and the command line beside them.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Desk } from './desk.mjs';
import { PROGRAM } from './nodes.mjs';

/** Rules of north as the demonstration has them, with another precision for the south. */
const rules = (south) => `
[[release]]
to = "civil"
class = "tracks"
level = "full"

[[release]]
to = "south"
class = "tracks"
level = "reduced"
precision_m = ${south}
identity = "pseudonym"
`;

function skypact(node, ...words) {
  const config = join(node.dir, 'skypact.toml');
  return execFileSync(PROGRAM, [...words, '--config', config, '--json'], { encoding: 'utf8' });
}

function propose(node, precision_m) {
  const file = join(node.dir, 'wider.toml');
  writeFileSync(file, rules(precision_m));
  return JSON.parse(skypact(node, 'release', 'set', file)).proposal.id;
}

/** An administrator's browser; `wait` puts the password off. */
async function administrator(browser, node, name, wait) {
  const { url } = JSON.parse(skypact(node, 'account', 'add', name, '--role', 'administrator'));
  const desk = await Desk.open(browser, { party: name, url });
  await desk.page.goto(url);
  await desk.page.locator('sky-password form').waitFor();
  if (wait) await desk.page.getByRole('button', { name: 'Later' }).click();
  else await desk.setPassword();
  await desk.page.locator('.desk').waitFor();
  return desk;
}

const agree = (page) => page.locator('[data-key="rules-agree"]');

export function addSteps(step, check) {
  step('an officer states that nobody is at the desk, and the peer sees it', async ({ north, south }) => {
    const { page } = north;
    check(
      (await page.locator('.own-desk').textContent()).includes('not stated'),
      'something was stated before',
    );
    await page.keyboard.press('0');
    await page.keyboard.press('d');
    await page.locator('#desk-title').waitFor();
    await page.locator('sky-desk-state button[type=submit]').click();
    await page.getByText('choose one').waitFor();
    await page.locator('#desk-unstaffed').focus();
    await page.keyboard.press('Space');
    await page.locator('#desk-note').fill('Voice line 7');
    await north.axe('own desk');
    await north.shot('15-own-desk');
    await page.locator('sky-desk-state button[type=submit]').focus();
    await page.keyboard.press('Enter');
    await page.locator('#desk-title').waitFor({ state: 'detached' });
    await north.focusIsSomewhere('after stating');
    await page.locator('.own-desk', { hasText: 'unstaffed' }).waitFor();
    await page.locator('.own-desk', { hasText: 'Voice line 7' }).waitFor();
    const card = south.page.locator('.peer', { hasText: north.party }).first();
    await card.locator('dd', { hasText: 'unstaffed' }).waitFor({ timeout: 30_000 });
    // Apart from the link, which is up, and from the channel, which is in force.
    const told = await card.textContent();
    check(told.includes('UP') && told.includes('in-force'), `link and channel are not told apart: ${told}`);
  });

  step('the same statement again is refused in words', async ({ north, skip }) => {
    const { page } = north;
    if (north.dir === undefined) return skip('these nodes have no folder here');
    await page.keyboard.press('0');
    await page.keyboard.press('d');
    await page.locator('#desk-unstaffed').check();
    await page.locator('#desk-note').fill('Voice line 7');
    await page.keyboard.press('Enter');
    await page.locator('sky-desk-state .problem').waitFor();
    await north.axe('own desk refused');
    await page.locator('#desk-staffed').check();
    await page.locator('#desk-note').fill('');
    await page.keyboard.press('Enter');
    await page.locator('#desk-title').waitFor({ state: 'detached' });
    await page.locator('.own-desk dd', { hasText: /^\s*staffed/ }).waitFor();
  });

  step('rules that would let out more are shown in words and wait for two people', async (all) => {
    const { browser, north, kept, skip } = all;
    if (north.dir === undefined) return skip('these nodes have no folder here');
    const id = propose(north, 50);
    check(
      (await north.page.locator('[data-key="open:release"]').count()) === 0,
      'an officer is shown the rules',
    );
    kept.carla = await administrator(browser, north, 'carla', false);
    const { page } = kept.carla;
    await page.locator('[data-key="waits:release"]').waitFor();
    await page.keyboard.press('0');
    await page.keyboard.press('r');
    await page.locator('#proposal-title', { hasText: `Proposal ${id}` }).waitFor();
    const said = await page.locator('.proposal').textContent();
    for (const part of [
      'the operator at the command line',
      'nobody yet; 2 more must',
      'all tracks are told to 50 m, 0 s late, under a pseudonym',
      'all tracks are told to 200 m, 0 s late, under a pseudonym',
    ])
      check(said.replace(/\s+/g, ' ').includes(part), `${JSON.stringify(part)} is not in ${said}`);
    check(
      (await page.locator('.changes .new').count()) === 1 &&
        (await page.locator('.changes .goes').count()) === 1,
      'the change is not one rule that goes and one that is new',
    );
    await kept.carla.axe('a proposal');
    await kept.carla.shot('16-proposal');
    check(
      (await agree(page).getAttribute('aria-disabled')) === 'true',
      'one may agree to what one has not read',
    );
    await page.locator('#rules-read').focus();
    await page.keyboard.press('Space');
    await agree(page).focus();
    await page.keyboard.press('Enter');
    await page.getByText(`You agreed to proposal ${id}; 1 more must.`).waitFor();
    await page.getByText('You have agreed.').waitFor();
    check((await agree(page).getAttribute('aria-disabled')) === 'true', 'one person may agree twice');
    await kept.carla.focusIsSomewhere('after agreeing');
  });

  step('one without a password is refused; the second person puts the rules in force', async (all) => {
    const { browser, north, kept, skip } = all;
    if (kept.carla === undefined) return skip('there is no proposal');
    const dora = await administrator(browser, north, 'dora', true);
    const { page } = dora;
    await page.locator('[data-key="waits:release"]').click();
    await page.locator('#rules-read').check();
    await agree(page).click();
    await page.locator('.proposal .problem').waitFor();
    await dora.axe('a refusal to agree');
    await dora.shot('17-agreeing-refused');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Set a password to act' }).click();
    await dora.setPassword();
    await page.keyboard.press('0');
    await page.keyboard.press('r');
    await page.locator('#rules-read').check();
    await agree(page).click();
    await page.getByText('are in force.').waitFor();
    await page.locator('.in-force', { hasText: 'told to 50 m' }).waitFor();
    check((await page.locator('.proposal').count()) === 0, 'the proposal still stands');
    // The other one's page learns of it by itself.
    await kept.carla.page.locator('.in-force', { hasText: 'told to 50 m' }).waitFor();
    await dora.focusIsSomewhere('after the rules came in force');
    kept.dora = dora;
  });

  step('a proposal is rejected, and the rules in force stay', async ({ north, kept, skip }) => {
    if (kept.dora === undefined) return skip('there are no administrators');
    const id = propose(north, 20);
    const { page } = kept.dora;
    await page.locator('#proposal-title', { hasText: `Proposal ${id}` }).waitFor();
    check(!(await page.locator('#rules-read').isChecked()), 'a new proposal counts as read');
    await page.locator('[data-key="rules-reject"]').focus();
    await page.keyboard.press('Enter');
    await page.getByText(`Proposal ${id} is rejected`).waitFor();
    await page.locator('.in-force', { hasText: 'told to 50 m' }).waitFor();
    await kept.dora.axe('the rules in force');
    await kept.dora.shot('18-rules-in-force');
    await page.keyboard.press('Escape');
    await kept.dora.focusIsSomewhere('after the rules');
    for (const desk of [kept.carla, kept.dora]) {
      north.faults.push(...desk.faults);
      await desk.context.close();
    }
  });
}
