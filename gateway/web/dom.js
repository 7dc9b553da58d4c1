// Elements, ages and formats. Ages run by themselves between two words of the gateway: every element with data-at shows how long that moment is gone.
import { language, t } from './text.js';

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Puts `make()` in place of what stands in `container`, but only when `what` differs from what was drawn there last.
export function draw(container, what, make) {
  const signature = language + JSON.stringify(what);
  if (container.signature === signature) return false;
  container.signature = signature;
  container.replaceChildren(...[make()].flat().filter(Boolean));
  tick(container);
  return true;
}

export const now_ms = () => performance.now();

export function age_text(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 120) return t('age.s', { n: s });
  if (s < 7200) return t('age.min', { n: Math.floor(s / 60) });
  if (s < 172800) return t('age.h', { n: Math.floor(s / 3600) });
  return t('age.d', { n: Math.floor(s / 86400) });
}

// A text with a running age in it: aged('heard', at) → "last word 5 s ago".
export function aged(key, at_ms, parameters = {}) {
  return h('span', { class: 'age', 'data-at': at_ms, 'data-key': key, 'data-parameters': JSON.stringify(parameters) });
}

export function tick(within = document) {
  const now = now_ms();
  for (const element of within.querySelectorAll('[data-at]')) {
    const text = t(element.dataset.key, { ...JSON.parse(element.dataset.parameters), age: age_text(now - Number(element.dataset.at)) });
    if (element.textContent !== text) element.textContent = text;
  }
}

// "…_age_s": 5 becomes "…_at": the moment on this page's own clock, so that it can run on from there.
export function anchor_ages(value, now) {
  if (Array.isArray(value)) value.forEach((each) => anchor_ages(each, now));
  else if (value && typeof value === 'object')
    for (const [name, each] of Object.entries(value)) {
      const ending = ['_age_s', 'elapsed_s', 'uptime_s'].find((suffix) => name.endsWith(suffix));
      if (ending) value[name.slice(0, -2).replace(/_age$/, '') + '_at'] = Math.round(now - each * 1000);
      else anchor_ages(each, now);
    }
  return value;
}

const is_rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

// Our own stamps in local time; an instrument's own words stay as they were written.
export function time_text(text) {
  if (!text || !is_rfc3339.test(text)) return text || '';
  const when = new Date(text);
  const same_day = when.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(language, same_day ? { timeStyle: 'medium' } : { dateStyle: 'medium', timeStyle: 'short' }).format(when);
}

export function is_today(text) { return is_rfc3339.test(text || '') && new Date(text).toDateString() === new Date().toDateString(); }

export function number_text(n) { return new Intl.NumberFormat(language).format(n); }

export function bytes_text(n) {
  const units = language === 'fr' ? ['o', 'Kio', 'Mio', 'Gio', 'Tio'] : ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit += 1; }
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: unit && n < 10 ? 1 : 0 }).format(n)}\u00a0${units[unit]}`;
}
