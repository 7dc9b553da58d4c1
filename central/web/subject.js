'use strict';
// One subject: which drugs gained or lost effect from diagnosis to relapse, how sure that is, and what it rests on. As a page it asks the
// centre; as a report (subject_report.hpp) it carries the answers in itself.
const texts = {
  en: {
    title: 'Subject', skip: 'Skip to the comparison', language: 'Language', back: 'All runs', research: 'Research use only. Not for diagnosis or treatment.',
    waiting: 'Asking the centre.', failed: reason => `The centre did not give this subject: ${reason}`, plates: 'Plates', plates_caption: 'Plates of this subject', plate: 'Plate', timepoint: 'Timepoint', site: 'Site', quality: 'Quality', state: 'State', compartment: 'Compartment', medium: 'Medium', hours: 'Hours to test',
    timepoints: { diagnosis: 'diagnosis', relapse: 'relapse' }, states: { evaluated: 'evaluated', incomplete: 'incomplete: left out', 'not evaluable': 'not evaluable' }, verdicts: { pass: 'good', review: 'to be reviewed', fail: 'failed: left out', 'not evaluable': 'not evaluable' },
    comparison: 'Diagnosis against relapse', caption: 'Drug sensitivity score (DSS2, 0 no effect to 50) of each drug, largest change first', drug: 'Drug', diagnosis: 'Diagnosis', relapse: 'Relapse', delta: 'Change (95 % interval)', picture: 'Change in DSS2', says: 'What can be said',
    calls: { 'gained effect': 'gained effect', 'lost effect': 'lost effect', 'no change that could be seen': 'no change that could be seen' }, detectable: d => ` (smallest detectable: ${d})`, not_comparable: why => `not comparable: ${why}`, interval: (lo, hi) => ` (${lo} to ${hi})`, no_interval: ' (no interval: a score is 0)',
    how: (definition, interval) => `Score ${definition}. Interval: ${interval}. A change is called when it is larger than the smallest detectable one: 5.8 DSS2, as serial AML pairs were found to scatter, or 1.96 standard errors if that is more; the grey band shows it.`, none: 'No drug has been measured at both timepoints yet.',
    save: 'Save as a report (HTML)', report: version => `Report by Marrowlink ${version}. Its numbers can be made again from the instruments’ own bytes: see “What this rests on”.`, curves: 'Curves', curves_note: 'Inhibition in percent against concentration; each point is a well.', legend: { diagnosis: 'Diagnosis: open circles, dashed', relapse: 'relapse: filled circles, solid' }, dose: 'concentration, nM',
    picture_of: (drug, found) => `${drug}: ${found}`, provenance: 'What this rests on', rests: 'Each plate with its run, sheets and files', run: 'Run', instrument: 'Instrument', sheets: 'Sheets', files: 'Files of the instrument (SHA-256)', layout: 'layout', sample: 'sample sheet', version: (name, number) => `${name}, version ${number}`, definitions: 'Definitions', software: 'Software',
  },
  fr: {
    title: 'Sujet', skip: 'Aller à la comparaison', language: 'Langue', back: 'Toutes les mesures', research: 'Pour la recherche uniquement. Ni diagnostic ni traitement.',
    waiting: 'Le centre est interrogé.', failed: reason => `Le centre n’a pas donné ce sujet : ${reason}`, plates: 'Plaques', plates_caption: 'Plaques de ce sujet', plate: 'Plaque', timepoint: 'Moment', site: 'Site', quality: 'Qualité', state: 'État', compartment: 'Compartiment', medium: 'Milieu', hours: 'Heures avant le test',
    timepoints: { diagnosis: 'diagnostic', relapse: 'rechute' }, states: { evaluated: 'évaluée', incomplete: 'incomplète : exclue', 'not evaluable': 'non évaluable' }, verdicts: { pass: 'bonne', review: 'à vérifier', fail: 'insuffisante : exclue', 'not evaluable': 'non évaluable' },
    comparison: 'Diagnostic et rechute', caption: 'Score de sensibilité (DSS2, de 0 sans effet à 50) de chaque médicament, le plus grand changement d’abord', drug: 'Médicament', diagnosis: 'Diagnostic', relapse: 'Rechute', delta: 'Changement (intervalle à 95 %)', picture: 'Changement du DSS2', says: 'Ce qu’on peut en dire',
    calls: { 'gained effect': 'effet accru', 'lost effect': 'effet perdu', 'no change that could be seen': 'aucun changement décelable' }, detectable: d => ` (le plus petit décelable : ${d})`, not_comparable: why => `non comparable : ${why}`, interval: (lo, hi) => ` (${lo} à ${hi})`, no_interval: ' (sans intervalle : un score est nul)',
    how: (definition, interval) => `Score ${definition}. Intervalle : ${interval}. Un changement est annoncé au-delà du plus petit décelable : 5,8 DSS2, dispersion constatée entre paires de LAM, ou 1,96 erreur type si c’est plus ; la bande grise le montre.`, none: 'Aucun médicament n’a encore été mesuré aux deux moments.',
    save: 'Enregistrer comme rapport (HTML)', report: version => `Rapport de Marrowlink ${version}. Ses chiffres se recalculent à partir des octets des instruments : voir « Sur quoi cela repose ».`, curves: 'Courbes', curves_note: 'Inhibition en pour cent selon la concentration ; chaque point est un puits.', legend: { diagnosis: 'Diagnostic : cercles vides, tirets', relapse: 'rechute : cercles pleins, trait continu' }, dose: 'concentration, nM',
    picture_of: (drug, found) => `${drug} : ${found}`, provenance: 'Sur quoi cela repose', rests: 'Chaque plaque avec sa mesure, ses feuilles et ses fichiers', run: 'Mesure', instrument: 'Instrument', sheets: 'Feuilles', files: 'Fichiers de l’instrument (SHA-256)', layout: 'plan de plaque', sample: 'feuille d’échantillon', version: (name, number) => `${name}, version ${number}`, definitions: 'Définitions', software: 'Logiciel',
  },
};

const report = document.getElementById('report');
let subject = null, failure = null, results = []; // of subject.plates, in their order

function plates_section() {
  const w = words();
  return element('section', { 'aria-labelledby': 'plates-title' }, element('h2', { id: 'plates-title' }, w.plates),
    table('plates', w.plates_caption, [w.plate, w.timepoint, w.state, w.quality, w.compartment, w.medium, w.hours, w.site].map(text => ({ text })), subject.plates.map(plate => [
      element('th', { scope: 'row' }, report ? plate.barcode : element('a', { href: `plate.html?run=${plate.id}` }, plate.barcode)), ...[w.timepoints[plate.timepoint], w.states[plate.state]].map(text => element('td', {}, text || '–')),
      element('td', {}, w.verdicts[plate.verdict] || plate.verdict, plate.reason ? element('div', { className: 'reason' }, plate.reason) : null),
      ...[plate.compartment, plate.medium, plate.hours_to_test, plate.site].map(text => element('td', {}, text || '–'))])));
}

function comparison_section() {
  const w = words();
  const most = Math.max(10, ...subject.drugs.flatMap(row => row.delta === undefined ? [] : [Math.abs(row.lo95 ?? row.delta), Math.abs(row.hi95 ?? row.delta), row.detectable]));
  const rows = subject.drugs.map(row => [
    element('th', { scope: 'row' }, row.drug), ...['diagnosis', 'relapse'].map(at => element('td', { className: 'number' }, number_text(row[at], 1))),
    element('td', { className: 'number' }, row.delta === undefined ? '–' : signed_text(row.delta) + (row.lo95 === undefined ? w.no_interval : w.interval(signed_text(row.lo95), signed_text(row.hi95)))),
    element('td', {}, row.delta === undefined ? '' : interval_plot(row, most)),
    element('td', {}, row.call ? element('span', { className: `call ${row.call.split(' ')[0]}` }, w.calls[row.call], row.call.startsWith('no') ? w.detectable(number_text(row.detectable, 1)) : '') : w.not_comparable(row.not_comparable),
      ...(row.flags || []).map(flag => element('div', { className: 'reason' }, flag)))]);
  return element('section', { 'aria-labelledby': 'comparison-title' }, element('h2', { id: 'comparison-title' }, w.comparison), ...subject.doubts.map(doubt => element('p', { className: 'doubt' }, doubt)),
    rows.length ? table('comparison', w.caption, [{ text: w.drug }, { text: w.diagnosis, number: true }, { text: w.relapse, number: true }, { text: w.delta, number: true }, { text: w.picture }, { text: w.says }], rows) : element('p', {}, w.none),
    rows.length ? element('p', {}, csv_button(w.comparison, `${subject.subject} comparison`, ['drug', 'site', 'diagnosis', 'relapse', 'delta', 'lo95', 'hi95', 'detectable', 'call', 'not_comparable', 'flags'], subject.drugs)) : '',
    element('p', { className: 'note' }, w.how(subject.definition, subject.interval)));
}

const compared = plate => plate.state === 'evaluated' && ['pass', 'review'].includes(plate.verdict);
// Of each drug that is compared, its curve at both timepoints.
function curves_section() {
  const w = words();
  const at = timepoint => results.flatMap((result, i) => compared(subject.plates[i]) && subject.plates[i].timepoint === timepoint ? result.drugs : []);
  const [first, last] = [at('diagnosis'), at('relapse')];
  const figures = subject.drugs.filter(row => row.delta !== undefined).map(row => {
    const sides = [['diagnosis', first], ['relapse', last]].map(([className, drugs]) => ({ className, drug: drugs.find(drug => drug.drug === row.drug) }));
    if (!sides.every(side => side.drug)) return null;
    const picture = curve_picture(sides, { dose: w.dose, label: w.picture_of(row.drug, w.calls[row.call]) });
    return element('figure', { className: 'curve' }, element('figcaption', {}, element('strong', {}, row.drug), svg_button(row.drug, `${subject.subject} ${row.drug}`, picture), element('br'), w.calls[row.call]), picture);
  }).filter(Boolean);
  return figures.length ? element('section', { 'aria-labelledby': 'curves-title' }, element('h2', { id: 'curves-title' }, w.curves), element('p', { className: 'note' }, `${w.curves_note} ${Object.values(w.legend).join('; ')}.`), element('div', { className: 'curves' }, ...figures)) : null;
}

function provenance_section() {
  const w = words();
  const digest = text => element('code', {}, text);
  const sheet = (plate, kind) => plate[kind] ? element('div', {}, `${w.version(w[kind], plate[kind].version)} `, digest(plate[kind].sha256)) : null;
  const distinct = values => [...new Set(values.filter(Boolean))].join(', ');
  return element('section', { 'aria-labelledby': 'provenance-title' }, element('h2', { id: 'provenance-title' }, w.provenance),
    table('provenance', w.rests, [w.plate, w.run, w.instrument, w.sheets, w.files].map(text => ({ text })), subject.plates.map(plate => [element('th', { scope: 'row' }, plate.barcode), element('td', {}, digest(plate.run)), element('td', {}, `${plate.instrument} (${plate.site})`),
      element('td', {}, ...['layout', 'sample'].map(kind => sheet(plate, kind)).filter(Boolean)), element('td', {}, ...plate.files.map(file => element('div', {}, `${file.format} `, digest(file.original_sha256))))])),
    facts([[w.software, `Marrowlink ${distinct(subject.plates.map(plate => plate.software))}`], [w.definitions, distinct(subject.plates.flatMap(plate => Object.values(plate.definitions || {})))]]));
}

function draw() {
  const w = words();
  draw_frame();
  const content = document.getElementById('content');
  if (!subject) return content.replaceChildren(element('p', { role: failure ? 'alert' : 'status' }, failure ? w.failed(failure) : w.waiting));
  document.title = document.getElementById('heading').textContent = `${w.title} ${subject.subject}`;
  content.replaceChildren(...[report ? element('p', { className: 'note' }, w.report(subject.plates[0].software)) : null, comparison_section(), curves_section(), plates_section(), provenance_section()].filter(Boolean));
}

async function ask() {
  const id = encodeURIComponent(new URLSearchParams(location.search).get('id') || '');
  document.querySelector('.ways').append(element('a', { href: `report.html?id=${id}`, download: '', 'data-text': 'save' }));
  draw_frame();
  try {
    subject = await answer_of(`api/subject?id=${id}`);
    draw();
    results = await Promise.all(subject.plates.map(plate => answer_of(`api/evaluation?run=${plate.id}`)));
  } catch (problem) {
    failure = problem.message;
  }
  draw();
}

if (report) {
  ({ comparison: subject, results } = JSON.parse(report.textContent));
  document.querySelector('.ways').remove();
  draw();
} else {
  draw();
  ask();
}
