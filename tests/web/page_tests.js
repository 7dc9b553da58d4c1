import { accessible, check, not_there, open_page, see } from './world.js';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';

const seconds = (text) => { const match = /(\d+) s/.exec(text); return match ? Number(match[1]) : NaN; };
const text_of = (page, selector) => page.locator(selector).first().innerText();

async function open({ browser, server, pages }, options) {
  const page = await open_page(browser, server.address, options);
  pages.push(page);
  await see(page, '#freshness', options?.locale?.startsWith('fr') ? 'En direct' : 'Live');
  return page;
}

// Every well on the screen, held against what the API says of the same look.
async function plate_as_measured(page, frame) {
  const wrong = await page.evaluate(async (n) => {
    const run = decodeURIComponent(document.querySelector('.now a.button').pathname.replace('/api/runs/', '').replace('.csv', ''));
    const plate = await (await fetch(`/api/runs/${run}/plate?frame=${n}`)).json();
    const shown = [...document.querySelectorAll('.now tbody td')];
    const said = plate.wells.map((w) => `${w.well}: ${[w.value === undefined ? null : `${w.value} ${plate.unit}`, w.flag ? `flagged ${w.flag}` : null].filter(Boolean).join(', ')}`);
    return shown.length !== 96 || said.length !== 96 ? [`${shown.length} wells shown, ${said.length} measured`] : said.filter((each, i) => shown[i].title !== each);
  }, frame);
  check(wrong.length === 0, `wells that differ: ${wrong.slice(0, 3)}`);
}

export const tests = {
  'the page says where everything stands': async (world) => {
    const page = await open(world);
    await see(page, 'h1', 'lyon / gw-2');
    await see(page, '#alarms', 'Nothing needs your attention.');
    await see(page, '.station', '3 of 4 answering');
    await see(page, '.station', /Room for 17 days/);
    await see(page, '.station', 'Has everything');
    await see(page, '.instrument', 'no word yet');
    await see(page, '.now .facts', '1.5862 OD');
    await see(page, '.now .answer', 'The centre has counted this run.');
    await see(page, '#today', '50,000 events');
    await accessible(page, 'the page at rest');
    await world.shot(page, 'at-rest');
  },

  'a plate fills look by look, and no progress is invented before the first': async (world) => {
    const page = await open(world);
    await page.getByLabel('Plate name or barcode').fill('PLATE-0042');
    await page.getByRole('button', { name: 'Start reading' }).click();
    await see(page, '.instrument .result', 'plate PLATE-0042 is on record');
    await see(page, '.now h2', 'Measuring now');
    await see(page, '.now .activity', /running for \d+ s.*The instrument says: reading/);
    await see(page, '.now', 'Until then there are no values to show');
    check(await page.locator('.now table').count() === 0, 'a plate is drawn before the reader has sent one');
    check(await page.locator('progress, [role=progressbar]').count() === 0, 'progress is shown that nobody measured');
    check(await page.getByRole('button', { name: 'Start reading' }).isDisabled(), 'a busy reader can be started');
    await world.shot(page, 'started');
    await world.server.steps('look');
    await see(page, '.now caption', 'PLATE-0042');
    await plate_as_measured(page, 0);
    await world.server.steps('look');
    await see(page, '.now .looks', 'Look 2 of 2, at 30 s');
    await plate_as_measured(page, 1);
    await world.server.steps('look', 'look', 'look');
    await see(page, '.now .looks', 'Look 5 of 5, at 120 s');
    await plate_as_measured(page, 4);
    await page.locator('.looks input').first().fill('0');
    await see(page, '.now .looks', 'Look 1 of 5, at 0 s');
    await plate_as_measured(page, 0);
    await world.server.steps('look');
    await page.waitForTimeout(600);
    await see(page, '.now .looks', 'Look 1 of 6'); // whoever looks back is not pulled forward
    await accessible(page, 'a plate being measured');
    await world.shot(page, 'measuring');
    await world.server.steps('finish');
    await see(page, '.now .path', /Broker\s*not yet/);
    await see(page, '.now .facts', '576');
    await world.server.steps('arrive');
    await see(page, '.now .answer', 'The centre has counted this run.');
    await see(page, '.now .chip', 'At the centre');
  },

  'a well with a word has its word and a hatch, never a number (field 51)': async (world) => {
    const page = await open(world);
    await see(page, '.now td.flagged', '#SAT');
    const well = page.locator('.now td.flagged').first();
    check(await well.getAttribute('title') === 'A1: flagged #SAT', 'the well does not say its word');
    check((await well.evaluate((e) => getComputedStyle(e).backgroundImage)).includes('repeating-linear-gradient'), 'the well is not hatched');
    check(!/\d/.test((await well.innerText()).replace('#SAT', '')), 'a number stands where none was measured');
  },

  'silence of the gateway makes the whole page old within seconds, and its first word makes it live (field 50)': async (world) => {
    const page = await open(world);
    await world.server.start_reading('PLATE-0050');
    await world.server.steps('look');
    await see(page, '.now caption', 'PLATE-0050');
    const colour = () => page.locator('main').evaluate((e) => getComputedStyle(e).filter);
    check(await colour() === 'none', 'a live page is grey');
    world.server.freeze();
    const before = Date.now();
    await see(page, '#silence', /No word from the gateway for \d+ s/, 9000);
    check(Date.now() - before > 2500, 'the page called itself old too early');
    await see(page, '#freshness', 'Not live');
    check(await colour() === 'grayscale(1)', 'an old page still has its colours');
    const first = seconds(await text_of(page, '#silence'));
    await page.waitForTimeout(2200);
    const later = seconds(await text_of(page, '#silence'));
    check(later > first, `the silence does not grow: ${first} s, then ${later} s`);
    await accessible(page, 'a silent page');
    await world.shot(page, 'silent');
    world.server.thaw();
    await see(page, '#freshness', 'Live', 9000);
    await not_there(page, '#silence');
    check(await colour() === 'none', 'a page that is live again is still grey');
  },

  'a gateway that is killed and started again comes back by itself': async (world) => {
    const page = await open(world);
    await world.server.kill();
    await see(page, '#freshness', 'Not live', 9000);
    await page.getByLabel('Plate name or barcode').fill('PLATE-0060');
    await page.getByRole('button', { name: 'Start reading' }).click();
    await see(page, '.instrument .result', 'the gateway does not answer');
    await world.server.start();
    await see(page, '#freshness', 'Live', 12000);
    await see(page, '.instrument', /last word \d+ s ago/);
  },

  'an instrument past its due time is marked although the gateway is well, and only it (field 50, 47)': async (world) => {
    const page = await open(world);
    await world.server.steps('due');
    await see(page, '.instrument', /Ready\s*last word [01] s ago/);
    await see(page, '.instrument .overdue', /overdue, this state may be out of date/, 8000);
    await see(page, '#freshness', 'Live');
    check(await page.locator('.heard.overdue').count() === 1, 'other instruments are marked, too');
    check(await page.getByRole('button', { name: 'Start reading' }).isDisabled(), 'an instrument that may be away can be started');
    await accessible(page, 'an overdue instrument');
    await world.shot(page, 'overdue');
    await world.server.steps('word');
    await not_there(page, '.heard.overdue');
  },

  'ages grow by themselves and never jump back without a word': async (world) => {
    const page = await open(world);
    const age = async () => seconds(await text_of(page, '.instrument .heard'));
    const first = await age();
    await page.waitForTimeout(3500);
    const later = await age();
    check(later >= first + 2 && later <= first + 5, `the age went from ${first} s to ${later} s in 3.5 s`);
  },

  'an outage says what to do and what waits, and its end clears it': async (world) => {
    const page = await open(world);
    await world.server.steps('outage');
    await see(page, '.alarm', /The broker cannot be reached\..*Nothing is lost/);
    await see(page, '.station.bad', 'Cannot be reached');
    await see(page, '.station', /214 records \(293\sKiB\) waiting, safe here, oldest \d+ s/);
    await see(page, '.station', 'Not known while the broker is away');
    await accessible(page, 'an outage');
    await world.shot(page, 'outage');
    await world.server.steps('recovery');
    await see(page, '#alarms', 'Nothing needs your attention.');
    await see(page, '.station', 'Has everything');
    await not_there(page, '.alarm');
  },

  'a rehearsed outage is told from a real one, in both languages': async (world) => {
    const page = await open(world);
    await world.server.steps('rehearsal');
    await see(page, '.alarm', /An outage is being rehearsed until [^{}]*:[^{}]*closed on purpose\..*This is no fault/);
    await see(page, '.station.old', 'Closed on purpose, for a rehearsal');
    await see(page, '.station.old', 'Gets what waits here after the rehearsal');
    await not_there(page, '.station.bad');
    await accessible(page, 'a rehearsed outage');
    await page.getByRole('button', { name: 'Français' }).click();
    await see(page, '.alarm', /Exercice de coupure jusqu’à [^{}]* : la liaison.*Ce n’est pas une panne/);
    await see(page, '.station.old', 'Coupé exprès, pour un exercice');
    await world.server.steps('recovery');
    await not_there(page, '.alarm');
  },

  'errors stand above warnings, and an alarm that the page does not know speaks for itself': async (world) => {
    const page = await open(world, { locale: 'fr-FR' });
    await world.server.steps('outage', 'full', 'unknown-alarm');
    await see(page, '.alarm', 'Something new is wrong. Do something about it.');
    const order = await page.locator('.alarm').evaluateAll((all) => all.map((e) => e.classList.contains('error')));
    check(order.join() === 'true,true,false', `the order of severity is ${order}`);
    await see(page, '.station', 'La place est épuisée');
  },

  'files that were not taken are named with their reason, files still being written are not blamed': async (world) => {
    const page = await open(world);
    await world.server.steps('files');
    await see(page, '.files.attention', /plate 12\.txt.*not complete.*for 11 min/);
    await see(page, '.files.attention', /notes\.docx.*refused/);
    check(!(await text_of(page, '.files.attention')).includes('plate 13'), 'a file that still grows is called not taken');
    await see(page, '.files:not(.attention)', 'plate 13.txt');
    await see(page, '.alarm', 'The file plate 12.txt has not been taken for ten minutes. The last section has no end.');
    await accessible(page, 'refused files');
    await world.shot(page, 'files');
  },

  'a run of the day opens by keyboard, shows its plate and gives its values': async (world) => {
    const page = await open(world);
    await page.locator('#today summary').nth(2).focus();
    await page.keyboard.press('Enter');
    await see(page, '#today .facts', /DRUG-SCREEN-017.*Synergy H1 exports/s);
    await see(page, '#today td', '1.5862');
    await see(page, '#today .answer.odd', 'the centre asks a person to look at it before the plate is discarded. Reason: Z\' 0.41, wanted at least 0.5');
    const download = page.waitForEvent('download');
    await page.locator('#today a.button').first().click();
    const file = await download;
    check(file.suggestedFilename() === 'DRUG-SCREEN-017.csv', `the file is called ${file.suggestedFilename()}`);
    const lines = readFileSync(await file.path(), 'utf8').trim().split('\r\n');
    check(lines.length === 97, `the file has ${lines.length} lines`);
    check(lines[0] === 'file,plate,read,well,time_s,wavelength_nm,excitation_nm,value,unit,flag', lines[0]);
    check(lines[1].endsWith(',A1,,450,,,OD,#SAT'), lines[1]);
    await accessible(page, 'an opened run');
  },

  'a cytometer run counts events and is a revision that people see': async (world) => {
    const page = await open(world);
    await page.locator('#today summary').nth(1).click();
    await see(page, '#today .facts', /Events\s*50,000/);
    await see(page, '#today .answer.odd', /kept as a revision.*Reason: the same acquisition was exported before/);
    check(await page.locator('#today details[open] table').count() === 0, 'a plate is drawn for a cytometer');
  },

  'a wrong plate name is corrected with name and reason': async (world) => {
    const page = await open(world);
    await page.locator('.now .correction summary').click();
    await page.locator('.now').getByLabel('Right plate name').fill('PLATE-0040');
    await page.locator('.now').getByLabel('Your name or initials').fill('AB');
    await page.locator('.now').getByRole('button', { name: 'Record the correction' }).click();
    check(await page.locator('.now').getByLabel('Reason').evaluate((e) => !e.validity.valid), 'a correction goes without a reason');
    await page.locator('.now').getByLabel('Reason').fill('barcode misread');
    await world.server.start_reading('PLATE-0099'); // the next run does not take the form away
    await see(page, '#today', 'PLATE-0099');
    await page.locator('.now').getByRole('button', { name: 'Record the correction' }).click();
    await see(page, '#today .run-name', 'PLATE-0040');
  },

  'everything is said in both languages, chosen by the browser and kept': async (world) => {
    const page = await open(world, { locale: 'fr-FR' });
    check(await page.locator('html').getAttribute('lang') === 'fr', 'the page does not say that it is French');
    await see(page, '.station', '3 sur 4 répondent');
    await see(page, '.now .answer', 'Le centre a compté cette mesure.');
    await world.server.steps('outage', 'files');
    await see(page, '.alarm', 'Le courtier est injoignable.');
    await see(page, '.files.attention', /plate 12\.txt.*incomplet/);
    await accessible(page, 'the French page');
    await world.shot(page, 'french');
    const left = await page.evaluate(async () => {
      const { known, t, choose_language } = await import('/text.js');
      const { known_alarms, has_both_languages } = await import('/alarm_text.js');
      const source = await (await fetch('/text.js')).text();
      const keys = [...source.matchAll(/^ {2}'?([\w. ]+)'?: /gm)].map((m) => m[1]);
      const count = new Map();
      for (const key of keys) if (known(key)) count.set(key, (count.get(key) || 0) + 1);
      choose_language('fr');
      return { missing: [...count].filter(([, n]) => n < 2).map(([key]) => key).concat(known_alarms().filter((id) => !has_both_languages(id))), alarms: known_alarms(), sample: t('now'), keys: count.size };
    });
    check(left.keys > 90 && left.sample === 'Mesure en cours', `only ${left.keys} sentences were compared`);
    const raised = [...readFileSync(new URL('../../gateway/alarms.cpp', import.meta.url), 'utf8').matchAll(/(?:alarm\(|LinkState::\w+, )"([a-z]+\.[a-z_]+)"/g)].map((m) => m[1]);
    const untold = raised.filter((id) => !left.alarms.includes(id));
    check(raised.length > 10 && untold.length === 0, `alarms of the gateway without sentences here: ${untold} (${raised.length} read)`);
    check(left.missing.length === 0, `not in French: ${left.missing}`);
    await page.getByRole('button', { name: 'English' }).click();
    await see(page, '.alarm', 'The broker cannot be reached.');
    await page.reload();
    await see(page, '.alarm', 'The broker cannot be reached.');
  },

  'a phone shows all of it without scrolling sideways': async (world) => {
    const page = await open(world, { viewport: { width: 375, height: 800 } });
    await see(page, '.now td', '1.5862');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `the page is ${wide} px wider than the phone`);
    await accessible(page, 'a phone');
    await world.shot(page, 'phone');
  },

  'a page beyond the limit of open pages does not pretend to be live, and is as soon as one is closed': async (world) => {
    const others = await Promise.all([...Array(16)].map(() => new Promise((resolve, reject) => {
      const request = get(`${world.server.address}/api/events`, (response) => { response.resume(); resolve(request); });
      request.once('error', reject);
    })));
    for (const other of others) other.on('error', () => {});
    const page = await open_page(world.browser, world.server.address);
    await see(page, '#silence', 'The gateway does not answer', 9000);
    check(page.wrong.every((each) => each.includes('503')), page.wrong.join());
    others[0].destroy();
    await see(page, '#freshness', 'Live', 12000);
    for (const other of others) other.destroy();
    await page.context().close();
  },

  'a page in the background is old when it comes back, until the next word': async (world) => {
    const page = await open(world);
    const hide = (hidden) => page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await hide(true);
    await world.server.steps('outage');
    await page.waitForTimeout(1500);
    check(await page.locator('.alarm').count() === 0, 'a hidden page holds a connection');
    await hide(false);
    await see(page, '.alarm', 'The broker cannot be reached.');
    await see(page, '#freshness', 'Live');
  },
};
