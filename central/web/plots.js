'use strict';
// The pictures that several pages draw.

// Curves of one drug in one picture: wells as points, the fitted curve through them, concentrations in nM against percent inhibition.
// `sides`: [{drug: as in a plate's result, className}]; `w` has the words `dose` and the picture's `label`.
function curve_picture(sides, w) {
  const xs = sides.flatMap(side => side.drug.x);
  const lo = Math.min(...xs), hi = Math.max(...xs), span = hi - lo || 1;
  const x = at => 44 + 216 * (at - lo) / span, y = at => 150 - 120 * (Math.min(130, Math.max(-30, at)) + 20) / 140;
  const fitted = (drug, at) => drug.bottom + (drug.top - drug.bottom) / (1 + 10 ** (drug.slope * (drug.midpoint - at)));
  const line = ({ drug, className }) => drug.not_evaluable ? null : svg('polyline', { class: `fit ${className}`,
    points: [...Array(61).keys()].map(i => { const at = lo + span * i / 60; return `${x(at).toFixed(1)},${y(fitted(drug, at)).toFixed(1)}`; }).join(' ') });
  return svg('svg', { viewBox: '0 0 284 184', width: 284, class: 'plot', role: 'img', 'aria-label': w.label },
    ...[0, 50, 100].flatMap(level => [svg('line', { x1: 44, x2: 260, y1: y(level), y2: y(level), class: 'grid' }), svg('text', { x: 38, y: y(level) + 4, 'text-anchor': 'end' }, String(level))]),
    ...[...new Set(xs)].sort((a, b) => a - b).map(at => svg('text', { x: x(at), y: 166, 'text-anchor': 'middle', class: 'dose' }, Number((10 ** at).toPrecision(2)).toString())),
    svg('text', { x: 152, y: 181, 'text-anchor': 'middle' }, w.dose),
    ...sides.flatMap(side => [line(side), ...side.drug.x.map((at, i) => svg('circle', { cx: x(at), cy: y(side.drug.y[i]), r: 3.5, class: `point ${side.className}` }))]));
}

// A change with its interval on an axis from -most to most; the grey band holds what could not be told from no change.
function interval_plot(row, most) {
  const x = value => 110 + 100 * Math.max(-1.05, Math.min(1.05, value / most));
  return svg('svg', { viewBox: '0 0 220 24', width: 220, class: 'plot', 'aria-hidden': 'true' }, svg('rect', { x: x(-row.detectable), y: 2, width: x(row.detectable) - x(-row.detectable), height: 20, class: 'undetectable' }),
    svg('line', { x1: x(0), x2: x(0), y1: 0, y2: 24, class: 'grid' }), row.lo95 === undefined ? null : svg('line', { x1: x(row.lo95), x2: x(row.hi95), y1: 12, y2: 12, class: 'fit' }), svg('circle', { cx: x(row.delta), cy: 12, r: 4, class: 'point' }));
}
