// What a browser test needs: a server with its scripted board, a browser, and waiting for what a person would see.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const axe_source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function open_browser(program) {
  return chromium.launch({ executablePath: program, args: flags });
}

// A program that answers on its standard output, lives as long as its standard input, and whose end ends nothing else.
class Program {
  constructor(command, stderr = 'inherit') { this.command = command; this.stderr = stderr; }

  async start() {
    const [file, ...given] = this.command;
    this.process = spawn(file, given, { stdio: ['pipe', 'pipe', this.stderr] });
    this.process.stdin.on('error', () => {}); // it has ended; whoever waits for its answer is told
    this.ended = new Promise((resolve) => { for (const end of ['exit', 'error']) this.process.once(end, resolve); });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    return this.line();
  }

  async line() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.command.join(' ')} ended without an answer`);
    return value;
  }

  async stop() { this.process.stdin.end(); await this.ended; }
  async kill() { this.process.kill('SIGKILL'); await this.ended; }
  freeze() { this.process.kill('SIGSTOP'); }
  thaw() { this.process.kill('SIGCONT'); }
}

// A page with a scripted world behind it (page_server, centre_server).
export class Server extends Program {
  constructor(program) { super([program, '0']); }

  async start() {
    this.address = await super.start();
    this.command[1] = new URL(this.address).port; // the same one after a restart
  }

  async post(path, body = {}) {
    const response = await fetch(this.address + path, { method: 'POST', headers: { Origin: this.address, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${await response.text()}`);
  }

  async steps(...names) { for (const name of names) await this.post(`/test/${name}`); }
  start_reading(plate) { return this.post('/api/instruments/spectramax/start', { plate }); }
}

// The programs that are shipped, with a broker: `gateway` and `centre` are the addresses of their pages.
export class Chain extends Program {
  constructor() { super(['python3', '-B', fileURLToPath(new URL('chain.py', import.meta.url))], process.env.VERBOSE ? 'inherit' : 'ignore'); }

  async start() { Object.assign(this, this.answer(await super.start())); }
  async said() { return (await this.tell('logs')).logs; }
  async tell(command) { this.process.stdin.write(`${command}\n`); return this.answer(await this.line()); }

  answer(line) {
    const said = JSON.parse(line);
    if (said.problem) throw new Error(said.problem);
    return said;
  }
}

// A page that fails the test for any script error, refused resource or request to another address. With `own_clock` its time is
// page.clock's; requests that match `no_answers` get none.
export async function open_page(browser, address, { own_clock, no_answers, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.wrong = [];
  if (own_clock) await page.clock.install();
  if (no_answers) await page.route(no_answers, () => {});
  page.on('pageerror', (error) => page.wrong.push(`script error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET/.test(message.text())) page.wrong.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => { if (!request.url().startsWith(address)) page.wrong.push(`foreign address: ${request.url()}`); });
  await page.goto(address);
  return page;
}

export async function see(page, selector, text, timeout = 5000) {
  const wanted = text instanceof RegExp ? text : new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  try {
    await page.waitForFunction(([where, source, flags_of]) => [...document.querySelectorAll(where)].some((e) => e.checkVisibility() && new RegExp(source, flags_of).test(e.textContent)),
      [selector, wanted.source, wanted.flags], { timeout });
  } catch {
    const found = await page.locator(selector).allTextContents();
    throw new Error(`${selector} never showed ${wanted}; it says ${JSON.stringify(found).slice(0, 600)}`);
  }
}

export async function not_there(page, selector, timeout = 5000) {
  await page.waitForFunction((where) => ![...document.querySelectorAll(where)].some((e) => e.checkVisibility()), selector, { timeout })
    .catch(() => { throw new Error(`${selector} is still there`); });
}

// The page's own policy forbids injected scripts, so axe is evaluated by the debugger.
export async function accessible(page, what) {
  await page.evaluate(axe_source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  if (violations.length)
    throw new Error(`axe on ${what}: ${violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.failureSummary}`).join(' | ')}`).join('\n  ')}`);
}

export function check(condition, sentence) { if (!condition) throw new Error(sentence); }
