// The alarm strip, the picture of the chain, the instruments and the files.
import { alarm_sentences } from './alarm_text.js';
import { aged, bytes_text, draw, h, now_ms, number_text, time_text } from './dom.js';
import { form_of } from './form.js';
import { t } from './text.js';

export function draw_alarms(container, alarms, instruments) {
  container.setAttribute('aria-label', t('alarms.label'));
  const sorted = [...alarms].sort((a, b) => (a.severity === 'error' ? 0 : 1) - (b.severity === 'error' ? 0 : 1));
  draw(container, [alarms.map(({ since_age_s, since_at, ...rest }) => rest), instruments.map((each) => each.title)], () => {
    if (!sorted.length) return h('p', { class: 'all-well' }, t('alarms.none'));
    return h('ul', { class: 'plain' }, sorted.map((alarm) => {
      const instrument = instruments.find((each) => each.id === alarm.subject);
      const [what, todo] = alarm_sentences(alarm, instrument && instrument.title);
      return h('li', { class: `alarm ${alarm.severity}` }, h('span', { class: 'severity' }, t(`severity.${alarm.severity}`)),
        h('span', { class: 'sentence' }, h('strong', {}, what), ' ', todo), h('span', { class: 'when' }, t('since', { time: time_text(alarm.since) })));
    }));
  });
}

export function is_overdue(instrument) {
  return instrument.last_heard_at !== undefined && instrument.due_s !== undefined && now_ms() - instrument.last_heard_at > instrument.due_s * 1000;
}

const troubled = ['waiting_for_port', 'silent', 'failed', 'connecting'];
export const instrument_condition = (instrument) => (troubled.includes(instrument.state) ? 'bad' : is_overdue(instrument) ? 'old' : 'good');

function room_text(disk) {
  if (disk.state === 'full' || disk.state === 'failed') return t(`disk.${disk.state}`);
  if (disk.room_hours === undefined) return t('chain.room_unknown');
  return disk.room_hours >= 72 ? t('chain.room_days', { days: number_text(Math.floor(disk.room_hours / 24)) })
    : t('chain.room', { hours: number_text(Math.floor(disk.room_hours * 10) / 10) });
}

function station(name, condition, lines) {
  return h('li', { class: `station ${condition}` }, h('h3', {}, name), lines.filter(Boolean).map((line) => h('p', {}, line)));
}

export function draw_chain(container, { instruments, link, backlog, disk }) {
  container.setAttribute('aria-label', t('chain.label'));
  const conditions = instruments.map(instrument_condition);
  const broker_there = ['connected', 'centre_away', 'centre_disagrees', 'stalled'].includes(link.state);
  const { last_ack_at, ...link_rest } = link;
  delete link_rest.last_ack_age_s;
  draw(container, [conditions, link_rest, last_ack_at, backlog.records, backlog.bytes, backlog.oldest_at, disk], () => {
    const answering = conditions.filter((each) => each === 'good').length;
    const centre = link.state === 'connected' || link.state === 'stalled'
      ? (backlog.records ? t('chain.acknowledged_part', { n: number_text(link.acknowledged), of: number_text(link.appended) }) : t('chain.acknowledged'))
      : link.state === 'centre_away' ? t('centre.away') : link.state === 'centre_disagrees' ? t('centre.disagrees')
        : link.state === 'rehearsal' ? t('centre.rehearsal') : t('centre.unknown');
    const disk_bad = disk.state === 'full' || disk.state === 'failed';
    return [h('h2', { class: 'hidden' }, t('chain.label')), h('ol', {},
      station(t('chain.instruments'), answering === instruments.length ? 'good' : 'old',
        [instruments.length ? t('chain.answering', { n: answering, of: instruments.length }) : t('chain.no_instruments')]),
      station(t('chain.gateway'), disk_bad ? 'bad' : 'good', [
        backlog.records ? h('span', {}, t('chain.waiting', { n: number_text(backlog.records), bytes: bytes_text(backlog.bytes) }),
          backlog.oldest_at !== undefined ? [', ', aged('chain.waiting_oldest', backlog.oldest_at)] : []) : t('chain.nothing_waits'),
        room_text(disk)]),
      station(t('chain.broker'), broker_there && link.state !== 'stalled' ? 'good' : ['connecting', 'rehearsal'].includes(link.state) ? 'old' : 'bad',
        [t(`link.${link.state}`), link.broker, link.certificate_days !== undefined && link.certificate_days <= 30 && t('certificate', { days: link.certificate_days })]),
      station(t('chain.centre'), link.state === 'connected' ? 'good' : link.state === 'centre_disagrees' ? 'bad' : 'old',
        [centre, last_ack_at === undefined ? t('chain.last_ack_none') : aged('chain.last_ack', last_ack_at)]))];
  });
}

class InstrumentEntry {
  constructor(instrument) {
    this.facts = h('div');
    this.element = h('li', { class: 'instrument' }, this.facts);
    this.id = instrument.id;
  }

  update(instrument) {
    const condition = instrument_condition(instrument);
    const overdue = is_overdue(instrument);
    this.element.className = `instrument ${condition}`;
    const { last_heard_age_s, ...shown } = instrument;
    draw(this.facts, [shown, overdue], () => [
      h('h3', {}, instrument.title, ' ', h('span', { class: `chip state-${instrument.state}${overdue ? ' overdue' : ''}` }, t(`state.${instrument.state}`))),
      h('p', { class: overdue ? 'heard overdue' : 'heard' },
        instrument.last_heard_at === undefined ? t('heard.never') : aged(overdue ? 'heard.overdue' : 'heard', instrument.last_heard_at)),
      instrument.activity && h('p', {}, t('reader_says', { activity: instrument.activity })),
      instrument.detail && h('p', { class: 'detail' }, instrument.detail),
      instrument.messages !== undefined && h('p', {}, t('messages', { n: number_text(instrument.messages) })),
      h('p', { class: 'quiet' }, [instrument.driver, instrument.port].filter(Boolean).join(' · ')),
      !instrument.tried_on_hardware && h('p', { class: 'quiet' }, t('untried')),
    ]);
    if (!instrument.commandable) return;
    if (!this.form) {
      this.form = form_of({
        fields: [{ name: 'plate', label: () => t('start.plate'), maxlength: 64 }],
        button: () => t('start.button'), note: () => '',
        address: `/api/instruments/${encodeURIComponent(instrument.id)}/start`,
        done: ({ plate }) => t('start.done', { plate }),
      });
      this.element.append(this.form.element);
    }
    const ready = instrument.state === 'idle' && !overdue;
    this.form.update(ready, ready ? '' : t('start.busy'));
  }
}

const entries = new Map();

export function draw_instruments(container, instruments) {
  for (const [id, entry] of entries) if (!instruments.some((each) => each.id === id)) { entry.element.remove(); entries.delete(id); }
  for (const instrument of instruments) {
    if (!entries.has(instrument.id)) {
      const entry = new InstrumentEntry(instrument);
      entries.set(instrument.id, entry);
      container.append(entry.element);
    }
    entries.get(instrument.id).update(instrument);
  }
}

const patience_ms = 10 * 60 * 1000;

export function draw_files(container, files, instruments) {
  const title = (id) => (instruments.find((each) => each.id === id) || { title: id }).title;
  const late = (file) => file.since_at !== undefined && now_ms() - file.since_at >= patience_ms;
  const attention = files.filter((file) => file.state === 'refused' || ((file.state === 'incomplete' || file.state === 'waiting') && late(file)));
  const settling = files.filter((file) => (file.state === 'incomplete' || file.state === 'waiting') && !late(file));
  const entry = (file) => h('li', {}, h('strong', {}, file.name), ' ', h('span', { class: `chip file-${file.state}` }, t(`file.${file.state}`)), ' ',
    file.since_at === undefined ? null : aged('file.for', file.since_at), h('span', { class: 'quiet' }, ` ${title(file.instrument)}`),
    file.reason ? h('p', {}, file.reason) : null);
  draw(container, [attention, settling], () => [
    attention.length > 0 && h('section', { class: 'files attention' }, h('h2', {}, t('files.attention')), h('ul', { class: 'plain' }, attention.map(entry)),
      h('p', { class: 'quiet' }, t('file.todo'))),
    settling.length > 0 && h('section', { class: 'files' }, h('h2', {}, t('files.settling')), h('ul', { class: 'plain' }, settling.map(entry))),
  ]);
}
