// What a browser test needs: a server with its scripted board, a browser, and waiting for what a person would see.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const axe_source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function open_browser(program) {
  return chromium.launch({ executablePath: program, args: flags });
}

export class Server {
  constructor(program) { this.program = program; this.port = '0'; }

  async start() {
    this.process = spawn(this.program, [this.port], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = await new Promise((resolve, reject) => {
      this.process.stdout.once('data', (data) => resolve(String(data).trim()));
      this.process.once('exit', (code) => reject(new Error(`${this.program} ended with ${code} before it listened`)));
    });
    this.address = said;
    this.port = new URL(said).port; // the same one after a restart
  }

  stop() {
    return new Promise((resolve) => {
      if (this.process.exitCode !== null || this.process.signalCode !== null) { resolve(); return; }
      this.process.once('exit', resolve);
      this.process.kill('SIGKILL');
    });
  }

  freeze() { this.process.kill('SIGSTOP'); }
  thaw() { this.process.kill('SIGCONT'); }

  async post(path, body = {}) {
    const response = await fetch(this.address + path, { method: 'POST', headers: { Origin: this.address, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${await response.text()}`);
  }

  async steps(...names) { for (const name of names) await this.post(`/test/${name}`); }
  start_reading(plate) { return this.post('/api/instruments/spectramax/start', { plate }); }
}

// A page that fails the test for any script error, refused resource or request to another address.
export async function open_page(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.wrong = [];
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
