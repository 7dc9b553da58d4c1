'use strict';
// One plate as the centre evaluated it: verdict with reasons, wells, controls, curves, and what all of it rests on.
const texts = {
  en: {
    title: 'Plate', skip: 'Skip to the plate', language: 'Language', back: 'All runs', research: 'Research use only. Not for diagnosis or treatment.',
    waiting: 'Asking the centre.', failed: reason => `The centre did not give this plate: ${reason}`, subject: 'Subject', site: 'Site', instrument: 'Instrument', evaluated: 'Evaluated', readout: 'Read',
    timepoint: 'Timepoint', compartment: 'Compartment', medium: 'Medium', hours_to_test: 'Hours to test', state: 'State', wells_used: 'Wells used', used: (n, out) => `${n}, ${out} without a value`,
    states: { evaluated: 'evaluated', incomplete: 'incomplete: left out of comparisons', 'not evaluable': 'not evaluable' }, timepoints: { diagnosis: 'diagnosis', relapse: 'relapse' },
    quality: 'Plate quality', verdicts: { pass: 'Good', review: 'To be reviewed', fail: 'Failed', 'not evaluable': 'Not evaluable' }, figures: 'Figures of the plate', figure: 'Figure', value: 'Value',
    names: { zprime: 'Z′', zprime_robust: 'Z′, robust', ssmd: 'SSMD', signal_to_background: 'Signal to background', cv_negative_pct: 'CV of negative controls, %', cv_positive_pct: 'CV of positive controls, %', edge_ratio: 'Outer to inner wells', replicate_r2: 'R² of replicates', replicate_sd_pct: 'SD of replicates, % inhibition', row_gradient_pct: 'Gradient a row, %', column_gradient_pct: 'Gradient a column, %' },
    interval: (lo, hi) => ` (95 %: ${lo} to ${hi})`, wells: 'Wells', heat: 'Percent inhibition of each well; red: the cells died, white: no effect, grey: no value or empty. N negative, P positive, U untreated controls.',
    roles: { sample: 'sample', negative: 'negative control', positive: 'positive control', untreated: 'untreated', empty: 'empty' }, inhibition: i => `inhibition ${i} %`, outlying: 'outside 1.5 IQR of its kind, counted all the same',
    controls: 'Control wells', control_axis: 'Signal of each control well', curves: 'Curves', inhibited: 'inhibition, %', dose: 'concentration, nM', no_curve: why => `no curve: ${why}`,
    score: (cont, se) => `DSS2 ${cont} (SE ${se})`, ic50: t => `IC50 ${t === 'not reached' ? t : `${t} nM`}`, flat: 'flat: no more than a constant explains it', provenance: 'What this rests on', software: 'Software', layout: 'Layout', sample: 'Sample sheet', file: 'Original bytes', version: n => `version ${n}`, definitions: 'Definitions',
  },
  fr: {
    title: 'Plaque', skip: 'Aller à la plaque', language: 'Langue', back: 'Toutes les mesures', research: 'Pour la recherche uniquement. Ni diagnostic ni traitement.',
    waiting: 'Le centre est interrogé.', failed: reason => `Le centre n’a pas donné cette plaque : ${reason}`, subject: 'Sujet', site: 'Site', instrument: 'Instrument', evaluated: 'Évaluée', readout: 'Lecture',
    timepoint: 'Moment', compartment: 'Compartiment', medium: 'Milieu', hours_to_test: 'Heures avant le test', state: 'État', wells_used: 'Puits utilisés', used: (n, out) => `${n}, ${out} sans valeur`,
    states: { evaluated: 'évaluée', incomplete: 'incomplète : exclue des comparaisons', 'not evaluable': 'non évaluable' }, timepoints: { diagnosis: 'diagnostic', relapse: 'rechute' },
    quality: 'Qualité de la plaque', verdicts: { pass: 'Bonne', review: 'À vérifier', fail: 'Insuffisante', 'not evaluable': 'Non évaluable' }, figures: 'Chiffres de la plaque', figure: 'Chiffre', value: 'Valeur',
    names: { zprime: 'Z′', zprime_robust: 'Z′ robuste', ssmd: 'SSMD', signal_to_background: 'Signal sur bruit de fond', cv_negative_pct: 'CV des témoins négatifs, %', cv_positive_pct: 'CV des témoins positifs, %', edge_ratio: 'Puits extérieurs sur intérieurs', replicate_r2: 'R² des réplicats', replicate_sd_pct: 'Écart type des réplicats, % d’inhibition', row_gradient_pct: 'Gradient par ligne, %', column_gradient_pct: 'Gradient par colonne, %' },
    interval: (lo, hi) => ` (95 % : ${lo} à ${hi})`, wells: 'Puits', heat: 'Inhibition de chaque puits en pour cent ; rouge : cellules mortes, blanc : aucun effet, gris : sans valeur ou vide. Témoins : N négatifs, P positifs, U non traités.',
    roles: { sample: 'échantillon', negative: 'témoin négatif', positive: 'témoin positif', untreated: 'non traité', empty: 'vide' }, inhibition: i => `inhibition ${i} %`, outlying: 'au-delà de 1,5 écart interquartile de sa sorte, compté tout de même',
    controls: 'Puits témoins', control_axis: 'Signal de chaque puits témoin', curves: 'Courbes', inhibited: 'inhibition, %', dose: 'concentration, nM', no_curve: why => `pas de courbe : ${why}`,
    score: (cont, se) => `DSS2 ${cont} (erreur type ${se})`, ic50: t => `CI50 ${t === 'not reached' ? 'non atteinte' : `${t} nM`}`, flat: 'plate : une constante l’explique aussi bien', provenance: 'Sur quoi cela repose', software: 'Logiciel', layout: 'Plan de plaque', sample: 'Fiche d’échantillon', file: 'Octets d’origine', version: n => `version ${n}`, definitions: 'Définitions',
  },
};

let plate = null, failure = null;

// White to red for 0 to 100 % inhibition; what lies beyond keeps the end's colour.
function colour(inhibition) {
  if (inhibition === undefined) return '#c9ced4';
  const share = Math.min(1, Math.max(0, inhibition / 100));
  return `rgb(${Math.round(255 - 75 * share)},${Math.round(255 - 230 * share)},${Math.round(255 - 225 * share)})`;
}

function well_text(well) {
  const w = words();
  return [`${well.well}: ${w.roles[well.role]}`, [well.drug, well.concentration && `${well.concentration} ${well.unit}`].filter(Boolean).join(' '), [well.value, well.flag].filter(Boolean).join(' '),
    well.inhibition_pct === undefined ? '' : w.inhibition(number_text(well.inhibition_pct, 1)), well.outlying ? w.outlying : ''].filter(Boolean).join('\n');
}

function heat_map() {
  const { rows, columns } = plate.shape;
  const size = 24, letters = { negative: 'N', positive: 'P', untreated: 'U' };
  const cells = plate.wells.flatMap((well, i) => {
    const x = 26 + (i % columns) * size, y = 18 + Math.floor(i / columns) * size;
    const mark = letters[well.role] && svg('text', { x: x + size / 2, y: y + size / 2 + 4, 'text-anchor': 'middle', class: well.inhibition_pct > 60 ? 'on-dark' : 'on-light' }, letters[well.role]);
    return [svg('rect', { x, y, width: size - 2, height: size - 2, fill: colour(well.inhibition_pct), class: well.outlying ? 'well outlying' : 'well' }, svg('title', {}, well_text(well))), ...(mark ? [mark] : [])];
  });
  const labels = [...Array(columns).keys()].map(c => svg('text', { x: 26 + c * size + size / 2, y: 12, 'text-anchor': 'middle' }, String(c + 1)))
    .concat([...Array(rows).keys()].map(r => svg('text', { x: 4, y: 18 + r * size + size / 2 + 4 }, plate.wells[r * columns].well.replace(/\d+$/, ''))));
  return element('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': words().heat },
    svg('svg', { viewBox: `0 0 ${28 + columns * size} ${20 + rows * size}`, width: 28 + columns * size, height: 20 + rows * size, role: 'img', 'aria-label': words().heat, class: 'plot' }, ...labels, ...cells));
}

function control_strip() {
  const w = words();
  const controls = plate.wells.filter(well => ['negative', 'positive', 'untreated'].includes(well.role) && well.value !== undefined);
  const kinds = ['negative', 'positive', 'untreated'].filter(kind => controls.some(well => well.role === kind));
  const most = Math.max(...controls.map(well => Number(well.value)), 0) || 1;
  const x = value => 140 + 480 * Math.max(0, value) / most;
  return svg('svg', { viewBox: `0 0 640 ${30 * kinds.length + 24}`, width: 640, class: 'plot', role: 'img', 'aria-label': w.control_axis },
    ...kinds.flatMap((kind, k) => [svg('text', { x: 0, y: 30 * k + 20 }, w.roles[kind]), ...controls.filter(well => well.role === kind).map(well =>
      svg('circle', { cx: x(Number(well.value)), cy: 30 * k + 15, r: 5, class: well.outlying ? 'point outlying' : 'point' }, svg('title', {}, well_text(well))))]),
    ...[0, 0.5, 1].map(share => svg('text', { x: x(share * most), y: 30 * kinds.length + 16, 'text-anchor': 'middle' }, (share * most).toLocaleString(language, { maximumSignificantDigits: 3 }))));
}

function curve_plot(drug) {
  const w = words();
  const note = drug.not_evaluable ? w.no_curve(drug.not_evaluable) : `${w.score(number_text(drug.dss2_cont, 1), number_text(drug.dss2_cont_se, 1))}, ${w.ic50(drug.ic50_relative_nM.replace(/[\d.]+(e[+-]?\d+)?/, text => Number(Number(text).toPrecision(3)).toString()))}`;
  const warnings = [drug.flag === 'flat' ? w.flat : drug.flag, drug.excluded ? w.used(drug.n, drug.excluded) : ''].filter(Boolean).join('; ');
  const picture = curve_picture([{ drug, className: '' }], { dose: w.dose, label: `${drug.drug}: ${note}` });
  return element('figure', { className: 'curve' }, element('figcaption', {}, element('strong', {}, drug.drug), svg_button(drug.drug, `${plate.barcode} ${drug.drug}`, picture), element('br'), note, warnings ? element('div', { className: 'reason' }, warnings) : null), picture);
}

const section = (id, heading, ...parts) => element('section', { 'aria-labelledby': id }, element('h2', { id }, heading), ...parts.filter(Boolean));

function quality_section() {
  const w = words(), quality = plate.quality;
  const reasons = [plate.reason, ...(quality ? quality.reasons : [])].filter(Boolean);
  return section('quality', w.quality, element('p', { className: `verdict ${plate.verdict.replace(' ', '-')}` }, w.verdicts[plate.verdict] || plate.verdict),
    reasons.length ? element('ul', {}, ...reasons.map(reason => element('li', {}, reason))) : null,
    quality ? table('figures', w.figures, [{ text: w.figure }, { text: w.value, number: true }], Object.keys(w.names).filter(name => quality[name] !== undefined && quality[name] !== null).map(name => [
      element('th', { scope: 'row' }, w.names[name]),
      element('td', { className: 'number' }, number_text(quality[name]) + (name === 'zprime' && quality.zprime_lo95 !== null ? w.interval(number_text(quality.zprime_lo95), number_text(quality.zprime_hi95)) : ''))])) : null);
}

function wells_section() {
  const w = words(), map = heat_map();
  return section('wells', w.wells, element('p', { className: 'note' }, w.heat), map,
    element('p', {}, csv_button(w.wells, `${plate.barcode} wells`, ['well', 'role', 'drug', 'concentration', 'unit', 'value', 'flag', 'inhibition_pct', 'npi_mean', 'npi_iqr', 'outlying'], plate.wells), svg_button(w.wells, `${plate.barcode} wells`, map.querySelector('svg'))));
}

function controls_section() {
  const w = words(), strip = control_strip();
  return section('controls', w.controls, element('p', { className: 'note' }, w.control_axis), element('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': w.control_axis }, strip),
    element('p', {}, svg_button(w.controls, `${plate.barcode} controls`, strip), csv_button(w.figures, `${plate.barcode} quality`, Object.keys(plate.quality).filter(name => name !== 'reasons'), [plate.quality])));
}

const drug_columns = ['drug', 'n', 'excluded', 'doses', 'not_evaluable', 'slope', 'bottom', 'top', 'midpoint', 'midpoint_profile_lo95', 'midpoint_profile_hi95', 'ic50_relative_nM', 'ic50_absolute_nM', 'sse', 'sigma', 'dss2_cont', 'dss2_cont_se', 'dss2_cont_lo95', 'dss2_cont_hi95', 'dss2_fimm', 'dss2_fimm_lo95', 'dss2_fimm_hi95', 'flat_p', 'lack_of_fit_p', 'bounds_hit', 'flag'];

function provenance() {
  const w = words();
  const digest = sha256 => element('code', {}, sha256);
  return section('provenance', w.provenance, facts([[w.software, `Marrowlink ${plate.software}`],
    ...['layout', 'sample'].filter(kind => plate[kind]).map(kind => [w[kind], element('span', {}, `${w.version(plate[kind].version)}, SHA-256 `, digest(plate[kind].sha256))]),
    ...plate.files.map(file => [w.file, element('span', {}, 'SHA-256 ', digest(file.original_sha256))]), [w.definitions, plate.definitions && Object.values(plate.definitions).join(', ')]]));
}

function draw() {
  const w = words();
  draw_frame();
  const content = document.getElementById('content');
  if (!plate) return content.replaceChildren(element('p', { role: failure ? 'alert' : 'status' }, failure ? w.failed(failure) : w.waiting));
  document.title = document.getElementById('heading').textContent = `${w.title} ${plate.barcode}`;
  const drugs = [...(plate.drugs || [])].sort((a, b) => (b.dss2_cont ?? -1) - (a.dss2_cont ?? -1));
  content.replaceChildren(
    facts([[w.subject, plate.subject && element('a', { href: `subject.html?id=${encodeURIComponent(plate.subject)}` }, plate.subject)], [w.timepoint, w.timepoints[plate.timepoint]], [w.state, w.states[plate.state]],
      [w.compartment, plate.compartment], [w.medium, plate.medium], [w.hours_to_test, plate.hours_to_test], [w.site, plate.site], [w.instrument, plate.instrument], [w.readout, plate.readout],
      [w.wells_used, plate.used === undefined ? undefined : w.used(plate.used, plate.excluded)], [w.evaluated, clock_text(plate.evaluated)]]),
    quality_section(),
    ...(plate.wells ? [wells_section()] : []),
    ...(plate.quality ? [controls_section()] : []),
    ...(drugs.length ? [section('curves', w.curves, element('p', {}, csv_button(w.curves, `${plate.barcode} curves`, drug_columns, drugs)), element('div', { className: 'curves' }, ...drugs.map(curve_plot)))] : []),
    provenance());
}

async function ask() {
  const run = new URLSearchParams(location.search).get('run') || '';
  try {
    plate = await answer_of(`api/evaluation?run=${encodeURIComponent(run)}`);
  } catch (problem) {
    failure = problem.message;
  }
  draw();
}
draw();
ask();
