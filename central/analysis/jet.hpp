// Numbers that carry their first and second derivatives by up to nine parameters, so that Jacobians and Hessians are exact.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include "central/analysis/elementary.hpp"

namespace marrowlink::analysis {

struct Jet {
    static constexpr std::size_t parameters_max = 9;
    double v = 0.0;
    std::array<double, parameters_max> d{};
    std::array<double, parameters_max*(parameters_max + 1) / 2> dd{};  // [i (i + 1) / 2 + j], j <= i

    Jet(double value = 0.0) : v(value) {}
    static Jet parameter(double value, std::size_t which) {
        Jet out{value};
        out.d[which] = 1.0;
        return out;
    }
    double second(std::size_t i, std::size_t j) const { return i >= j ? dd[i * (i + 1) / 2 + j] : dd[j * (j + 1) / 2 + i]; }

    // f(this) for a function with this value and these derivatives here.
    Jet through(double value, double first, double second_derivative) const {
        Jet out{value};
        for (std::size_t i = 0, k = 0; i < parameters_max; ++i) {
            out.d[i] = first * d[i];
            for (std::size_t j = 0; j <= i; ++j, ++k) out.dd[k] = first * dd[k] + second_derivative * d[i] * d[j];
        }
        return out;
    }
};

inline Jet operator+(Jet a, Jet const& b) {
    a.v += b.v;
    for (std::size_t i = 0; i < a.d.size(); ++i) a.d[i] += b.d[i];
    for (std::size_t i = 0; i < a.dd.size(); ++i) a.dd[i] += b.dd[i];
    return a;
}
inline Jet operator-(Jet const& a) { return a.through(-a.v, -1.0, 0.0); }
inline Jet operator-(Jet const& a, Jet const& b) { return a + -b; }
inline Jet operator*(Jet const& a, Jet const& b) {
    Jet out{a.v * b.v};
    for (std::size_t i = 0, k = 0; i < a.d.size(); ++i) {
        out.d[i] = a.d[i] * b.v + a.v * b.d[i];
        for (std::size_t j = 0; j <= i; ++j, ++k) out.dd[k] = a.dd[k] * b.v + a.v * b.dd[k] + a.d[i] * b.d[j] + a.d[j] * b.d[i];
    }
    return out;
}
inline Jet reciprocal(Jet const& a) { return a.through(1.0 / a.v, -1.0 / (a.v * a.v), 2.0 / (a.v * a.v * a.v)); }
inline Jet operator/(Jet const& a, Jet const& b) { return a * reciprocal(b); }
inline Jet exp(Jet const& a) {
    double const value = exp(a.v);
    return a.through(value, value, value);
}
inline Jet log(Jet const& a) { return a.through(log(a.v), 1.0 / a.v, -1.0 / (a.v * a.v)); }
inline Jet sin(Jet const& a) { return a.through(sin(a.v), cos(a.v), -sin(a.v)); }
inline Jet cos(Jet const& a) { return a.through(cos(a.v), -sin(a.v), -cos(a.v)); }
inline Jet sqrt(Jet const& a) {
    double const root = std::sqrt(a.v);
    return a.through(root, 0.5 / root, -0.25 / (root * a.v));
}
inline Jet atan(Jet const& a) {
    double const one = 1.0 + a.v * a.v;
    return a.through(std::atan(a.v), 1.0 / one, -2.0 * a.v / (one * one));
}
inline Jet pow(Jet const& a, double n) { return a.through(pow(a.v, n), n * pow(a.v, n - 1.0), n * (n - 1.0) * pow(a.v, n - 2.0)); }
inline Jet pow(Jet const& a, Jet const& b) {
    bool constant = true;
    for (double const slope : b.d) constant = constant && slope == 0.0;
    return constant ? pow(a, b.v) : exp(b * log(a));
}

}  // namespace marrowlink::analysis
