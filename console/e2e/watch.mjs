// What an officer asks of a conflict: why it is one, to have it quiet for a reason and a time, and what flies without a plan.

export function addSteps(step, check) {
  step('why there is an alert is shown with both reports', async ({ north, kept }) => {
    const { page } = north;
    // A conflict that rests on a peer's word has no page of reasons; one that was decided here is looked for, from the latest on: it lasts.
    for (let at = (await page.locator('sky-alerts button[data-key^="why:"]').count()) - 1; ; at--) {
      check(at >= 0, 'no conflict was decided here');
      await page.locator('sky-alerts button[data-key^="why:"]').nth(at).focus();
      kept.decided = (await north.focused()).key.slice('why:'.length);
      await page.keyboard.press('Enter');
      await page.locator('.decision, sky-why p[role=status]:not(:text("Asking"))').first().waitFor();
      if ((await page.locator('.decision').count()) > 0) break;
      await page.keyboard.press('Escape');
    }
    const text = await page.locator('sky-why').textContent();
    for (const word of ['tin', 'tcpa', 'dcpa', 'SHA-256', 'Minima', 'this node finds the same'])
      check(text.includes(word), `the page does not say ${word}: ${text}`);
    await north.axe('why');
    await north.shot('04-why');
    await page.keyboard.press('Escape');
    await page.locator('#why-title').waitFor({ state: 'detached' });
    check((await north.focused()).key?.startsWith('why:'), 'the focus did not go back to the alert');
  });

  step(
    'an officer inhibits a pair by keyboard: a reason and an end are asked for, then it is listed',
    async ({ north, kept }) => {
      const { page } = north;
      await page.locator(`[data-key="inhibit:${kept.decided}"]`).focus();
      await page.keyboard.press('Enter');
      await page.locator('#inhibit-title').waitFor();
      await page.keyboard.press('Enter');
      await page.getByText('say why').waitFor();
      await page.getByText('choose one').waitFor();
      await north.axe('inhibit');
      await page.locator('#inhibit-reason').fill('Formation, leader separates');
      await page.locator('#inhibit-end-0').focus();
      await page.keyboard.press('Space');
      await north.shot('04-inhibit');
      await page.keyboard.press('Enter');
      await page.locator('#inhibit-title').waitFor({ state: 'detached' });
      const listed = page.locator('sky-inhibitions .inhibition');
      await listed.first().waitFor();
      check((await listed.count()) === 1, `${await listed.count()} inhibitions are listed`);
      const text = await listed.textContent();
      check(text.includes('Formation, leader separates') && text.includes('until'), `the list says ${text}`);
      const alert = page.locator(`[data-alert="${kept.decided}"]`);
      await alert.locator('.inhibited').waitFor();
      await page.locator(`[data-alert="${kept.decided}"].caution`).waitFor();
      await north.focusIsSomewhere('after inhibiting');
      await north.axe('inhibited');
      await north.shot('04-inhibited');
    },
  );

  step('an inhibition is lifted by keyboard, and nothing is left of its list', async ({ north, kept }) => {
    const { page } = north;
    await page.locator('sky-inhibitions button[data-key^="lift:"]').focus();
    await page.keyboard.press('Enter');
    await page.locator('.inhibitions').waitFor({ state: 'detached' });
    await page.locator(`[data-alert="${kept.decided}"] .inhibited`).waitFor({ state: 'detached' });
    await north.focusIsSomewhere('after lifting');
  });

  step('aircraft without a plan and plans nobody flies are listed', async ({ north }) => {
    const { page } = north;
    await page.keyboard.press('0');
    await page.keyboard.press('p');
    await page.locator('#planned-title').waitFor();
    for (const list of ['unplanned', 'unflown'])
      await page.locator(`[data-list="${list}"]`, { hasText: 'As the node said' }).waitFor();
    await north.axe('plans and flights');
    await north.shot('04-plans-and-flights');
    await page.keyboard.press('Escape');
    await page.locator('#planned-title').waitFor({ state: 'detached' });
    await north.focusIsSomewhere('after the lists');
  });
}
