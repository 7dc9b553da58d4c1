// A run's card: where it is on its way, what a person holds against the printout, the plate, and the correction of a wrong plate name.
import { aged, draw, h, number_text, time_text } from './dom.js';
import { form_of } from './form.js';
import { PlateView } from './plate.js';
import { known, t } from './text.js';

export const in_progress = (run) => run.state === 'started' || run.state === 'measuring';

const steps = ['instrument', 'gateway', 'broker', 'centre'];
const has_reached = (run, step) => steps.indexOf(step) <= steps.indexOf(run.path.reached);

// While it measures, the instrument is where the run is; what stands in the outbox by then is that it was begun.
function path(run) {
  const progressing = in_progress(run);
  const state_of = (step) => (step === 'instrument' && progressing ? 'here' : has_reached(run, step) ? 'reached' : 'ahead');
  const when = (step) => {
    if (progressing) return t(step === 'instrument' ? 'path.here' : has_reached(run, step) ? 'path.begun' : 'path.not_yet');
    if (!has_reached(run, step)) return t('path.not_yet');
    return run.path[step] ? time_text(run.path[step]) : '\u2713';
  };
  return h('ol', { class: 'path', 'aria-label': t('path.label') }, steps.map((step) => h('li', { class: state_of(step) },
    h('span', { class: 'step' }, t(`path.${step}`)), h('span', { class: 'when' }, when(step)))));
}

function answer(run) {
  if (!run.answer) return has_reached(run, 'centre') && !in_progress(run) ? h('p', { class: 'answer quiet' }, t('answer.none')) : null;
  const key = `answer.${run.answer.verdict}`;
  const sentence = known(key) ? t(key) : `${run.answer.verdict} (${run.answer.state})`;
  const good = run.answer.verdict === 'counted' && run.answer.state === 'complete';
  return h('p', { class: good ? 'answer good' : 'answer odd' }, sentence, run.answer.reason ? ` ${t('answer.reason', { reason: run.answer.reason })}` : '');
}

// Back while the plate is still on the deck and can be repeated.
function plate_quality(run) {
  if (!run.plate_quality) return null;
  const { verdict, reason } = run.plate_quality;
  return h('p', { class: verdict === 'pass' ? 'answer good' : 'answer odd' }, known(`quality.${verdict}`) ? t(`quality.${verdict}`) : verdict,
    reason ? ` ${t('answer.reason', { reason })}` : '');
}

function well_text(well, unit) {
  if (!well) return null;
  return [well.well, [well.value, well.value !== undefined && unit].filter(Boolean).join(' '), well.flag].filter(Boolean).join(': ');
}

function facts(run, title) {
  const rows = [
    ['check.plate', run.plate || (run.events === undefined && t('run.no_plate'))], ['check.instrument', title],
    ['check.started', time_text(run.started) || t('check.not_given')], ['check.finished', time_text(run.finished)],
    ['check.count', run.count === undefined ? null : number_text(run.count)], ['check.events', run.events === undefined ? null : number_text(run.events)],
    ['check.flagged', run.flagged === undefined ? null : number_text(run.flagged)],
    ['check.first', well_text(run.first, run.unit)], ['check.last', well_text(run.last, run.unit)],
    ['check.min', run.min && [run.min, run.unit].filter(Boolean).join(' ')], ['check.max', run.max && [run.max, run.unit].filter(Boolean).join(' ')],
    ['check.files', run.files.length ? run.files.join(', ') : null],
  ].filter(([, value]) => value);
  return h('dl', { class: 'facts' }, rows.map(([key, value]) => h('div', {}, h('dt', {}, t(key)), h('dd', {}, value))));
}

function correction(run) {
  const field = (name, key, limit) => ({ name, label: () => t(key), maxlength: limit });
  const form = form_of({
    fields: [field('plate', 'label.plate', 64), field('who', 'label.who', 64), field('why', 'label.why', 200)],
    button: () => t('label.button'),
    note: () => t('label.note'),
    address: `/api/runs/${encodeURIComponent(run.run)}/label`,
    done: () => t('label.done'),
  });
  return { element: h('details', { class: 'correction' }, h('summary', { 'data-text': 'label.open' }, t('label.open')), form.element), form };
}

// Keeps its form and its plate while the facts around them change.
export class RunCard {
  constructor(run) {
    this.about = h('div');
    this.plate = h('div', { class: 'plate-place' });
    this.actions = h('div', { class: 'actions' });
    this.csv = h('a', { class: 'button', href: `/api/runs/${encodeURIComponent(run.run)}.csv`, download: '' });
    this.correction = correction(run);
    this.actions.append(this.csv, this.correction.element);
    this.element = h('div', { class: 'card' }, this.about, this.plate, this.actions);
    this.view = null;
  }

  update(run, instrument, show_plate) {
    const title = instrument ? instrument.title : run.instrument;
    const progressing = in_progress(run);
    draw(this.about, [run, title, progressing && instrument && instrument.activity], () => [
      progressing && h('p', { class: 'activity' }, run.elapsed_at !== undefined && aged('elapsed', run.elapsed_at),
        instrument && instrument.activity ? h('span', {}, t('reader_says', { activity: instrument.activity })) : null),
      progressing && run.events !== undefined && h('p', { class: 'counter' }, t('events.so_far', { n: number_text(run.events) })),
      run.reason && h('p', { class: 'answer odd' }, known(`run.reason.${run.state}`) ? t(`run.reason.${run.state}`, { reason: run.reason }) : run.reason),
      path(run), answer(run), plate_quality(run),
      !progressing && h('h3', { class: 'minor' }, t('check.title')), facts(run, title),
    ]);
    this.csv.textContent = t('csv');
    this.csv.hidden = progressing || run.count === undefined;
    this.correction.element.hidden = progressing && !run.plate;
    this.correction.element.firstChild.textContent = t('label.open');
    this.correction.form.update();
    this.update_plate(run, progressing, show_plate);
  }

  update_plate(run, progressing, show_plate) {
    const has_plate = run.plate_change !== undefined || (!progressing && run.count > 0);
    if (has_plate && show_plate) {
      this.view ??= new PlateView(this.plate);
      // A finished run's plate is asked for once more: what was shown while it was measured may lack the last looks.
      this.view.show(run, `${run.plate_change ?? 0} ${progressing}`);
      this.view.redraw();
    } else if (!this.view) {
      draw(this.plate, progressing && run.events === undefined, () => (progressing && run.events === undefined ? h('p', { class: 'quiet wait' }, t('plate.wait')) : []));
    }
  }
}

export function state_chip(run) { return h('span', { class: `chip run-${run.state}` }, t(`run.state.${run.state}`)); }

export function run_name(run) { return run.plate || run.title || run.files[0] || t(run.events === undefined ? 'run.no_plate' : 'run.no_name'); }
