'use strict';
// What every page of the centre has in common: the language, and how its parts are made. `texts` (by language) and `draw` are the page's own.
let language = remembered() || (navigator.language.startsWith('fr') ? 'fr' : 'en');
// A page may have no storage: a report in a mail program's preview.
function remembered(chosen) {
  try {
    if (chosen) localStorage.setItem('language', chosen);
    return localStorage.getItem('language');
  } catch {
    return null;
  }
}

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
const signed_text = value => (value > 0 ? '+' : '') + number_text(value, 1);
// A gateway's own time is shown as it is when it is none.
const clock_text = iso => Number.isNaN(Date.parse(iso)) ? iso : new Date(iso).toLocaleString(language, { dateStyle: 'short', timeStyle: 'medium' });

function table(id, caption, heads, rows) {
  const head = element('tr', {}, ...heads.map(h => element('th', { scope: 'col', className: h.number ? 'number' : '' }, h.text)));
  const body = rows.map(cells => element('tr', {}, ...cells));
  return element('div', { id, className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption },
    element('table', {}, element('caption', {}, caption), element('thead', {}, head), element('tbody', {}, ...body)));
}

const facts = pairs => element('dl', { className: 'facts' }, ...pairs.filter(([, value]) => value !== undefined && value !== '').flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));

// The centre's answer, or an error with its sentence.
async function answer_of(address) {
  const response = await fetch(address, { cache: 'no-store' });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// What a person keeps of a page: tables as CSV with the numbers as they were computed, pictures as SVG that look the same elsewhere.
const kept_texts = { en: { csv: what => `Save ${what} as CSV`, svg: what => `Save ${what} as SVG` }, fr: { csv: what => `Enregistrer ${what} en CSV`, svg: what => `Enregistrer ${what} en SVG` } };
function save(name, type, text) {
  const link = element('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
const csv_cell = value => value === null || value === undefined ? '' : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
const save_button = (kind, what, name, type, text) => element('button', { type: 'button', className: 'save', title: kept_texts[language][kind](what), ariaLabel: kept_texts[language][kind](what), onclick: () => save(name, type, text()) }, kind.toUpperCase());
// `rows`: objects; a column is a member of theirs.
const csv_button = (what, name, columns, rows) => save_button('csv', what, `${name}.csv`, 'text/csv', () => [columns, ...rows.map(row => columns.map(column => row[column]))].map(cells => cells.map(csv_cell).join(',') + '\n').join(''));
function svg_text(picture) {
  const copy = picture.cloneNode(true);
  const styled = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-family', 'font-size', 'text-anchor'];
  const [from, to] = [picture, copy].map(root => [root, ...root.querySelectorAll('*')]);
  to.forEach((node, i) => {
    const style = getComputedStyle(from[i]);
    for (const name of styled) node.setAttribute(name, style.getPropertyValue(name));
    node.removeAttribute('class');
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('height', picture.viewBox.baseVal.height);
  return new XMLSerializer().serializeToString(copy);
}
const svg_button = (what, name, picture) => save_button('svg', what, `${name}.svg`, 'image/svg+xml', () => svg_text(picture));

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
    remembered(language);
    draw();
  });
