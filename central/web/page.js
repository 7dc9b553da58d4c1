'use strict';
// What every page of the centre has in common: the language, and how its parts are made. `texts` (by language) and `draw` are the page's own.
let language = localStorage.getItem('language') || (navigator.language.startsWith('fr') ? 'fr' : 'en');

const words = () => texts[language];
const element = (name, properties = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) key in made ? (made[key] = value) : made.setAttribute(key, value);
  made.append(...children.filter(child => child !== null));
  return made;
};
const svg = (name, properties = {}, ...children) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(properties)) made.setAttribute(key, value);
  made.append(...children.filter(child => child !== null));
  return made;
};
const number_text = (value, digits = 2) => value === null || value === undefined ? '–'
  : value.toLocaleString(language, { maximumFractionDigits: digits, minimumFractionDigits: digits });
// A gateway's own time is shown as it is when it is none.
const clock_text = iso => Number.isNaN(Date.parse(iso)) ? iso : new Date(iso).toLocaleString(language, { dateStyle: 'short', timeStyle: 'medium' });

function table(id, caption, heads, rows) {
  const head = element('tr', {}, ...heads.map(h => element('th', { scope: 'col', className: h.number ? 'number' : '' }, h.text)));
  const body = rows.map(cells => element('tr', {}, ...cells));
  return element('div', { id, className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption },
    element('table', {}, element('caption', {}, caption), element('thead', {}, head), element('tbody', {}, ...body)));
}

const facts = pairs => element('dl', { className: 'facts' }, ...pairs.filter(([, value]) => value !== undefined && value !== '').flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));

// The words that stand in the page itself.
function draw_frame() {
  const w = words();
  document.documentElement.lang = language;
  document.title = w.title;
  for (const one of document.querySelectorAll('[data-text]')) one.textContent = w[one.dataset.text];
  for (const one of document.querySelectorAll('[data-label]')) one.setAttribute('aria-label', w[one.dataset.label]);
  for (const one of document.querySelectorAll('[data-language]')) one.setAttribute('aria-pressed', String(one.dataset.language === language));
}

for (const button of document.querySelectorAll('[data-language]'))
  button.addEventListener('click', () => {
    language = button.dataset.language;
    localStorage.setItem('language', language);
    draw();
  });
