// The page: keeps the gateway's last known state, redraws what changed, and never lets an old value look live.
import { aged, anchor_ages, draw, h, is_today, now_ms, number_text, tick, time_text } from './dom.js';
import { draw_alarms, draw_chain, draw_files, draw_instruments } from './parts.js';
import { in_progress, run_name, RunCard, state_chip } from './run.js';
import { choose_language, language, preferred_language, t } from './text.js';

const silence_ms = 5000;     // without a word for longer, everything on the page is old
const reconnect_ms = 2000;
const runs_kept = 200;

const place = (id) => document.getElementById(id);
const board = { gateway: null, link: null, backlog: null, disk: {}, alarms: [], instruments: [], runs: [], files: [] };
let heard_at = null;         // last word of the gateway, on this page's clock
let heard_time = null;       // and on the wall
let opened_at = now_ms();
let source = null;
let tried_at = 0;

// ---- the stream

function take(message) {
  const now = now_ms();
  anchor_ages(message, now);
  if (message.runs && message.delta) {
    const changed = new Map(message.runs.map((run) => [run.run, run]));
    const known = board.runs.map((run) => changed.get(run.run) ?? run);
    const added = message.runs.filter((run) => !board.runs.some((old) => old.run === run.run));
    message.runs = [...added, ...known].slice(0, runs_kept);
  }
  for (const name of Object.keys(board)) if (message[name] !== undefined) board[name] = message[name];
  render();
}

function heard() {
  heard_at = now_ms();
  heard_time = new Date().toISOString();
  show_freshness();
}

function open_stream() {
  if (source) source.close();
  tried_at = now_ms();
  source = new EventSource('/api/events');
  source.addEventListener('status', (event) => { heard(); take(JSON.parse(event.data)); });
  source.addEventListener('beat', heard);
}

// A page that nobody looks at takes nothing: browsers allow six connections to one server, and each open page would hold one.
function follow_visibility() {
  if (!document.hidden) { open_stream(); return; }
  source.close();
}

// The browser's own reconnection gives up on some failures and waits for ever on a connection that is open but mute.
function watch_stream() {
  if (document.hidden) return;
  const last = Math.max(heard_at ?? 0, tried_at);
  if (now_ms() - last > silence_ms && now_ms() - tried_at > reconnect_ms) open_stream();
  show_freshness();
}

// ---- freshness

function show_freshness() {
  const silent_for = now_ms() - (heard_at ?? opened_at);
  const stale = silent_for > silence_ms;
  document.body.classList.toggle('stale', stale);
  const freshness = place('freshness');
  const label = stale ? t('fresh.old') : heard_at === null ? t('fresh.loading') : t('live');
  if (freshness.textContent !== label) freshness.textContent = label;
  freshness.className = stale ? 'freshness old' : heard_at === null ? 'freshness' : 'freshness live';
  const silence = place('silence');
  silence.hidden = !stale;
  if (!stale) { silence.replaceChildren(); silence.signature = null; return; }
  draw(silence, [heard_time], () => (heard_at === null ? t('silence_first') : h('span', {}, aged('silence', heard_at, { time: time_text(heard_time) }))));
}

// ---- drawing

const cards = new Map();       // run → {element, card, ...}: the list's entries
let focus = null;              // the run shown large, and its card
const focus_about = h('div');
const focus_place = h('div');

function draw_now() {
  const container = place('now');
  const running = board.runs.filter(in_progress);
  // Whoever is writing in the card shown large is not interrupted by the next run.
  const writing = focus && focus_place.contains(document.activeElement) && board.runs.find((each) => each.run === focus.run);
  const run = writing || (running[0] ?? board.runs[0]);
  document.querySelector('.now h2').textContent = !run || in_progress(run) ? t('now') : t('now_last');
  if (!run) {
    focus = null;
    draw(container, null, () => h('p', { class: 'quiet' }, t('now_none')));
    return;
  }
  if (!focus || focus.run !== run.run) {
    focus = { run: run.run, card: new RunCard(run) };
    focus_place.replaceChildren(focus.card.element);
  }
  if (container.firstChild !== focus_about) { container.replaceChildren(focus_about, focus_place); container.signature = null; }
  const instrument = board.instruments.find((each) => each.id === run.instrument);
  draw(focus_about, [run, instrument && instrument.title, running.length], () => h('h3', { class: 'run-title' },
    run_name(run), ' ', h('span', { class: 'quiet' }, instrument ? instrument.title : run.instrument), ' ', state_chip(run)));
  focus.card.update(run, instrument, true);
}

class RunEntry {
  constructor(run) {
    this.summary = h('summary');
    this.body = h('div');
    this.element = h('details', { class: 'run' }, this.summary, this.body);
    this.element.addEventListener('toggle', () => this.update());
    this.run = run;
  }

  update() {
    const { run } = this;
    const instrument = board.instruments.find((each) => each.id === run.instrument);
    const count = run.events ?? run.count;
    draw(this.summary, [run, instrument && instrument.title], () => [
      h('span', { class: 'run-time' }, time_text(run.noted)),
      h('span', { class: 'run-name' }, run_name(run)),
      h('span', { class: 'run-instrument' }, instrument ? instrument.title : run.instrument),
      h('span', { class: 'run-count' }, count === undefined ? '' : `${number_text(count)} ${t(run.events === undefined ? 'check.count' : 'check.events').toLowerCase()}`),
      state_chip(run),
    ]);
    if (!this.element.open) return;
    if (!this.card) {
      this.card = new RunCard(run);
      this.body.append(this.card.element);
    }
    this.card.update(run, instrument, true);
  }
}

// Moves nothing that already stands in its place, so that an open card keeps its focus.
function arrange(container, elements) {
  elements.forEach((element, i) => { if (container.children[i] !== element) container.insertBefore(element, container.children[i] ?? null); });
  while (container.children.length > elements.length) container.lastChild.remove();
}

const lists = { today: h('div'), earlier: h('div') };

function draw_runs() {
  for (const [id, entry] of cards) if (!board.runs.some((run) => run.run === id)) { entry.element.remove(); cards.delete(id); }
  for (const run of board.runs) {
    if (!cards.has(run.run)) cards.set(run.run, new RunEntry(run));
    const entry = cards.get(run.run);
    entry.run = run;
    entry.update();
  }
  const today = board.runs.filter((run) => is_today(run.noted));
  const earlier = board.runs.filter((run) => !is_today(run.noted));
  arrange(lists.today, today.map((run) => cards.get(run.run).element));
  arrange(lists.earlier, earlier.map((run) => cards.get(run.run).element));
  draw(place('today'), [today.length === 0], () => [today.length === 0 && h('p', { class: 'quiet' }, t('runs.none')), lists.today]);
  draw(place('earlier'), [earlier.length === 0], () => [earlier.length > 0 && h('h2', {}, t('runs.earlier')), lists.earlier]);
}

function draw_about() {
  const { gateway } = board;
  document.title = `${gateway.site} / ${gateway.id} – Marrowlink`;
  place('site').textContent = `Marrowlink · ${gateway.site} / ${gateway.id}`;
  draw(place('about'), [gateway.version, gateway.stream, gateway.id, gateway.started, gateway.clock_synchronised], () => [
    !gateway.clock_synchronised && h('p', {}, t('clock.unsynchronised')),
    h('p', {}, aged('about', gateway.uptime_at, { version: gateway.version, id: gateway.id, stream: gateway.stream || '–' })),
  ]);
}

function render() {
  if (!board.gateway || !board.link) return;
  draw_about();
  draw_alarms(place('alarms'), board.alarms, board.instruments);
  draw_chain(place('chain'), board);
  draw_now();
  draw_instruments(place('instruments'), board.instruments);
  draw_files(place('files'), board.files, board.instruments);
  draw_runs();
}

// ---- language and start

function speak(name) {
  choose_language(name);
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = t(element.dataset.text);
  for (const button of document.querySelectorAll('[data-language]')) button.setAttribute('aria-pressed', String(button.dataset.language === language));
  show_freshness();
  render();
  tick();
}

for (const button of document.querySelectorAll('[data-language]'))
  button.addEventListener('click', () => {
    try { localStorage.setItem('language', button.dataset.language); } catch { /* private window */ }
    speak(button.dataset.language);
  });

place('token').addEventListener('submit', (event) => {
  event.preventDefault();
  try { sessionStorage.setItem('token', place('token-text').value); } catch { /* private window */ }
  place('token').hidden = true;
});

speak(preferred_language());
open_stream();
document.addEventListener('visibilitychange', follow_visibility);
setInterval(() => {
  watch_stream();
  // What is overdue or late by now changes without a word from the gateway.
  if (board.gateway) { draw_chain(place('chain'), board); draw_instruments(place('instruments'), board.instruments); draw_files(place('files'), board.files, board.instruments); }
  tick();
}, 1000);
