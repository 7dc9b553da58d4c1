// The heat map of one plate. Every well carries its value as text; colour only helps the eye. The scale runs from light to dark, so it reads the same
// for every kind of colour vision and in grey.
import { draw, h } from './dom.js';
import { t } from './text.js';

const stops = [[255, 255, 217], [199, 233, 180], [65, 182, 196], [34, 94, 168], [8, 29, 88]];

export function colour_of(part) {
  const place = Math.min(1, Math.max(0, part)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(place));
  return stops[below].map((channel, i) => Math.round(channel + (stops[below + 1][i] - channel) * (place - below)));
}

function luminance(rgb) {
  const linear = rgb.map((channel) => channel / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

export function row_name(row) {
  return row < 26 ? String.fromCharCode(65 + row) : row_name(Math.floor(row / 26) - 1) + String.fromCharCode(65 + (row % 26));
}

function place_of(well) {
  const match = /^([A-Z]{1,2})0*(\d{1,3})$/.exec(well);
  if (!match) return null;
  const row = [...match[1]].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
  return `${row}/${Number(match[2]) - 1}`;
}

// Four significant places are what fits a well; the whole value stands in its title.
function short(value) {
  if (value.length <= 6) return value;
  const number = Number(value);
  if (!Number.isFinite(number)) return value;
  return Math.abs(number) >= 10000 || (number !== 0 && Math.abs(number) < 0.001) ? number.toExponential(1) : String(Number(number.toPrecision(4)));
}

function cell(well, name, unit, low, high) {
  if (!well) return h('td', { class: 'unread', title: `${name}: ${t('plate.not_read')}` }, h('span', { class: 'hidden' }, t('plate.not_read')));
  const number = well.value === undefined ? NaN : Number(well.value);
  const said = [well.value === undefined ? null : `${well.value}${unit ? ` ${unit}` : ''}`, well.flag ? t('plate.flagged', { flag: well.flag }) : null]
    .filter(Boolean).join(', ');
  const td = h('td', { title: `${name}: ${said}` });
  if (Number.isFinite(number)) {
    const rgb = colour_of(high > low ? (number - low) / (high - low) : 0.5);
    td.style.backgroundColor = `rgb(${rgb.join(',')})`;
    td.classList.add(luminance(rgb) > 0.18 ? 'on-light' : 'on-dark');
  }
  if (well.flag) td.classList.add('flagged');
  td.append(h('span', { 'aria-hidden': 'true' }, well.flag && well.value === undefined ? well.flag : short(well.value ?? '')), h('span', { class: 'hidden' }, said));
  return td;
}

function table(plate, name) {
  const wells = new Map(plate.wells.map((well) => [place_of(well.well), well]));
  const numbers = plate.wells.map((well) => Number(well.value)).filter((n) => Number.isFinite(n));
  const low = numbers.reduce((a, b) => Math.min(a, b), Infinity);
  const high = numbers.reduce((a, b) => Math.max(a, b), -Infinity);
  const read = [plate.read, plate.wavelength_nm && `${plate.wavelength_nm} nm`, plate.unit].filter((part, i, all) => part && all.indexOf(part) === i).join(' · ');
  const columns = [...Array(plate.columns).keys()];
  const rows = [...Array(plate.rows).keys()].map((row) => h('tr', {}, h('th', { scope: 'row' }, row_name(row)),
    columns.map((column) => cell(wells.get(`${row}/${column}`), `${row_name(row)}${column + 1}`, plate.unit, low, high))));
  const size = plate.columns > 24 ? 'size-1536' : plate.columns > 12 ? 'size-384' : 'size-96';
  const legend = numbers.length > 0 && h('p', { class: 'legend' },
    h('span', {}, String(low)), h('span', { class: 'scale', role: 'img', 'aria-label': t('plate.legend') }), h('span', {}, String(high)),
    h('span', {}, plate.unit || ''), plate.wells.some((well) => well.flag) && h('span', { class: 'legend-flagged' }, t('plate.hatched')));
  return [
    h('div', { class: 'plate-frame', tabindex: '0', role: 'region', 'aria-label': t('plate.caption', { plate: name, read }) },
      h('table', { class: `plate ${size}` }, h('caption', {}, t('plate.caption', { plate: name, read: read || '–' })),
        h('thead', {}, h('tr', {}, h('td', {}), columns.map((column) => h('th', { scope: 'col' }, String(column + 1))))),
        h('tbody', {}, rows))),
    legend,
  ];
}

// One run's plate in `container`: asks for it again whenever it grew, and lets a person look back at earlier looks of a kinetic run.
export class PlateView {
  constructor(container) {
    this.table = h('div');
    this.looks = h('div', { class: 'looks' });
    this.range = h('input', { type: 'range', min: '0', step: '1', oninput: () => { this.frame = Number(this.range.value); this.load(); } });
    this.label = h('label', {}, h('span'), this.range);
    this.looks.append(this.label);
    this.looks.hidden = true;
    container.replaceChildren(this.table, this.looks);
    this.frame = null; // the newest
    this.asked = 0;
  }

  show(run, change) {
    if (this.run === run.run && this.change === change && this.name === run.plate) return;
    if (this.run !== run.run) this.frame = null;
    Object.assign(this, { run: run.run, change, name: run.plate || t('run.no_plate') });
    this.load();
  }

  async load() {
    const turn = ++this.asked;
    const query = this.frame === null ? '' : `?frame=${this.frame}`;
    let plate;
    try {
      const response = await fetch(`/api/runs/${encodeURIComponent(this.run)}/plate${query}`);
      const body = await response.json();
      plate = response.ok ? body : { failed: body.error };
    } catch (failure) {
      plate = { failed: String(failure.message || failure) };
    }
    if (turn !== this.asked) return; // a later question is already on its way
    this.plate = plate;
    this.redraw();
  }

  redraw() {
    const { plate } = this;
    if (!plate) return;
    draw(this.table, [plate, this.name], () => {
      if (plate.failed) return h('p', { class: 'quiet' }, t('plate.missing', { reason: plate.failed }));
      if (!plate.wells.length) return h('p', { class: 'quiet' }, t('plate.none'));
      return table(plate, this.name);
    });
    const looks = plate.frames ? plate.frames.length : 0;
    this.looks.hidden = looks < 2;
    if (looks < 2) return;
    this.range.max = String(looks - 1);
    this.range.value = String(plate.frame);
    if (plate.frame === looks - 1) this.frame = null;
    this.label.firstChild.textContent = t('plate.look', { n: plate.frame + 1, of: looks, at: plate.time_s ? t('plate.look_at', { time_s: plate.time_s }) : '' });
  }
}
