// Distributions of test statistics; the one way to Boost.Math.
#pragma once

namespace marrowlink::analysis {

double normal_cdf(double z);
double normal_density(double z);
double normal_quantile(double p);               // p in (0, 1)
double normal_two_sided(double z);              // P(|Z| >= |z|)
double student_two_sided(double t, double df);  // P(|T| >= |t|)
double student_quantile(double p, double df);
double f_upper(double f, double df1, double df2);  // P(F >= f)
double f_quantile(double p, double df1, double df2);

}  // namespace marrowlink::analysis
