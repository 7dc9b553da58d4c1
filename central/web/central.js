'use strict';
// Asks /api/runs every few seconds and draws what it says. What is shown carries its age, and looks old when it is.
const ask_every_ms = 3000;
const stale_after_ms = 10000;

const texts = {
  en: {
    title: 'Marrowlink central', skip: 'Skip to the runs', language: 'Language',
    site: s => `Site ${s}`, gateways: 'Gateways', online: 'online', offline: 'offline', since: t => `since ${t}`,
    totals: s => `Instruments of ${s}`, runs: s => `Runs of ${s}, latest first`, no_runs: 'No plate or cytometer run has arrived yet.',
    instrument: 'Instrument', counted: 'Counted', open: 'Open', attention: 'Need attention', revisions: 'Revisions', messages: 'Messages',
    state: 'State', plate: 'Plate', key: 'Source key', changed: 'Last change', gateway: 'Gateway', no_plate: 'no plate given',
    states: { open: 'in progress', complete: 'complete', unreadable: 'kept, not readable', aborted: 'aborted', incomplete: 'incomplete', refused: 'refused' },
    revision: n => `Revision ${n}: the same key came before with other bytes. Compare the two runs.`,
    labelled: l => `Plate corrected by ${l.who || 'a person'}: ${l.why}`,
    fresh: t => `As of ${t}.`, stale: s => `Out of date: last answer from the centre ${s} s ago. What you see may have changed.`, waiting: 'Waiting for the first answer.',
    summary: (runs, sites) => `${runs.toLocaleString('en')} ${runs === 1 ? 'run' : 'runs'} counted, from ${sites} ${sites === 1 ? 'site' : 'sites'}.`, nothing: 'No record has arrived yet.',
    broker_away: d => `The centre has no connection to the broker. Gateways keep their records until it is back. ${d}`,
    not_storing: d => `The centre cannot store. Nothing is acknowledged, and gateways keep their records. Check the disk of the centre. ${d}`,
    fork: s => `Stream ${s.stream} of ${s.site}/${s.gateway} came twice with different records from number ${s.fork} on: its outbox was copied or restored. The first records are kept. Call the person who looks after that gateway.`,
    refused: n => `${n} ${n === 1 ? 'record is' : 'records are'} stored but could not be understood. Nothing is lost; a newer centre may read ${n === 1 ? 'it' : 'them'}.`,
    refusals: 'Records that could not be understood', latest_refusals: (shown, all) => `The latest ${shown} of ${all}`, written: 'Written', record: 'Record', kind: 'Type', reason: 'Reason',
    subjects: 'Subjects', all_subjects: 'All subjects together', subject: 'Subject', plates: 'Plates', evaluated: 'Evaluated plates of each subject: diagnosis against relapse',
    verdicts: { pass: 'plate: good', review: 'plate: to be reviewed', fail: 'plate: failed', 'not evaluable': 'plate: not evaluable' },
  },
  fr: {
    title: 'Marrowlink, centre', skip: 'Aller aux mesures', language: 'Langue',
    site: s => `Site ${s}`, gateways: 'Passerelles', online: 'en ligne', offline: 'hors ligne', since: t => `depuis ${t}`,
    totals: s => `Instruments de ${s}`, runs: s => `Mesures de ${s}, les plus récentes d’abord`, no_runs: 'Aucune mesure de plaque ou de cytomètre n’est encore arrivée.',
    instrument: 'Instrument', counted: 'Comptées', open: 'En cours', attention: 'À vérifier', revisions: 'Révisions', messages: 'Messages',
    state: 'État', plate: 'Plaque', key: 'Clé d’origine', changed: 'Dernier changement', gateway: 'Passerelle', no_plate: 'plaque non indiquée',
    states: { open: 'en cours', complete: 'complète', unreadable: 'conservée, illisible', aborted: 'interrompue', incomplete: 'incomplète', refused: 'refusée' },
    revision: n => `Révision ${n} : la même clé est déjà arrivée avec d’autres octets. Comparez les deux mesures.`,
    labelled: l => `Plaque corrigée par ${l.who || 'une personne'} : ${l.why}`,
    fresh: t => `État à ${t}.`, stale: s => `Données anciennes : dernière réponse du centre il y a ${s} s. L’état a pu changer.`, waiting: 'En attente de la première réponse.',
    summary: (runs, sites) => `${runs.toLocaleString('fr')} ${runs < 2 ? 'mesure comptée' : 'mesures comptées'}, de ${sites} ${sites < 2 ? 'site' : 'sites'}.`, nothing: 'Aucun enregistrement n’est encore arrivé.',
    broker_away: d => `Le centre n’est pas relié au courtier. Les passerelles gardent leurs enregistrements jusqu’à son retour. ${d}`,
    not_storing: d => `Le centre ne peut pas enregistrer. Rien n’est acquitté, les passerelles gardent tout. Vérifiez le disque du centre. ${d}`,
    fork: s => `Le flux ${s.stream} de ${s.site}/${s.gateway} est arrivé deux fois avec des enregistrements différents à partir du numéro ${s.fork} : sa file a été copiée ou restaurée. Les premiers sont gardés. Appelez la personne responsable de cette passerelle.`,
    refused: n => `${n} ${n === 1 ? 'enregistrement est conservé mais n’a pas été compris' : 'enregistrements sont conservés mais n’ont pas été compris'}. Rien n’est perdu ; un centre plus récent pourra ${n === 1 ? 'le' : 'les'} lire.`,
    refusals: 'Enregistrements non compris', latest_refusals: (shown, all) => `Les derniers : ${shown} sur ${all}`, written: 'Écrit', record: 'Enregistrement', kind: 'Type', reason: 'Raison',
    subjects: 'Sujets', all_subjects: 'Tous les sujets ensemble', subject: 'Sujet', plates: 'Plaques', evaluated: 'Plaques évaluées de chaque sujet : diagnostic et rechute',
    verdicts: { pass: 'plaque : bonne', review: 'plaque : à vérifier', fail: 'plaque : insuffisante', 'not evaluable': 'plaque : non évaluable' },
  },
};

let latest = null;
let latest_at = 0;
let drawn = '';

function totals_table(site, totals) {
  const w = words();
  const by_instrument = new Map();
  for (const t of totals) {
    const row = by_instrument.get(t.instrument) || { counted: 0, open: 0, attention: 0, revisions: 0, messages: 0 };
    if (t.revisions) row.revisions += t.runs;
    else if (t.messages && t.state === 'complete') row.messages += t.runs;
    else if (t.state === 'complete') row.counted += t.runs;
    else if (t.state === 'open') row.open += t.runs;
    else row.attention += t.runs;
    by_instrument.set(t.instrument, row);
  }
  const columns = ['counted', 'open', 'attention', 'revisions', 'messages'];
  return table(`totals-${site}`, w.totals(site), [{ text: w.instrument }, ...columns.map(c => ({ text: w[c], number: true }))],
    [...by_instrument].map(([instrument, row]) => [element('th', { scope: 'row' }, instrument),
      ...columns.map(c => element('td', { className: 'number' }, row[c].toLocaleString(language)))]));
}

function runs_table(site, runs) {
  const w = words();
  if (runs.length === 0) return element('p', { className: 'note' }, w.no_runs);
  return table(`runs-${site}`, w.runs(site), [w.plate, w.state, w.instrument, w.gateway, w.changed, w.key].map(text => ({ text })), runs.map(run => {
    const notes = [];
    if (run.revision > 0) notes.push(w.revision(run.revision));
    if (run.reason) notes.push(run.reason);
    if (run.labels && run.labels.length) notes.push(w.labelled(run.labels[0]));
    return [
      element('th', { scope: 'row' }, run.evaluation ? element('a', { href: `plate.html?run=${run.evaluation.id}` }, run.plate) : run.plate || w.no_plate),
      element('td', {}, element('span', { className: `state ${run.state}` }, w.states[run.state] || run.state),
        run.evaluation ? element('div', {}, w.verdicts[run.evaluation.verdict] || run.evaluation.verdict) : null,
        ...notes.map(note => element('div', { className: 'reason' }, note))),
      element('td', {}, run.instrument), element('td', {}, run.gateway),
      element('td', {}, element('time', { dateTime: run.changed }, clock_text(run.changed))),
      element('td', {}, element('code', {}, run.sourcekey.length > 40 ? run.sourcekey.slice(0, 16) + '…' : run.sourcekey)),
    ];
  }));
}

function site_section(site) {
  const w = words();
  const of_site = list => list.filter(one => one.site === site);
  const gateways = of_site(latest.gateways).map(g => element('li', {},
    `${g.gateway}: ${g.online ? w.online : w.offline} `, element('span', { className: 'note' }, w.since(clock_text(g.since)))));
  return element('section', { 'aria-labelledby': `site-${site}` }, element('h2', { id: `site-${site}` }, w.site(site)),
    gateways.length ? element('ul', { className: 'gateways', 'aria-label': w.gateways }, ...gateways) : null,
    of_site(latest.totals).length ? totals_table(site, of_site(latest.totals)) : null, runs_table(site, of_site(latest.runs)));
}

// What a person needs to find a record: `verify` and an export name it in the same way.
function refusals_section(refusals) {
  const w = words();
  const shown = refusals.length.toLocaleString(language), all = latest.refused.toLocaleString(language);
  return element('section', { 'aria-labelledby': 'refusals-title' }, element('h2', { id: 'refusals-title' }, w.refusals),
    table('refused-records', w.latest_refusals(shown, all), [w.written, w.gateway, w.record, w.kind, w.reason].map(text => ({ text })), refusals.map(r => [
      element('td', {}, element('time', { dateTime: r.time }, clock_text(r.time))),
      element('td', { className: 'short' }, `${r.site}/${r.gateway}`),
      element('th', { scope: 'row' }, element('code', {}, `${r.stream}/${r.seq}`)),
      element('td', { className: 'short' }, element('code', {}, r.type)),
      element('td', { className: 'reason' }, r.reason),
    ])));
}

function subjects_section(subjects) {
  const w = words();
  return element('section', { 'aria-labelledby': 'subjects-title' }, element('h2', { id: 'subjects-title' }, w.subjects), element('p', {}, element('a', { href: 'cohort.html' }, w.all_subjects)),
    table('subjects-table', w.evaluated, [{ text: w.subject }, { text: w.plates, number: true }], subjects.map(s => [
      element('th', { scope: 'row' }, element('a', { href: `subject.html?id=${encodeURIComponent(s.subject)}` }, s.subject)),
      element('td', { className: 'number' }, s.plates.toLocaleString(language))])));
}

function draw_alarms() {
  const w = words();
  const alarms = [];
  if (latest && !latest.centre.connected) alarms.push(w.broker_away(latest.centre.link || ''));
  if (latest && !latest.centre.storing) alarms.push(w.not_storing(latest.centre.store_error || ''));
  if (latest) for (const stream of latest.streams) if (stream.fork) alarms.push(w.fork(stream));
  if (latest && latest.refused > 0) alarms.push(w.refused(latest.refused));
  const box = document.getElementById('alarms');
  const text = alarms.join('\n');
  if (box.dataset.shown === text) return;  // a screen reader says it once, not at every answer
  box.dataset.shown = text;
  box.replaceChildren(...alarms.map(alarm => element('p', {}, alarm)));
}

function draw_freshness() {
  const w = words();
  const age_ms = Date.now() - latest_at;
  const stale = latest !== null && age_ms > stale_after_ms;
  const line = document.getElementById('freshness');
  line.textContent = latest === null ? w.waiting : stale ? w.stale(Math.round(age_ms / 1000)) : w.fresh(clock_text(latest.now));
  line.classList.toggle('stale', stale);
  document.body.classList.toggle('stale-data', stale);
}

function draw() {
  const w = words();
  draw_frame();
  draw_alarms();
  draw_freshness();
  if (latest === null) return;
  const shown = JSON.stringify([language, latest.totals, latest.runs, latest.gateways, latest.refused, latest.refusals, latest.subjects]);
  if (shown === drawn) return;  // nothing moves under the reader's cursor unless something changed
  drawn = shown;
  const sites = [...new Set([...latest.totals, ...latest.gateways, ...latest.streams].map(one => one.site))].sort();
  const counted = latest.totals.filter(t => t.state === 'complete' && !t.revisions).reduce((sum, t) => sum + t.runs, 0);
  document.getElementById('summary').textContent = sites.length ? w.summary(counted, sites.length) : w.nothing;
  const focused = document.activeElement.id;
  document.getElementById('sites').replaceChildren(...sites.map(site_section));
  document.getElementById('subjects').replaceChildren(...(latest.subjects.length ? [subjects_section(latest.subjects)] : []));
  document.getElementById('refusals').replaceChildren(...(latest.refusals.length ? [refusals_section(latest.refusals)] : []));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });  // whoever reads by keyboard stays where they are
}

async function ask() {
  try {
    const answer = await fetch('api/runs', { cache: 'no-store', signal: AbortSignal.timeout(stale_after_ms) });
    if (answer.ok) {
      latest = await answer.json();
      latest_at = Date.now();
    }
  } catch {
    // No answer is shown as age, by draw_freshness.
  }
  draw();
  setTimeout(ask, ask_every_ms);
}

draw();
ask();
setInterval(draw_freshness, 1000);
