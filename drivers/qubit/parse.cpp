#include "drivers/qubit/parse.hpp"

#include <fmt/format.h>

#include "drivers/list_table.hpp"

namespace marrowlink {

namespace qubit {

namespace {

constexpr std::string_view keys[] = {"Run ID", "Assay Name", "Test Name", "Test Date", "Emission"};
constexpr std::string_view derived[] = {"Qubit® tube conc.", "Qubit® tube conc. Units", "Original sample conc.",
                                        "Original sample conc. Units"};
constexpr std::string_view context[] = {"Sample Volume (µL)", "Dilution Factor", "Std 1 RFU", "Std 2 RFU", "Std 3 RFU", "Excitation"};

struct Channel {
    std::string_view emission, column;
};
constexpr Channel channels[] = {{"Green", "Green RFU"}, {"Far Red", "Far Red RFU"}};

bool is_fluorescence(std::string_view column) { return column == channels[0].column || column == channels[1].column; }

constexpr ListForm form{keys, is_fluorescence, derived, context, {}, {}, "Units"};

Result<void> read_row(ListTable& list, ListTable::Row const& row, Document& document) {
    std::string_view const test = list.cell(row, "Test Name"), emission = list.cell(row, "Emission");
    if (test.empty()) return list.wrong(row, "the test has no name");
    bool known = false;
    for (auto const& channel : channels) {
        auto reading = list.reading(row, channel.column);
        if (!reading) return fail(std::move(reading.error()));
        bool const read = emission == channel.emission;
        known = known || read;
        if (reading->has_value() != read)
            return list.wrong(row, fmt::format("the emission is {}, and {} has {}", in_quotes(emission), in_quotes(channel.column),
                                               read ? "no value" : "one"));
        if (!read) continue;
        (*reading)->plate = list.cell(row, "Run ID");
        (*reading)->read = channel.column;
        (*reading)->well = test;
        (*reading)->unit = "RFU";
        document.readings.push_back(**std::move(reading));
    }
    if (!known) return list.wrong(row, fmt::format("the emission {} is not known here (Green, Far Red)", in_quotes(emission)));
    return {};
}

Result<void> fill(TextTable const&, ListTable& list, Document& document) {
    document.format = "thermo-qubit4";
    for (auto const& row : list.rows())
        if (auto done = read_row(list, row, document); !done) return done;
    document.plate = list.cell(list.rows().front(), "Run ID");
    document.started = list.cell(list.rows().front(), "Test Date");
    return {};
}

bool recognises(std::string_view bytes) { return has_list(bytes, form); }

Completeness completeness(std::string_view bytes) { return completeness_of(read_list(bytes, form, fill)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read_list(bytes, form, fill), "Qubit export"); }

}  // namespace

}  // namespace qubit

ExportFormat const& qubit_format() {
    static constexpr ExportFormat format{"thermo-qubit4", "Thermo Qubit 4 export", qubit::recognises, qubit::completeness, qubit::parse,
                                         nullptr};
    return format;
}

}  // namespace marrowlink
