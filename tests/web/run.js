// Browser tests of both pages.
//   node run.js --gateway <page_server> --centre <centre_server> [--shots DIR] [--only TEXT]
// $MARROWLINK_BIN names the programs for the tests of the whole chain, as for tests/system; $VERBOSE shows what that world says.
// Prints `N passed, N failed` and ends with 1 when one failed, with 77 when there is no browser or its libraries are not installed.
import { existsSync, mkdirSync } from 'node:fs';

const browser_program = process.env.CHROMIUM || '/usr/bin/chromium';
for (const [file, remedy] of [[browser_program, 'install chromium, or name one in $CHROMIUM'], [new URL('node_modules/playwright-core', import.meta.url), 'run npm ci in tests/web']])
  if (!existsSync(file)) { console.log(`skipped: ${file} is not there; ${remedy}`); process.exit(77); }
const { Chain, open_browser, Server } = await import('./world.js');
const suite = async (file) => (await import(file)).tests;

const option = (name, otherwise) => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1]; };
const [gateway, centre, shots, only] = [option('gateway'), option('centre'), option('shots', 'shots'), option('only', '')];
if (!gateway || !centre) { console.error('usage: node run.js --gateway <page_server> --centre <centre_server> [--shots DIR] [--only TEXT]'); process.exit(64); }
mkdirSync(shots, { recursive: true });

// Side by side: most of the time a test waits for what a person would wait for.
const lanes = [
  [[await suite('./page_tests.js'), () => new Server(gateway)]],
  [[await suite('./chain_tests.js'), () => new Chain()], [await suite('./centre_tests.js'), () => new Server(centre)]],
];
const browser = await open_browser(browser_program);
let passed = 0, failed = 0;

async function run(name, test, server) {
  const pages = [];
  const began = Date.now();
  try {
    await server.start();
    await test({ server, browser, pages, shot: (page, file) => page.screenshot({ path: `${shots}/${file}.png`, fullPage: true }) });
    const wrong = pages.flatMap((page) => page.wrong);
    if (wrong.length) throw new Error(wrong.join('; '));
    passed += 1;
    console.log(`ok    ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (failure) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${failure.message}`);
    if (server.said) console.log(await server.said().catch((problem) => problem.message));
    if (pages[0]) await pages[0].screenshot({ path: `${shots}/failed-${failed}.png`, fullPage: true }).catch(() => {});
  } finally {
    for (const page of pages) await page.context().close();
    server.thaw();
    await server.stop();
  }
}

await Promise.all(lanes.map(async (lane) => {
  for (const [tests, make] of lane)
    for (const [name, test] of Object.entries(tests)) if (name.includes(only)) await run(name, test, make());
}));
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
