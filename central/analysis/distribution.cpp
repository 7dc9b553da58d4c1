#include "central/analysis/distribution.hpp"

#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

namespace marrowlink::analysis {
namespace {
// A wrong argument gives NaN, never an exception.
using Policy = boost::math::policies::policy<boost::math::policies::domain_error<boost::math::policies::ignore_error>,
                                             boost::math::policies::pole_error<boost::math::policies::ignore_error>,
                                             boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
                                             boost::math::policies::evaluation_error<boost::math::policies::ignore_error>>;
using Normal = boost::math::normal_distribution<double, Policy>;
using Student = boost::math::students_t_distribution<double, Policy>;
using FisherF = boost::math::fisher_f_distribution<double, Policy>;
}  // namespace

double normal_cdf(double z) { return boost::math::cdf(Normal{}, z); }
double normal_density(double z) { return boost::math::pdf(Normal{}, z); }
double normal_quantile(double p) { return boost::math::quantile(Normal{}, p); }
double normal_two_sided(double z) { return std::fmin(1.0, 2.0 * boost::math::cdf(Normal{}, -std::fabs(z))); }
double student_two_sided(double t, double df) {
    if (std::isnan(t)) return t;
    return std::isinf(t) ? 0.0 : 2.0 * boost::math::cdf(Student{df}, -std::fabs(t));
}
double student_quantile(double p, double df) { return boost::math::quantile(Student{df}, p); }
double f_upper(double f, double df1, double df2) {
    if (std::isnan(f)) return f;
    return std::isinf(f) ? 0.0 : boost::math::cdf(boost::math::complement(FisherF{df1, df2}, std::fmax(f, 0.0)));
}
double f_quantile(double p, double df1, double df2) { return boost::math::quantile(FisherF{df1, df2}, p); }

}  // namespace marrowlink::analysis
