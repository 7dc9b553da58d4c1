'use strict';
// All subjects together: which drugs gained or lost effect from diagnosis to relapse, site by site, and how large a change would have been seen.
const texts = {
  en: {
    title: 'All subjects', skip: 'Skip to the drugs', language: 'Language', back: 'All runs', research: 'Research use only. Not for diagnosis or treatment.', waiting: 'Asking the centre.', failed: reason => `The centre did not give the cohort: ${reason}`,
    site: (name, n) => `Site ${name}: ${n} ${n === 1 ? 'subject' : 'subjects'}`, caption: 'Change of the drug sensitivity score (DSS2) from diagnosis to relapse', drug: 'Drug', n: 'Subjects', mean: 'Mean change (95 % interval)', median: 'Median change', p: 'p (adjusted)', picture: 'Change in DSS2', says: 'What can be said',
    calls: { 'gained effect': 'gained effect', 'lost effect': 'lost effect', 'no change that could be seen': 'no change that could be seen' }, detectable: d => ` (a mean change of ${d} would have been seen with 80 % power)`, not_evaluable: why => `not evaluable: ${why}`, approximate: ' ≈',
    cut: n => `Only the first ${n} subjects, by name, are in these figures.`, none: 'No subject has a drug that was measured at both timepoints and can be compared.', doubtful: n => `In ${n} of the subjects, compartment or medium differ between the timepoints; they are counted in. Each subject’s page says how.`,
    how: definition => `Score ${definition}. Mean and interval: t distribution. p: Wilcoxon’s signed ranks (≈: normal approximation, as changes are tied or 0), adjusted over the site’s drugs by Benjamini and Hochberg; a change is called where it stays below 0.05. Sites stand apart: no bridging control joins them.`,
  },
  fr: {
    title: 'Tous les sujets', skip: 'Aller aux médicaments', language: 'Langue', back: 'Toutes les mesures', research: 'Pour la recherche uniquement. Ni diagnostic ni traitement.', waiting: 'Le centre est interrogé.', failed: reason => `Le centre n’a pas donné la cohorte : ${reason}`,
    site: (name, n) => `Site ${name} : ${n} ${n === 1 ? 'sujet' : 'sujets'}`, caption: 'Changement du score de sensibilité (DSS2) du diagnostic à la rechute', drug: 'Médicament', n: 'Sujets', mean: 'Changement moyen (intervalle à 95 %)', median: 'Changement médian', p: 'p (ajusté)', picture: 'Changement du DSS2', says: 'Ce qu’on peut en dire',
    calls: { 'gained effect': 'effet accru', 'lost effect': 'effet perdu', 'no change that could be seen': 'aucun changement décelable' }, detectable: d => ` (un changement moyen de ${d} aurait été vu avec une puissance de 80 %)`, not_evaluable: why => `non évaluable : ${why}`, approximate: ' ≈',
    cut: n => `Seuls les ${n} premiers sujets, par nom, sont dans ces chiffres.`, none: 'Aucun sujet n’a de médicament mesuré aux deux moments et comparable.', doubtful: n => `Pour ${n} des sujets, le compartiment ou le milieu diffèrent entre les deux moments ; ils sont comptés. La page de chaque sujet dit en quoi.`,
    how: definition => `Score ${definition}. Moyenne et intervalle : loi de Student. p : rangs signés de Wilcoxon (≈ : approximation normale, en cas d’ex æquo ou de changements nuls), ajusté sur les médicaments du site selon Benjamini et Hochberg ; un changement est annoncé quand il reste au-dessous de 0,05. Les sites restent séparés : aucun témoin commun ne les relie.`,
  },
};

let cohort = null, failure = null;

function site_section(site) {
  const w = words(), id = `site-${site.site}`;
  const rows = [...site.drugs].sort((a, b) => Math.abs(b.mean_delta ?? -1) - Math.abs(a.mean_delta ?? -1));
  const most = Math.max(10, ...rows.flatMap(row => [row.lo95, row.hi95, row.mean_delta].filter(value => value !== undefined).map(Math.abs)));
  const p_text = row => row.p_adjusted === undefined ? '–' : row.p_adjusted < 0.001 ? '< 0.001' : number_text(row.p_adjusted, 3);
  return element('section', { 'aria-labelledby': id }, element('h2', { id }, w.site(site.site, site.subjects)),
    table(`drugs-${site.site}`, w.caption, [{ text: w.drug }, { text: w.n, number: true }, { text: w.mean, number: true }, { text: w.median, number: true }, { text: w.p, number: true }, { text: w.picture }, { text: w.says }], rows.map(row => [
      element('th', { scope: 'row' }, row.drug), element('td', { className: 'number' }, String(row.n)),
      element('td', { className: 'number' }, row.mean_delta === undefined ? '–' : signed_text(row.mean_delta) + (row.lo95 === undefined ? '' : ` (${signed_text(row.lo95)}; ${signed_text(row.hi95)})`)),
      element('td', { className: 'number' }, row.median_delta === undefined ? '–' : signed_text(row.median_delta)), element('td', { className: 'number' }, p_text(row) + (row.exact === false ? w.approximate : '')),
      element('td', {}, row.mean_delta === undefined ? '' : interval_plot({ delta: row.mean_delta, lo95: row.lo95, hi95: row.hi95, detectable: row.detectable ?? 0 }, most)),
      element('td', {}, row.call ? element('span', { className: `call ${row.call.split(' ')[0]}` }, w.calls[row.call], row.call.startsWith('no') && row.detectable !== undefined ? w.detectable(number_text(row.detectable, 1)) : '') : w.not_evaluable(row.not_evaluable))])),
    element('p', {}, csv_button(site.site, `cohort ${site.site}`, ['drug', 'n', 'mean_delta', 'lo95', 'hi95', 'median_delta', 'p', 'exact', 'p_adjusted', 'detectable', 'call', 'not_evaluable'], site.drugs)));
}

function draw() {
  const w = words();
  draw_frame();
  const content = document.getElementById('content');
  if (!cohort) return content.replaceChildren(element('p', { role: failure ? 'alert' : 'status' }, failure ? w.failed(failure) : w.waiting));
  content.replaceChildren(...(cohort.cut_at ? [element('p', { className: 'doubt' }, w.cut(cohort.cut_at))] : []), ...(cohort.sites.length ? cohort.sites.map(site_section) : [element('p', {}, w.none)]), ...(cohort.doubtful ? [element('p', { className: 'doubt' }, w.doubtful(cohort.doubtful))] : []), element('p', { className: 'note' }, w.how(cohort.definition)));
}

answer_of('api/cohort').then(answer => { cohort = answer; }, problem => { failure = problem.message; }).then(draw);
draw();
