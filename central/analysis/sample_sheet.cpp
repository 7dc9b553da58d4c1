#include "central/analysis/sample_sheet.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "central/analysis/layout.hpp"

namespace marrowlink::analysis {
namespace {
constexpr std::string_view columns[] = {"subject", "timepoint", "compartment", "medium", "hours_to_test", "readout"};
constexpr std::size_t mandatory = 5;
constexpr std::string_view compartments[] = {"bone marrow", "blood"};

bool pseudonym(std::string_view text) {
    bool const formed = text.size() >= 2 && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
                            return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
                        });
    return formed && text.find_first_of("0123456789") != std::string_view::npos;
}
}  // namespace

std::string_view name_of(Timepoint timepoint) {
    constexpr std::string_view names[] = {"", "diagnosis", "relapse"};
    return names[static_cast<std::size_t>(timepoint)];
}

std::vector<std::string_view> SampleSheet::missing() const {
    std::string_view const items[mandatory] = {subject, name_of(timepoint), compartment, medium, hours_to_test};
    std::vector<std::string_view> out;
    for (std::size_t i = 0; i < mandatory; ++i)
        if (items[i].empty()) out.push_back(columns[i]);
    return out;
}

Result<SampleSheet> SampleSheet::read(std::string_view bytes, std::string name) {
    auto const table = annotation_table(bytes, std::move(name), columns);
    if (!table) return fail(table.error());
    if (table->rows() != 1)
        return fail(Fault::refused,
                    fmt::format("{} has {} rows below its heading; a plate's sample sheet has one.", table->name(), table->rows()));
    auto const cell = [&](std::string_view column) { return table->has(column) ? table->text(0, *table->find(column)) : std::string{}; };
    auto const refuse = [&](std::string_view column, std::string_view why) {
        return fail(Fault::refused, fmt::format("{}: {}", table->place(0, *table->find(column)), why));
    };
    SampleSheet sheet{cell("subject"), Timepoint::unknown, cell("compartment"), cell("medium"), cell("hours_to_test"), cell("readout")};
    if (!sheet.subject.empty() && !pseudonym(sheet.subject))
        return refuse("subject", "it is no pseudonym; one has capitals, digits and hyphens, with at least one digit, as ALL-0042.");
    std::string const timepoint = cell("timepoint");
    for (Timepoint const known : {Timepoint::diagnosis, Timepoint::relapse})
        if (timepoint == name_of(known)) sheet.timepoint = known;
    if (!timepoint.empty() && sheet.timepoint == Timepoint::unknown)
        return refuse("timepoint", fmt::format("\"{}\" is neither diagnosis nor relapse.", timepoint));
    if (!sheet.compartment.empty() &&
        std::find(std::begin(compartments), std::end(compartments), sheet.compartment) == std::end(compartments))
        return refuse("compartment", fmt::format("\"{}\" is neither bone marrow nor blood.", sheet.compartment));
    if (!sheet.hours_to_test.empty()) {
        auto const hours = table->number(0, *table->find("hours_to_test"));
        if (!hours) return fail(hours.error());
        if (!(*hours >= 0.0 && *hours < 1e6))
            return refuse("hours_to_test", fmt::format("\"{}\" is no number of hours.", sheet.hours_to_test));
    }
    return sheet;
}

}  // namespace marrowlink::analysis
