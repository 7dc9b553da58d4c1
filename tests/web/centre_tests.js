import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { accessible, check, not_there, open_page, see } from './world.js';

// Every few seconds the page asks the centre; the page's clock is ours, so that nobody waits for it.
const between_answers_ms = 3000;
const runs_of = (site) => `section[aria-labelledby="site-${site}"]`;

async function open({ browser, server, pages }, options) {
  const page = await open_page(browser, server.address, { own_clock: true, ...options });
  pages.push(page);
  await see(page, '#freshness', options?.locale?.startsWith('fr') ? 'État à' : 'As of');
  return page;
}

async function next_answer(page) {
  const answer = page.waitForResponse(/api\/runs/);
  await page.clock.fastForward(between_answers_ms);
  await answer;
}

async function steps({ server }, page, ...names) {
  await server.steps(...names);
  await next_answer(page);
}

const rows_of = (page, region) => page.locator(`${region} tbody tr`).evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));

export const tests = {
  'a centre without records says so, and which gateways are there': async (world) => {
    const page = await open(world);
    await see(page, '#summary', 'No record has arrived yet.');
    check(await page.locator('#alarms p').count() === 0, 'an empty centre has an alarm');
    await accessible(page, 'an empty centre');
    await steps(world, page, 'births');
    await see(page, `${runs_of('lyon')} .gateways`, /gw-2: online since/);
    await see(page, `${runs_of('paris')} .gateways`, /gw-1: online since/);
    await see(page, runs_of('lyon'), 'No plate or cytometer run has arrived yet.');
  },

  'runs stand under their site, counted once, with state, correction and reason': async (world) => {
    const page = await open(world);
    await steps(world, page, 'births', 'runs');
    await see(page, '#summary', '3 runs counted, from 2 sites.');
    const totals = await rows_of(page, '#totals-lyon');
    check(JSON.stringify(totals) === JSON.stringify([['line-1', '0', '0', '0', '0', '2'], ['reader-1', '1', '1', '0', '1', '0']]), `totals of lyon: ${JSON.stringify(totals)}`);
    const of_paris = await rows_of(page, '#totals-paris');
    check(JSON.stringify(of_paris) === JSON.stringify([['cytometer', '0', '0', '1', '0', '0']]), `totals of paris: ${JSON.stringify(of_paris)}`);
    const runs = Object.fromEntries((await rows_of(page, '#runs-lyon')).map(([plate, ...rest]) => [plate, rest]));
    check(Object.keys(runs).sort().join() === 'PLATE-0040,PLATE-0042,PLATE-0043', `runs of lyon: ${Object.keys(runs)}`);
    check(/^complete.*Plate corrected by Ada: typed the wrong plate/.test(runs['PLATE-0040'][0]), runs['PLATE-0040'][0]);
    check(/^complete.*Revision 1: the same key came before with other bytes/.test(runs['PLATE-0042'][0]), runs['PLATE-0042'][0]);
    check(runs['PLATE-0043'][0] === 'in progress' && runs['PLATE-0043'][1] === 'reader-1' && runs['PLATE-0043'][2] === 'gw-2', `PLATE-0043: ${runs['PLATE-0043']}`);
    await see(page, '#runs-paris td', /^abortedThe reader was switched off\.$/);
    await accessible(page, 'the runs of two sites');
    await world.shot(page, 'centre-runs');
  },

  'silence of the centre makes its page old within seconds, and its first answer makes it live (field 50)': async (world) => {
    const page = await open(world);
    await steps(world, page, 'births', 'runs');
    await see(page, '#summary', '3 runs counted');
    world.server.freeze();
    await page.clock.fastForward(9000);
    check(!(await page.locator('body').getAttribute('class'))?.includes('stale-data'), 'the page called itself old after 9 s');
    await page.clock.fastForward(2000);
    await see(page, '#freshness.stale', /Out of date: last answer from the centre 1[1-4] s ago/);
    await page.clock.fastForward(60000);
    await see(page, '#freshness.stale', /Out of date: last answer from the centre 7\d s ago/);
    await see(page, '#runs-lyon th', 'PLATE-0040'); // old, and still there to read
    await accessible(page, 'an old page');
    await world.shot(page, 'centre-old');
    world.server.thaw();
    await page.clock.fastForward(between_answers_ms);
    await see(page, '#freshness:not(.stale)', 'As of', 15000);
    check(!(await page.locator('body').getAttribute('class'))?.includes('stale-data'), 'a page that is live again is still marked');
  },

  'a centre that was never reached shows no figures': async ({ browser, server, pages }) => {
    const page = await open_page(browser, server.address, { own_clock: true, no_answers: /api\/runs/ });
    pages.push(page);
    await see(page, '#freshness', 'Waiting for the first answer.');
    check(await page.locator('#summary').innerText() === '' && await page.locator('section').count() === 0, 'figures are shown that nobody sent');
  },

  'the broker away and a copied outbox are alarms that say what to do, each said once': async (world) => {
    const page = await open(world);
    await steps(world, page, 'births', 'runs', 'broker-away');
    await see(page, '#alarms p', 'The centre has no connection to the broker. Gateways keep their records until it is back. Connection refused');
    await page.evaluate(() => { document.querySelector('#alarms p').seen = true; });
    await next_answer(page);
    await see(page, '#alarms p', 'no connection');
    check(await page.evaluate(() => document.querySelector('#alarms p').seen), 'a screen reader is told the same alarm again');
    await accessible(page, 'an alarm');
    await steps(world, page, 'broker-back');
    await not_there(page, '#alarms p');
    await steps(world, page, 'fork');
    await see(page, '#alarms p', /Stream aaaaaaaa-\S+ of lyon\/gw-2 came twice with different records from number 1 on.*Call the person who looks after that gateway/);
  },

  'refused records are named by stream, number and reason, the latest of them': async (world) => {
    const page = await open(world);
    check(await page.locator('#refusals section').count() === 0, 'refused records are listed where there are none');
    await steps(world, page, 'refused');
    await see(page, '#alarms p', '1 record is stored but could not be understood.');
    const [row] = await rows_of(page, '#refused-records');
    check(row[1] === 'lyon/gw-2' && row[2] === 'aaaaaaaa-0000-4000-8000-000000000001/1' && row[3] === 'run.exploded', `the row says ${row}`);
    check(row[4] === 'Type run.exploded is not one that this centre (wire contract 1) knows.', row[4]);
    await steps(world, page, ...Array(20).fill('refused'));
    await see(page, '#refusals caption', 'The latest 20 of 21');
    const rows = await rows_of(page, '#refused-records');
    check(rows.length === 20 && rows[0][2].endsWith('/21') && rows[19][2].endsWith('/2'), `${rows.length} rows, from ${rows[0][2]} to ${rows.at(-1)[2]}`);
    await accessible(page, 'refused records');
    await world.shot(page, 'centre-refused');
  },

  'an evaluated plate shows its verdict, wells, controls and curves, and its subject what changed': async (world) => {
    const page = await open(world);
    await steps(world, page, 'births', 'screen');
    await next_answer(page);
    await see(page, '#runs-lyon td', /complete.*plate: good/);
    await see(page, '#subjects-table td', '2');
    await accessible(page, 'runs with evaluated plates');
    await page.locator('#runs-lyon a', { hasText: 'ALL-P2' }).click();
    await see(page, 'h1', 'Plate ALL-P2');
    await see(page, '.verdict', 'Good');
    await see(page, '.research', 'Research use only');
    check(await page.locator('#wells ~ .scroll rect').count() === 96, 'the heat map has not one field a well');
    check(await page.locator('#controls ~ .scroll circle').count() === 16, 'not every control well is shown');
    check(await page.locator('.curve').count() === 2 && await page.locator('.curve').first().locator('circle').count() === 40, 'a curve or a point is missing');
    await see(page, '.curve figcaption', /dasatinib.*DSS2 \d+\.\d \(SE \d\.\d\), IC50 \d+ nM/);
    await see(page, '#provenance ~ dl', /version 1, SHA-256 [0-9a-f]{64}.*4pl\/global-v1/);
    await accessible(page, 'a plate');
    await world.shot(page, 'centre-plate');
    await page.getByRole('link', { name: 'ALL-0042' }).click();
    await see(page, 'h1', 'Subject ALL-0042');
    const rows = await rows_of(page, '#comparison');
    check(rows.length === 2 && rows[0][0] === 'dasatinib' && rows[0][5] === 'lost effect' && /^-\d+\.\d \(-\d+\.\d to -\d+\.\d\)$/.test(rows[0][3]), `the first row says ${rows[0]}`);
    check(rows[1][5] === 'no change that could be seen (smallest detectable: 5.8)', rows[1][5]);
    check(await page.locator('.curve').count() === 2 && await page.locator('.curve').first().locator('circle').count() === 80, 'a curve of a timepoint is missing');
    check((await rows_of(page, '#provenance')).every((row) => /layout, version 1 [0-9a-f]{64}sample sheet, version 1 [0-9a-f]{64}$/.test(row[3]) && /^agilent-gen5 [0-9a-f]{64}$/.test(row[4])), 'a plate does not say what it rests on');
    await accessible(page, 'a subject');
    await world.shot(page, 'centre-subject');
    await page.getByRole('button', { name: 'Français' }).click();
    await see(page, '#comparison td', 'effet perdu');
    const [en, fr] = await page.evaluate(() => [Object.keys(texts.en).sort().join(), Object.keys(texts.fr).sort().join()]); // eslint-disable-line no-undef
    check(en === fr, `texts in one language only: ${en} / ${fr}`);
    await page.goto(`${world.server.address}/plate.html?run=1`);
    await see(page, 'h1', 'Plaque ALL-P1');
    await accessible(page, 'a French plate');
  },

  'a subject is saved as one file, which shows the same without a centre': async (world) => {
    const page = await open(world);
    await steps(world, page, 'births', 'screen');
    await page.goto(`${world.server.address}/subject.html?id=ALL-0042`);
    await see(page, '#comparison td', 'lost effect');
    const shown = await rows_of(page, '#comparison');
    const saving = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Save as a report (HTML)' }).click();
    const saved = await saving;
    check(saved.suggestedFilename() === 'ALL-0042.html', `it is saved as ${saved.suggestedFilename()}`);
    const path = join(await mkdtemp(join(tmpdir(), 'marrowlink-report-')), 'ALL-0042.html');
    await saved.saveAs(path);
    const report = await open_page(world.browser, `file://${path}`);
    world.pages.push(report);
    await see(report, 'h1', 'Subject ALL-0042');
    await see(report, '#content', /Report by Marrowlink \d/);
    check(JSON.stringify(await rows_of(report, '#comparison')) === JSON.stringify(shown), 'the report says otherwise than the page');
    check(await report.locator('.curve').count() === 2, 'the report has no curves');
    check(await report.locator('a:not(.skip)').count() === 0, 'the report leads to the centre');
    await accessible(report, 'a report');
    await world.shot(report, 'report');
    await report.getByRole('button', { name: 'Français' }).click();
    await see(report, '#comparison td', 'effet perdu');
    await report.emulateMedia({ media: 'print' });
    check(!await report.locator('.language').isVisible(), 'buttons are printed');
    await world.shot(report, 'report-printed');
    await rm(dirname(path), { recursive: true });
  },

  'tables are saved as CSV with the numbers as they were computed, pictures as SVG': async (world) => {
    const page = await open(world);
    await steps(world, page, 'births', 'screen');
    await page.goto(`${world.server.address}/subject.html?id=ALL-0042`);
    await see(page, '.curve figcaption', 'dasatinib');
    const kept = async (name, at = page) => {
      const saving = at.waitForEvent('download');
      await at.getByRole('button', { name, exact: true }).first().click();
      const saved = await saving;
      return [saved.suggestedFilename(), await readFile(await saved.path(), 'utf8')];
    };
    const [table_name, table] = await kept('Save Diagnosis against relapse as CSV');
    check(table_name === 'ALL-0042 comparison.csv', table_name);
    check(/^drug,site,diagnosis,relapse,delta,lo95,hi95,detectable,call,not_comparable,flags\ndasatinib,lyon,\d+\.\d{8,},\d+\.\d{8,},-\d+\.\d{8,},/.test(table), table);
    const [picture_name, picture] = await kept('Save dasatinib as SVG');
    check(picture_name === 'ALL-0042 dasatinib.svg', picture_name);
    check(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/.test(picture) && /<polyline [^>]*stroke="rgb/.test(picture) && !/class=/.test(picture), picture.slice(0, 300));
    await page.getByRole('link', { name: 'ALL-P1' }).click();
    await see(page, '.curve figcaption', 'dasatinib');
    const [, wells] = await kept('Save Wells as CSV');
    check(wells.split('\n').length === 98 && /^well,role,drug,.*\nA1,negative,,,,\d+,/.test(wells), wells.slice(0, 200));
    const [, map] = await kept('Save Wells as SVG');
    check((map.match(/<rect /g) || []).length === 96, 'the saved heat map has not one field a well');
  },

  'all subjects together say drug by drug what changed, or how large a change would have been seen': async (world) => {
    const page = await open(world);
    await steps(world, page, 'births', 'cohort');
    await next_answer(page);
    await page.getByRole('link', { name: 'All subjects together' }).click();
    await see(page, 'h2', 'Site lyon: 8 subjects');
    const rows = await rows_of(page, '#drugs-lyon');
    check(rows.length === 2 && rows[0][0] === 'dasatinib' && rows[0][1] === '8' && rows[0][6] === 'lost effect', `the first row says ${rows[0]}`);
    check(/^no change that could be seen \(a mean change of \d+\.\d would have been seen with 80 % power\)$/.test(rows[1][6]), rows[1][6]);
    await accessible(page, 'a cohort');
    await world.shot(page, 'centre-cohort');
    const [en, fr] = await page.evaluate(() => [Object.keys(texts.en).sort().join(), Object.keys(texts.fr).sort().join()]); // eslint-disable-line no-undef
    check(en === fr, `texts in one language only: ${en} / ${fr}`);
  },

  'a plate or a subject that is not there is said': async (world) => {
    const page = await open(world);
    page.wrong.splice(0);
    await page.goto(`${world.server.address}/subject.html?id=ALL-1`);
    await see(page, '#content p', 'The centre did not give this subject: The centre has nothing of this name.');
    await page.goto(`${world.server.address}/plate.html?run=x`);
    await see(page, '#content p', 'The centre did not give this plate: run is "x", expected a number.');
    page.wrong.splice(0); // the browser names each answer of 400 and 404
  },

  'everything is reached by keyboard, and news do not take the focus away': async (world) => {
    const page = await open(world);
    await steps(world, page, 'births', 'runs');
    await see(page, '#runs-lyon', 'PLATE-0040');
    const focus = () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.language || document.activeElement.className);
    await page.keyboard.press('Tab');
    check(await focus() === 'skip', `the first stop is ${await focus()}`);
    check((await page.locator('.skip').boundingBox()).x >= 0, 'the way to the runs is not shown');
    await page.keyboard.press('Enter');
    check(await focus() === 'sites', `the way to the runs leads to ${await focus()}`);
    const stops = [];
    for (let i = 0; i < 4; ++i) { await page.keyboard.press('Tab'); stops.push(await focus()); }
    check(stops.join() === 'totals-lyon,runs-lyon,totals-paris,runs-paris', `the stops are ${stops}`);
    check(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle) === 'solid', 'the focus is not to be seen');
    await steps(world, page, 'started');
    await see(page, '#runs-paris', 'PLATE-0099');
    check(await focus() === 'runs-paris', `news took the focus to ${await focus()}`);
    await page.locator('[data-language=fr]').focus();
    await page.keyboard.press('Enter');
    await see(page, 'h2', 'Site paris');
    await see(page, '#runs-paris caption', 'Mesures de paris');
    check(await page.locator('[data-language=fr]').getAttribute('aria-pressed') === 'true', 'the chosen language is not marked');
  },

  'everything is said in both languages, chosen by the browser and kept': async (world) => {
    const page = await open(world, { locale: 'fr-FR' });
    await steps(world, page, 'births', 'runs', 'refused', 'broker-away');
    check(await page.locator('html').getAttribute('lang') === 'fr', 'the page does not say that it is French');
    await see(page, '#summary', '3 mesures comptées, de 2 sites.');
    await see(page, '#alarms p', 'Le centre n’est pas relié au courtier.');
    await see(page, '#runs-lyon td', 'Plaque corrigée par Ada');
    await see(page, '#refusals caption', 'Les derniers : 1 sur 1');
    await accessible(page, 'the French page');
    const keys = await page.evaluate(() => {
      const of = (texts) => Object.entries(texts).flatMap(([key, value]) => (typeof value === 'object' ? of(value).map((inner) => `${key}.${inner}`) : [key])).sort();
      return [of(texts.en), of(texts.fr)]; // eslint-disable-line no-undef
    });
    check(keys[0].length > 40 && keys[0].join() === keys[1].join(), `only in one language: ${keys[0].filter((key) => !keys[1].includes(key)).concat(keys[1].filter((key) => !keys[0].includes(key)))}`);
    await page.getByRole('button', { name: 'English' }).click();
    await see(page, '#summary', '3 runs counted, from 2 sites.');
    await page.reload();
    await see(page, '#summary', '3 runs counted, from 2 sites.');
  },

  'a phone, in the dark, shows all of it without scrolling sideways': async (world) => {
    const page = await open(world, { viewport: { width: 375, height: 800 }, colorScheme: 'dark' });
    await steps(world, page, 'births', 'runs', 'refused', 'fork');
    await see(page, '#runs-lyon', 'PLATE-0040');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `the page is ${wide} px wider than the phone`);
    await accessible(page, 'a phone in the dark');
    await world.shot(page, 'centre-phone');
  },
};
