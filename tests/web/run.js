// Browser tests of the gateway page.
//   node run.js --server <page_server> [--shots DIR] [--only TEXT]
// Prints `N passed, N failed` and ends with 1 when one failed, with 77 when there is no browser or its libraries are not installed.
import { existsSync, mkdirSync } from 'node:fs';

const browser_program = process.env.CHROMIUM || '/usr/bin/chromium';
for (const [file, remedy] of [[browser_program, 'install chromium, or name one in $CHROMIUM'], [new URL('node_modules/playwright-core', import.meta.url), 'run npm ci in tests/web']])
  if (!existsSync(file)) { console.log(`skipped: ${file} is not there; ${remedy}`); process.exit(77); }
const { tests } = await import('./page_tests.js');
const { open_browser, Server } = await import('./world.js');

const option = (name, otherwise) => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1]; };
const program = option('server');
const shots = option('shots', 'shots');
const only = option('only', '');
if (!program) { console.error('usage: node run.js --server <page_server> [--shots DIR] [--only TEXT]'); process.exit(64); }
mkdirSync(shots, { recursive: true });

const browser = await open_browser(browser_program);
let passed = 0, failed = 0;
for (const [name, test] of Object.entries(tests)) {
  if (!name.includes(only)) continue;
  const server = new Server(program);
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
    if (pages[0]) await pages[0].screenshot({ path: `${shots}/failed-${failed}.png`, fullPage: true }).catch(() => {});
  } finally {
    for (const page of pages) await page.context().close();
    server.thaw();
    await server.stop();
  }
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
