import { check, not_there, open_page, see } from './world.js';

async function both_pages({ browser, server, pages }) {
  const opened = [await open_page(browser, server.gateway), await open_page(browser, server.centre)];
  pages.push(...opened);
  return opened;
}

const row = (page, plate) => page.locator('#runs-paris tbody tr').filter({ hasText: plate }).first().innerText();

export const tests = {
  'a run goes from the reader to the centre before two pages, and a broker outage is seen and heals': async (world) => {
    const [gateway, centre] = await both_pages(world);
    await see(gateway, '#freshness', 'Live');
    await see(gateway, '.station.good', /Broker\s*Connected/, 15000);
    await see(gateway, '.station', '2 of 2 answering', 15000);
    await see(centre, '.gateways', 'gw1: online', 15000);

    await gateway.getByLabel('Plate name or barcode').fill('CHAIN-0001');
    await gateway.getByRole('button', { name: 'Start reading' }).click();
    await see(gateway, '.now h2', 'Measuring now', 10000);
    await see(centre, '#runs-paris td', 'in progress', 10000);
    check((await row(centre, 'CHAIN-0001')).includes('reader-1'), `the centre says of the plate: ${await row(centre, 'CHAIN-0001')}`);
    await see(gateway, '.now .answer', 'The centre has counted this run.', 15000);
    await see(gateway, '.station', 'Has everything');
    await see(centre, '#summary', '1 run counted, from 1 site.', 10000);
    check((await row(centre, 'CHAIN-0001')).includes('complete'), `the centre says of the plate: ${await row(centre, 'CHAIN-0001')}`);

    await world.server.tell('kill broker');
    await see(gateway, '.alarm', 'The broker cannot be reached. Nothing is lost', 10000);
    await see(gateway, '.station', 'Not known while the broker is away');
    await see(centre, '#alarms p', 'The centre has no connection to the broker.', 10000);
    await world.server.tell('drop');
    await see(gateway, '.station', /\d+ records \(.*\) waiting, safe here/, 10000);
    await see(gateway, '#today', 'PLATE-001', 10000);
    check(!(await centre.locator('#runs-paris').innerText()).includes('PLATE-001'), 'a run is at the centre that nobody could bring there');
    await world.shot(gateway, 'chain-outage');

    await world.server.tell('start broker');
    await see(gateway, '#alarms', 'Nothing needs your attention.', 20000);
    await see(gateway, '.station', 'Has everything', 20000);
    await not_there(centre, '#alarms p', 20000);
    await see(centre, '#summary', '2 runs counted, from 1 site.', 20000);
    check((await row(centre, 'PLATE-001')).includes('complete'), `the centre says of the export: ${await row(centre, 'PLATE-001')}`);
    await world.shot(centre, 'chain-healed');

    await world.server.tell('kill central');
    await see(gateway, '.alarm', 'The broker is there, central analysis is not.', 10000);
    await world.server.tell('start central');
    await see(gateway, '#alarms', 'Nothing needs your attention.', 20000);
    const { proof } = await world.server.tell('verify');
    check(/marrowlink-gateway verify: exit 0[^]*marrowlink-central verify: exit 0/.test(proof), proof);
  },
};
