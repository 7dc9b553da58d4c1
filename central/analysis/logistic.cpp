#include "central/analysis/logistic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "central/analysis/elementary.hpp"

namespace marrowlink::analysis {
namespace {
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double tie = 1e-9;
constexpr double unbounded = 1e5;  // a linear parameter with wider bounds is solved for without looking at them on the grid

double clamped(double value, Range range) { return std::min(std::max(value, range.lo), range.hi); }
double logistic_argument(double x, double slope, double midpoint) { return clamped(ln_10 * slope * (x - midpoint), {-700.0, 700.0}); }
double logistic(double argument) { return 1.0 / (1.0 + exp_clamped(-argument)); }

// The sums that a least-squares fit of top * g + bottom * (1 - g) needs.
struct Normal {
    double gg = 0.0, gh = 0.0, hh = 0.0, gy = 0.0, hy = 0.0, yy = 0.0;  // h = 1 - g
    double sse(double top, double bottom) const {
        return yy - 2.0 * (top * gy + bottom * hy) + top * top * gg + 2.0 * top * bottom * gh + bottom * bottom * hh;
    }
};

struct Linear {
    double top = 0.0, bottom = 0.0;
    bool top_free = false, bottom_free = false;
};

Linear solve(Normal const& n, LogisticBounds const& bounds) {
    double const determinant = n.gg * n.hh - n.gh * n.gh;
    if (determinant > 1e-13 * n.gg * n.hh) {
        double const top = (n.gy * n.hh - n.hy * n.gh) / determinant;
        double const bottom = (n.hy * n.gg - n.gy * n.gh) / determinant;
        if (top >= bounds.top.lo && top <= bounds.top.hi && bottom >= bounds.bottom.lo && bottom <= bounds.bottom.hi)
            return {top, bottom, !bounds.top.fixed(), !bounds.bottom.fixed()};
    }
    // The least of a convex function over a box, when it is not inside, is on an edge.
    Linear best;
    double least = infinite;
    auto const consider = [&](double top, double bottom, bool top_edge) {
        double const sse = n.sse(top, bottom);
        if (!(sse < least)) return;
        least = sse;
        best = {top, bottom, !top_edge && top > bounds.top.lo && top < bounds.top.hi,
                top_edge && bottom > bounds.bottom.lo && bottom < bounds.bottom.hi};
    };
    for (double const top : {bounds.top.lo, bounds.top.hi})
        consider(top, clamped(n.hh > 0.0 ? (n.hy - top * n.gh) / n.hh : 0.0, bounds.bottom), true);
    for (double const bottom : {bounds.bottom.lo, bounds.bottom.hi})
        consider(clamped(n.gg > 0.0 ? (n.gy - bottom * n.gh) / n.gg : 0.0, bounds.top), bottom, false);
    return best;
}

// The projected problem in ln(slope) and midpoint.
struct Point {
    double log_slope = 0.0, midpoint = 0.0;
    Linear linear;
    double sse = infinite;
};

class Projection {
 public:
    Projection(Doses const& doses, LogisticBounds const& bounds)
        : doses_(doses.doses), bounds_(bounds), u_(doses.doses.size()), g_(doses.doses.size()) {}

    Point at(double log_slope, double midpoint) const {
        Point point{log_slope, midpoint, {}, 0.0};
        double const slope = exp(log_slope);
        Normal n;
        fill_basis(slope, midpoint);
        for (std::size_t k = 0; k < doses_.size(); ++k) {
            auto const& dose = doses_[k];
            double const h = 1.0 - g_[k];
            n.gg += dose.count * g_[k] * g_[k];
            n.gh += dose.count * g_[k] * h;
            n.hh += dose.count * h * h;
            n.gy += dose.count * g_[k] * dose.mean;
            n.hy += dose.count * h * dose.mean;
            n.yy += dose.count * dose.mean * dose.mean;
        }
        point.linear = solve(n, bounds_);
        for (std::size_t k = 0; k < doses_.size(); ++k) {
            double const r = doses_[k].mean - point.linear.bottom - (point.linear.top - point.linear.bottom) * g_[k];
            point.sse += doses_[k].count * r * r;
        }
        return point;
    }

    struct Slopes {
        double b, m, bb, bm, mm;  // first and second derivatives of the projected sum of squares
    };
    Slopes slopes(Point const& point) const {
        double const slope = exp(point.log_slope);
        double const amplitude = point.linear.top - point.linear.bottom;
        double const u_m = -ln_10 * slope;
        if (basis_slope_ != slope || basis_midpoint_ != point.midpoint) fill_basis(slope, point.midpoint);
        double s_b = 0.0, s_m = 0.0, h_bb = 0.0, h_bm = 0.0, h_mm = 0.0;
        double t_b = 0.0, t_m = 0.0, d_b = 0.0, d_m = 0.0, tt = 0.0, td = 0.0, dd = 0.0;
        for (std::size_t k = 0; k < doses_.size(); ++k) {
            Dose const& dose = doses_[k];
            double const u = u_[k];
            double const g = g_[k];
            double const r = dose.mean - point.linear.bottom - amplitude * g;
            double const w = g * (1.0 - g);
            double const bend = w * (1.0 - 2.0 * g);
            double const g_b = w * u;
            double const g_m = w * u_m;
            s_b -= dose.count * r * g_b;
            s_m -= dose.count * r * g_m;
            h_bb += dose.count * (amplitude * g_b * g_b - r * (bend * u * u + w * u));
            h_bm += dose.count * (amplitude * g_b * g_m - r * (bend * u + w) * u_m);
            h_mm += dose.count * (amplitude * g_m * g_m - r * bend * u_m * u_m);
            t_b += dose.count * (amplitude * g - r) * g_b;
            t_m += dose.count * (amplitude * g - r) * g_m;
            d_b += dose.count * (amplitude * (1.0 - g) + r) * g_b;
            d_m += dose.count * (amplitude * (1.0 - g) + r) * g_m;
            tt += dose.count * g * g;
            td += dose.count * g * (1.0 - g);
            dd += dose.count * (1.0 - g) * (1.0 - g);
        }
        Slopes out{2.0 * amplitude * s_b, 2.0 * amplitude * s_m, amplitude * h_bb, amplitude * h_bm, amplitude * h_mm};
        // What the free linear parameters take away when they follow.
        auto const take = [&](double bb, double bm, double mm) {
            out.bb -= bb;
            out.bm -= bm;
            out.mm -= mm;
        };
        double const determinant = tt * dd - td * td;
        if (point.linear.top_free && point.linear.bottom_free && determinant > 0.0) {
            auto const quadratic = [&](double t1, double d1, double t2, double d2) {
                return (t1 * (dd * t2 - td * d2) + d1 * (tt * d2 - td * t2)) / determinant;
            };
            take(quadratic(t_b, d_b, t_b, d_b), quadratic(t_b, d_b, t_m, d_m), quadratic(t_m, d_m, t_m, d_m));
        } else if (point.linear.top_free && tt > 0.0) {
            take(t_b * t_b / tt, t_b * t_m / tt, t_m * t_m / tt);
        } else if (point.linear.bottom_free && dd > 0.0) {
            take(d_b * d_b / dd, d_b * d_m / dd, d_m * d_m / dd);
        }
        out.bb *= 2.0;
        out.bm *= 2.0;
        out.mm *= 2.0;
        return out;
    }

 private:
    void fill_basis(double slope, double midpoint) const {
        basis_slope_ = slope;
        basis_midpoint_ = midpoint;
        for (std::size_t k = 0; k < doses_.size(); ++k) u_[k] = logistic_argument(doses_[k].x, slope, midpoint);
        for (std::size_t k = 0; k < doses_.size(); ++k) g_[k] = logistic(u_[k]);
    }

    std::vector<Dose> const& doses_;
    LogisticBounds const& bounds_;
    // Of the point looked at last: its derivatives are mostly asked for next.
    mutable double basis_slope_ = 0.0, basis_midpoint_ = 0.0;
    mutable std::vector<double> u_, g_;
};

struct Refined {
    Point point;
    double gradient = 0.0;
};

// Newton's steps within the box, each of which lowers the sum of squares. Given up once the quadratic model, which near a minimum is nearly
// the truth, leaves the sum far above `best`, that of another minimum.
Refined refine(Projection const& problem, Point point, Range log_slope, Range midpoint, double best) {
    Refined out{point, 0.0};
    for (int step = 0; step < 100; ++step) {
        auto const d = problem.slopes(out.point);
        auto const held = [](double value, double derivative, Range range) {
            return range.fixed() || (value <= range.lo && derivative >= 0.0) || (value >= range.hi && derivative <= 0.0);
        };
        bool const hold_b = held(out.point.log_slope, d.b, log_slope);
        bool const hold_m = held(out.point.midpoint, d.m, midpoint);
        out.gradient = std::max(hold_b ? 0.0 : std::fabs(d.b), hold_m ? 0.0 : std::fabs(d.m));
        if (hold_b && hold_m) return out;
        double p_b = 0.0, p_m = 0.0;
        bool convex = true;
        if (hold_m) {
            convex = d.bb > 0.0;
            p_b = -d.b / (d.bb > 0.0 ? d.bb : std::fabs(d.bb) + std::fabs(d.b));
        } else if (hold_b) {
            convex = d.mm > 0.0;
            p_m = -d.m / (d.mm > 0.0 ? d.mm : std::fabs(d.mm) + std::fabs(d.m));
        } else {
            // Along each eigenvector of the Hessian by the magnitude of its eigenvalue: away from a minimum, down where it bends down.
            double const centre = 0.5 * (d.bb + d.mm);
            double const half = 0.5 * (d.bb - d.mm);
            double const spread = std::sqrt(half * half + d.bm * d.bm);
            convex = centre > spread;
            double const large = std::fabs(centre) + spread;
            if (!(large > 0.0)) return out;
            // The eigenvector of centre + spread, from the row that loses no digits.
            double v_b = half >= 0.0 ? half + spread : d.bm;
            double v_m = half >= 0.0 ? d.bm : spread - half;
            double const length = std::sqrt(v_b * v_b + v_m * v_m);
            v_b = length > 0.0 ? v_b / length : 1.0;
            v_m = length > 0.0 ? v_m / length : 0.0;
            double const along = -(d.b * v_b + d.m * v_m) / std::max(std::fabs(centre + spread), 1e-9 * large);
            double const across = -(d.m * v_b - d.b * v_m) / std::max(std::fabs(centre - spread), 1e-9 * large);
            p_b = along * v_b - across * v_m;
            p_m = along * v_m + across * v_b;
        }
        double const longest = std::max(std::fabs(p_b), std::fabs(p_m));
        // Newton's last step: what it promises is lost in rounding, and the next would be its square.
        double const promised = -0.5 * (p_b * d.b + p_m * d.m);
        if (convex && longest < 0.5 && out.point.sse - 4.0 * promised > best) return out;
        if (convex && promised <= 1e-10 * out.point.sse && longest < 1e-3) {
            Point const last = problem.at(clamped(out.point.log_slope + p_b, log_slope), clamped(out.point.midpoint + p_m, midpoint));
            if (last.sse <= out.point.sse * (1.0 + 1e-13)) out.point = last;
            return out;
        }
        if (!(longest > 1e-12)) return out;
        double scale = std::min(1.0, 1.0 / longest);
        bool better = false;
        Point const from = out.point;
        for (int half = 0; half < 40; ++half, scale *= 0.5) {
            Point const next = problem.at(clamped(from.log_slope + scale * p_b, log_slope), clamped(from.midpoint + scale * p_m, midpoint));
            if (next.sse < out.point.sse) {
                better = true;
                out.point = next;
                // Where the surface bends down its slope grows as fast as its bend, and the step says nothing of how far down goes:
                // further, while it goes.
                while (!convex && half == 0 && 2.0 * scale * longest < 1.0) {
                    scale *= 2.0;
                    Point const further =
                        problem.at(clamped(from.log_slope + scale * p_b, log_slope), clamped(from.midpoint + scale * p_m, midpoint));
                    if (!(further.sse < out.point.sse)) break;
                    out.point = further;
                }
                break;
            }
            if (longest * scale < 1e-12) break;
        }
        if (!better) return out;
    }
    return out;
}

std::vector<double> steps_between(Range range, std::size_t count) {
    if (range.fixed()) return {range.lo};
    std::vector<double> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(range.lo + (range.hi - range.lo) * static_cast<double>(i) / static_cast<double>(count - 1));
    return out;
}

bool before(Point const& a, Point const& b) {
    if (std::fabs(a.sse - b.sse) > tie) return a.sse < b.sse;
    if (std::fabs(a.log_slope - b.log_slope) > 1e-9) return a.log_slope < b.log_slope;
    return a.midpoint < b.midpoint;
}

}  // namespace

Doses Doses::of(std::span<double const> x, std::span<double const> y) {
    std::vector<std::size_t> order(x.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // By dose and then response, so that the order in which wells arrive does not show in the last bit of a mean.
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] != x[b] ? x[a] < x[b] : y[a] < y[b]; });
    Doses out;
    out.observations = x.size();
    for (std::size_t i = 0; i < order.size();) {
        std::size_t j = i;
        double sum = 0.0;
        for (; j < order.size() && x[order[j]] == x[order[i]]; ++j) sum += y[order[j]];
        double const centre = sum / static_cast<double>(j - i);
        for (std::size_t k = i; k < j; ++k) out.pure_error += (y[order[k]] - centre) * (y[order[k]] - centre);
        out.doses.push_back({x[order[i]], static_cast<double>(j - i), centre});
        i = j;
    }
    return out;
}

double LogisticFit::operator()(double x) const { return bottom + (top - bottom) * logistic(logistic_argument(x, slope, midpoint)); }

LogisticGrid::LogisticGrid(std::span<Dose const> doses, LogisticBounds const& bounds)
    : bounds_(bounds),
      doses_(doses.begin(), doses.end()),
      slopes_(steps_between({log(bounds.slope.lo), log(bounds.slope.hi)}, slope_steps)),
      midpoints_(steps_between(bounds.midpoint, midpoint_steps)) {
    std::size_t const nodes = slopes_.size() * midpoints_.size();
    basis_.resize(nodes * doses.size());
    sum_g_.resize(nodes);
    sum_gg_.resize(nodes);
    for (std::size_t k = 0; k < doses.size(); ++k)
        for (std::size_t i = 0; i < slopes_.size(); ++i)
            for (std::size_t j = 0; j < midpoints_.size(); ++j) {
                std::size_t const node = i * midpoints_.size() + j;
                double const g = logistic(logistic_argument(doses[k].x, exp(slopes_[i]), midpoints_[j]));
                basis_[k * nodes + node] = doses[k].count * g;
                sum_g_[node] += doses[k].count * g;
                sum_gg_[node] += doses[k].count * g * g;
            }
    double n = 0.0;
    for (Dose const& dose : doses) n += dose.count;
    for (std::size_t node = 0; node < nodes; ++node) {
        inverse_.push_back(1.0 / (sum_gg_[node] + 1e-300));
        // 0 where g is the same at every dose: nothing is explained there.
        double const centred = sum_gg_[node] - sum_g_[node] * sum_g_[node] / n;
        centred_inverse_.push_back(centred > 1e-12 * sum_gg_[node] ? 1.0 / centred : 0.0);
    }
}

bool LogisticGrid::serves(std::span<Dose const> doses, LogisticBounds const& bounds) const {
    auto const same = [](Range a, Range b) { return a.lo == b.lo && a.hi == b.hi; };
    return same(bounds.slope, bounds_.slope) && same(bounds.midpoint, bounds_.midpoint) &&
           std::equal(doses.begin(), doses.end(), doses_.begin(), doses_.end(),
                      [](Dose const& a, Dose const& b) { return a.x == b.x && a.count == b.count; });
}

LogisticFit LogisticGrid::fit(Doses const& doses, LogisticBounds const& bounds) const {
    std::size_t const wide = midpoints_.size();
    std::size_t const nodes = slopes_.size() * wide;
    thread_local std::vector<double> room;
    room.assign(2 * nodes, 0.0);
    double* const sum_gy = room.data();
    double* const sse = sum_gy + nodes;
    double n = 0.0, y = 0.0, yy = 0.0;
    for (Dose const& dose : doses.doses) {
        n += dose.count;
        y += dose.count * dose.mean;
        yy += dose.count * dose.mean * dose.mean;
    }
    // Two doses at a time: the sums go half as often through memory.
    std::size_t k = 0;
    for (; k + 1 < doses_.size(); k += 2) {
        double const* const one = basis_.data() + k * nodes;
        double const* const other = one + nodes;
        double const of_one = doses.doses[k].mean;
        double const of_other = doses.doses[k + 1].mean;
        for (std::size_t node = 0; node < nodes; ++node) sum_gy[node] += one[node] * of_one + other[node] * of_other;
    }
    if (k < doses_.size()) {
        double const* const last = basis_.data() + k * nodes;
        double const of_last = doses.doses[k].mean;
        for (std::size_t node = 0; node < nodes; ++node) sum_gy[node] += last[node] * of_last;
    }
    bool const free =
        bounds.top.lo <= -unbounded && bounds.top.hi >= unbounded && bounds.bottom.lo <= -unbounded && bounds.bottom.hi >= unbounded;
    if (bounds.bottom.fixed()) {
        double const bottom = bounds.bottom.lo;
        double const lo = bounds.top.lo - bottom;
        double const hi = bounds.top.hi - bottom;
        double const rest = yy - 2.0 * bottom * y + bottom * bottom * n;
        for (std::size_t node = 0; node < nodes; ++node) {
            double const gy = sum_gy[node] - bottom * sum_g_[node];
            double const gg = sum_gg_[node];
            double amplitude = gy * inverse_[node];
            amplitude = amplitude < lo ? lo : amplitude;
            amplitude = amplitude > hi ? hi : amplitude;
            sse[node] = rest + amplitude * (amplitude * gg - 2.0 * gy);
        }
    } else if (free) {
        double const rest = yy - y * y / n;
        double const centre = y / n;
        for (std::size_t node = 0; node < nodes; ++node) {
            double const gy = sum_gy[node] - sum_g_[node] * centre;
            sse[node] = rest - gy * gy * centred_inverse_[node];
        }
    } else {
        for (std::size_t node = 0; node < nodes; ++node) {
            double const gg = sum_gg_[node];
            double const g = sum_g_[node];
            Normal const sums{gg, g - gg, n - 2.0 * g + gg, sum_gy[node], y - sum_gy[node], yy};
            auto const linear = solve(sums, bounds);
            sse[node] = sums.sse(linear.top, linear.bottom);
        }
    }

    Projection const problem{doses, bounds};
    Range const log_slope{slopes_.front(), slopes_.back()};
    Range const midpoint{midpoints_.front(), midpoints_.back()};
    LogisticFit out;
    Refined best;
    double runner_up = infinite;
    for (std::size_t i = 0; i < slopes_.size(); ++i)
        for (std::size_t j = 0; j < wide; ++j) {
            double const here = sse[i * wide + j];
            // Most nodes have a lower neighbour beside them.
            if ((j > 0 && sse[i * wide + j - 1] < here) || (j + 1 < wide && sse[i * wide + j + 1] < here)) continue;
            bool least = true;
            for (std::size_t ii = i == 0 ? 0 : i - 1; least && ii <= std::min(i + 1, slopes_.size() - 1); ++ii)
                for (std::size_t jj = j == 0 ? 0 : j - 1; jj <= std::min(j + 1, wide - 1); ++jj) {
                    double const there = sse[ii * wide + jj];
                    bool const earlier = ii < i || (ii == i && jj < j);
                    if (there < here || (earlier && there == here)) least = false;  // of a plateau only its first node
                }
            if (!least) continue;
            ++out.grid_minima;
            auto const refined = refine(problem, problem.at(slopes_[i], midpoints_[j]), log_slope, midpoint, best.point.sse);
            bool const first = best.point.sse == infinite;
            bool const another = !first && (std::fabs(refined.point.log_slope - best.point.log_slope) > 1e-6 ||
                                            std::fabs(refined.point.midpoint - best.point.midpoint) > 1e-6);
            if (first || before(refined.point, best.point)) {
                if (another) runner_up = std::min(runner_up, best.point.sse);
                best = refined;
            } else if (another) {
                runner_up = std::min(runner_up, refined.point.sse);
            }
        }
    Point const& found = best.point;
    out.slope = clamped(exp(found.log_slope), bounds.slope);
    out.midpoint = found.midpoint;
    out.top = found.linear.top;
    out.bottom = found.linear.bottom;
    out.sse = found.sse + doses.pure_error;
    out.runner_up_sse = runner_up + doses.pure_error;
    out.gradient = best.gradient;
    auto const bound_hit = [](double value, Range range) { return !range.fixed() && (value <= range.lo || value >= range.hi); };
    out.slope_at_bound = bound_hit(found.log_slope, log_slope);
    out.midpoint_at_bound = bound_hit(found.midpoint, midpoint);
    out.top_at_bound = bound_hit(out.top, bounds.top);
    out.bottom_at_bound = bound_hit(out.bottom, bounds.bottom);
    return out;
}

LogisticGrid const& LogisticGrid::of(std::span<Dose const> doses, LogisticBounds const& bounds) {
    // The curves of a plate have the same doses, and mostly two sets of bounds.
    thread_local std::vector<std::unique_ptr<LogisticGrid>> made;
    for (auto const& grid : made)
        if (grid->serves(doses, bounds)) return *grid;
    if (made.size() == grids_kept_max) made.erase(made.begin());
    made.push_back(std::make_unique<LogisticGrid>(doses, bounds));
    return *made.back();
}

LogisticFit fit_logistic(Doses const& doses, LogisticBounds const& bounds) {
    if (bounds.midpoint.fixed()) return LogisticGrid{doses.doses, bounds}.fit(doses, bounds);
    return LogisticGrid::of(doses.doses, bounds).fit(doses, bounds);
}

double profile_sse(Doses const& doses, LogisticBounds const& bounds, double midpoint) {
    LogisticBounds held = bounds;
    held.midpoint = {midpoint, midpoint};
    return fit_logistic(doses, held).sse;
}

LogisticBounds wide_bounds(Doses const& doses) {
    double lo = infinite, hi = -infinite;
    for (Dose const& dose : doses.doses) {
        if (std::isinf(dose.x)) continue;
        lo = std::min(lo, dose.x);
        hi = std::max(hi, dose.x);
    }
    LogisticBounds bounds;
    bounds.midpoint = {lo - 2.0, hi + 2.0};
    return bounds;
}

}  // namespace marrowlink::analysis
