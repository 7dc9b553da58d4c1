#include "central/analysis/strd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace marrowlink::analysis {
namespace {

std::vector<double> numbers_in(std::string_view line) {
    std::vector<double> out;
    char const* at = line.data();
    char const* const end = line.data() + line.size();
    while (at != end) {
        if (*at == ' ' || *at == '\t' || *at == '+') {
            ++at;
            continue;
        }
        double value = 0.0;
        auto const [next, fault] = std::from_chars(at, end, value);
        if (fault != std::errc{}) return {};
        out.push_back(value);
        at = next;
    }
    return out;
}

std::vector<std::string_view> lines_of(std::string_view bytes) {
    std::vector<std::string_view> out;
    while (!bytes.empty()) {
        auto const end = bytes.find('\n');
        auto line = bytes.substr(0, end);
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
        out.push_back(line);
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    }
    return out;
}

std::string_view without_margin(std::string_view line) {
    auto const first = line.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view{} : line.substr(first);
}

}  // namespace

Result<StrdDataset> read_strd(std::string_view bytes, std::string const& name) {
    StrdDataset out;
    std::string formula;
    enum class Part { heading, model, parameters, data } part = Part::heading;
    for (std::string_view const written : lines_of(bytes)) {
        auto const line = without_margin(written);
        if (line.starts_with("Dataset Name:"))
            out.name = std::string{without_margin(line.substr(13)).substr(0, without_margin(line.substr(13)).find(' '))};
        if (line.ends_with("Level of Difficulty")) out.level = std::string{line.substr(0, line.find(' '))};
        if (line.starts_with("Model:")) {
            part = Part::model;
        } else if (part == Part::model && (line.starts_with("Starting values") || line.starts_with("Starting Values"))) {
            part = Part::parameters;
        } else if (part == Part::model) {
            if (formula.empty() && line.starts_with("y") && line.find('=') != std::string_view::npos)
                formula = line.substr(line.find('=') + 1);
            else if (!formula.empty())
                formula += std::string{" "} + std::string{line};
        } else if (part == Part::parameters && line.starts_with("b") && line.find('=') != std::string_view::npos) {
            auto const values = numbers_in(line.substr(line.find('=') + 1));
            if (values.size() != 4)
                return fail(
                    Fault::refused,
                    fmt::format("{}: \"{}\" should give two starting values, the certified value and its standard deviation.", name, line));
            out.parameters.push_back(
                {std::string{without_margin(line.substr(0, line.find('=')))}, {values[0], values[1]}, values[2], values[3]});
            while (out.parameters.back().name.ends_with(' ')) out.parameters.back().name.pop_back();
        } else if (line.starts_with("Residual Sum of Squares:")) {
            if (auto const values = numbers_in(line.substr(24)); values.size() == 1) out.certified_rss = values[0];
        } else if (line.starts_with("Residual Standard Deviation:")) {
            if (auto const values = numbers_in(line.substr(28)); values.size() == 1) out.certified_residual_sd = values[0];
        } else if (part == Part::parameters && line.starts_with("Data:")) {
            part = Part::data;
        } else if (part == Part::data && !line.empty()) {
            auto const values = numbers_in(line);
            if (values.size() != 2)
                return fail(Fault::refused, fmt::format("{}: \"{}\" in the data should be two numbers, y and x.", name, line));
            out.y.push_back(values[0]);
            out.x.push_back(values[1]);
        }
    }
    // What the model ends with, "+ e", is the error.
    auto const last = formula.find_last_not_of(' ');
    if (formula.empty() || last == std::string::npos || formula[last] != 'e')
        return fail(Fault::refused, name + ": a model \"y = … + e\" is expected under \"Model:\".");
    formula.erase(formula.find_last_of('+', last));
    out.model_text = formula;
    auto model = Expression::parse(formula);
    if (!model) return fail(Fault::refused, fmt::format("{}: {}", name, model.error().message));
    out.model = *model;
    if (out.parameters.size() != out.model.parameters() || out.y.size() <= out.parameters.size())
        return fail(Fault::refused,
                    fmt::format("{} has {} parameters with starting values and {} observations; its model has {} parameters.", name,
                                out.parameters.size(), out.y.size(), out.model.parameters()));
    return out;
}

StrdFit fit_strd(StrdDataset const& dataset, std::size_t start) {
    Model const model = [&](std::size_t i, std::span<Jet const> b) { return dataset.model(dataset.x[i], b); };
    std::vector<double> from;
    for (StrdParameter const& parameter : dataset.parameters) from.push_back(parameter.start[start]);
    StrdFit out{least_squares(model, dataset.y, from), {}, 0.0};
    double const df = static_cast<double>(dataset.y.size() - from.size());
    out.residual_sd = std::sqrt(out.fit.sse / df);
    auto const of_parameters = covariance(model, dataset.y, out.fit.parameters, out.fit.sse / df, Information::gauss_newton);
    for (std::size_t p = 0; p < of_parameters.rows(); ++p) out.sd.push_back(std::sqrt(of_parameters(p, p)));
    return out;
}

double log_relative_error(double value, double certified) {
    if (value == certified) return 11.0;
    if (!std::isfinite(value)) return 0.0;
    double const relative = certified == 0.0 ? std::fabs(value) : std::fabs(value - certified) / std::fabs(certified);
    return std::clamp(-log10(relative), 0.0, 11.0);
}

}  // namespace marrowlink::analysis
