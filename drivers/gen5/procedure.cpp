#include "drivers/gen5/procedure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "drivers/gen5/cell.hpp"

namespace marrowlink::gen5 {

namespace {

struct FilterSet {
    std::string_view excitation, emission;
};

// One "Read" step with the lines that describe it.
struct Step {
    std::string_view name;  // empty when the step is called by its mode only
    std::string_view mode;  // "Absorbance Endpoint"
    bool kinetic = false;
    std::uint64_t reads = 0;
    bool full_plate = false, polarization = false;
    std::uint32_t first_row = 0, last_row = 0;
    std::vector<std::string_view> wavelengths;
    std::vector<FilterSet> filters;
    std::string_view pathlength, stop;
};

struct KnownMode {
    std::string_view mode;
    std::string_view unit;
    Shape shape;
};
constexpr KnownMode known_modes[] = {
    {"Absorbance Endpoint", "OD", Shape::endpoint},
    {"Fluorescence Endpoint", "RFU", Shape::endpoint},
    {"Luminescence Endpoint", "RLU", Shape::endpoint},
    {"Absorbance Spectrum", "OD", Shape::spectrum},
};

KnownMode const* known(std::string_view mode) {
    auto const* const found = std::find_if(std::begin(known_modes), std::end(known_modes), [&](auto const& k) { return k.mode == mode; });
    return found == std::end(known_modes) ? nullptr : found;
}

// "Key: value" → value; nothing when the text begins otherwise.
std::optional<std::string_view> value_of(std::string_view text, std::string_view key) {
    if (!text.starts_with(key) || text.size() <= key.size() || text[key.size()] != ':') return std::nullopt;
    return trimmed(text.substr(key.size() + 1));
}

// "485/20" → "485"
std::string_view without_bandwidth(std::string_view filter) { return filter.substr(0, filter.find('/')); }

// The centre of a filter or monochromator as decimal text; empty for "Full light", "Plug", "Hole".
std::string wavelength(std::string_view filter) {
    std::string_view const centre = without_bandwidth(filter);
    if (classify(centre).kind != CellKind::number) return {};
    std::string out{centre};
    std::replace(out.begin(), out.end(), ',', '.');
    return out;
}

void describe(Step& step, std::string_view detail) {
    if (detail == "Full Plate") step.full_plate = true;
    if (detail == "Fluorescence Polarization") step.polarization = true;
    if (std::size_t const dots = detail.find(".."); dots != std::string_view::npos) {
        auto const row = [](std::string_view well) { return row_number(well.substr(0, well.find_first_of("0123456789"))); };
        step.first_row = row(detail.substr(0, dots));
        step.last_row = row(detail.substr(dots + 2));
    }
    if (detail.starts_with("Filter Set ")) step.filters.push_back({});
    if (auto list = value_of(detail, "Wavelengths")) {
        while (!list->empty()) {
            std::size_t const comma = list->find(", ");
            step.wavelengths.push_back(trimmed(list->substr(0, comma)));
            *list = comma == std::string_view::npos ? std::string_view{} : list->substr(comma + 2);
        }
        return;
    }
    while (!detail.empty()) {
        std::size_t const gap = detail.find(",  ");
        std::string_view const item = trimmed(detail.substr(0, gap));
        detail = gap == std::string_view::npos ? std::string_view{} : detail.substr(gap + 3);
        if (auto const v = value_of(item, "Pathlength Correction")) step.pathlength = *v;
        if (auto const v = value_of(item, "Stop")) step.stop = without_bandwidth(v->substr(0, v->find(' ')));
        auto const excitation = value_of(item, "Excitation"), emission = value_of(item, "Emission");
        if ((excitation || emission) && step.filters.empty()) step.filters.push_back({});
        if (excitation) step.filters.back().excitation = *excitation;
        if (emission) step.filters.back().emission = *emission;
    }
}

std::uint64_t announced_reads(std::string_view start_kinetic) {
    std::size_t const end = start_kinetic.rfind(" Reads");
    if (end == std::string_view::npos) return 0;
    std::size_t const space = start_kinetic.rfind(' ', end - 1);
    std::string_view const digits = start_kinetic.substr(space + 1, end - space - 1);
    std::uint64_t reads = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), reads);
    return reads;
}

class Announcements {
 public:
    explicit Announcements(Procedure& procedure) : procedure_{procedure} {}

    Result<void> add(Step const& step) {
        KnownMode const* const mode = known(step.mode);
        if (!mode)
            return fail(Fault::refused,
                        fmt::format("Procedure Details: the read {} has the mode {}, which is not known here (known are {}).",
                                    in_quotes(step.name), in_quotes(step.mode), known_list()));
        DataSet set;
        set.unit = mode->unit;
        set.shape = step.kinetic ? Shape::kinetic : mode->shape;
        set.reads = step.reads;
        if (mode->shape == Shape::spectrum) {
            if (step.kinetic)
                return fail(Fault::refused, fmt::format("Procedure Details: {} is a spectrum inside a kinetic, which is not known here.",
                                                        in_quotes(step.name)));
            set.stop_nm = step.stop;
            return announce(step, set, {"Spectrum"}, "");
        }
        if (mode->unit == "OD") return absorbance(step, set);
        if (mode->unit == "RLU") return luminescence(step, set);
        return fluorescence(step, set);
    }

 private:
    static std::string known_list() {
        std::string list;
        for (auto const& k : known_modes) list += (list.empty() ? "" : ", ") + std::string{k.mode};
        return list;
    }

    Result<void> absorbance(Step const& step, DataSet set) {
        if (step.wavelengths.empty())
            return fail(Fault::refused,
                        fmt::format("Procedure Details: the absorbance read {} names no wavelength.", in_quotes(step.name)));
        for (auto const nm : step.wavelengths) {
            set.wavelength_nm = wavelength(nm);
            if (set.wavelength_nm.empty())
                return fail(Fault::refused, fmt::format("Procedure Details: {} is no wavelength.", in_quotes(nm)));
            if (auto done = announce(step, set, {std::string{nm}}, ""); !done) return done;
        }
        std::size_t const slash = step.pathlength.find('/');
        if (slash == std::string_view::npos) return {};
        set.optional = true;
        std::string_view const test = trimmed(step.pathlength.substr(0, slash)), reference = trimmed(step.pathlength.substr(slash + 1));
        set.wavelength_nm = wavelength(test);
        if (auto done = announce(step, set, {std::string{test}}, " [Test]"); !done) return done;
        set.wavelength_nm = wavelength(reference);
        return announce(step, set, {std::string{reference}}, " [Ref]");
    }

    Result<void> luminescence(Step const& step, DataSet set) {
        if (step.filters.empty()) return announce(step, set, {"Lum"}, "");
        for (auto const& filter : step.filters) {
            set.wavelength_nm = wavelength(filter.emission);
            std::vector<std::string> names = {"Lum"};
            if (!set.wavelength_nm.empty()) names = {std::string{filter.emission}, std::string{without_bandwidth(filter.emission)}};
            if (auto done = announce(step, set, std::move(names), ""); !done) return done;
        }
        return {};
    }

    Result<void> fluorescence(Step const& step, DataSet set) {
        if (step.filters.empty())
            return fail(Fault::refused,
                        fmt::format("Procedure Details: the fluorescence read {} names no filter set.", in_quotes(step.name)));
        std::vector<FilterSet> filters = step.filters;
        if (step.polarization) {
            // The two filter sets of a polarization read are the two directions of the same light.
            auto const same = [](FilterSet const& a, FilterSet const& b) {
                return a.excitation == b.excitation && a.emission == b.emission;
            };
            filters.erase(std::unique(filters.begin(), filters.end(), same), filters.end());
        }
        for (auto const& filter : filters) {
            set.excitation_nm = wavelength(filter.excitation);
            set.wavelength_nm = wavelength(filter.emission);
            std::vector<std::string> const names = {
                fmt::format("{},{}", filter.excitation, filter.emission),
                fmt::format("{},{}", without_bandwidth(filter.excitation), without_bandwidth(filter.emission))};
            if (!step.polarization) {
                if (auto done = announce(step, set, names, ""); !done) return done;
                continue;
            }
            for (std::string_view const direction : {" [Parallel]", " [Perpendicular]"})
                if (auto done = announce(step, set, names, direction); !done) return done;
        }
        return {};
    }

    Result<void> announce(Step const& step, DataSet set, std::vector<std::string> names, std::string_view suffix) {
        if (procedure_.sets.size() == data_sets_max)
            return fail(Fault::refused,
                        fmt::format("Procedure Details: more than {} data sets are announced for one plate.", data_sets_max));
        std::vector<std::string> spellings;
        for (auto const& name : names) {
            std::string const bare = name + std::string{suffix};
            if (!step.name.empty()) spellings.push_back(fmt::format("{}:{}", step.name, bare));
            spellings.push_back(bare);
        }
        set.label = spellings.front();
        if (set.label.size() > label_bytes_max)
            return fail(Fault::refused,
                        fmt::format("Procedure Details: the name {} has more than {} bytes.", in_quotes(set.label), label_bytes_max));
        for (auto const& spelling : spellings) {
            auto& owners = procedure_.spellings[spelling];
            if (owners.empty() || owners.back() != procedure_.sets.size()) owners.push_back(procedure_.sets.size());
        }
        procedure_.sets.push_back(std::move(set));
        return {};
    }

    Procedure& procedure_;
};

}  // namespace

std::string_view name_of(Shape shape) {
    switch (shape) {
        case Shape::endpoint: return "an endpoint read";
        case Shape::kinetic: return "a kinetic read";
        case Shape::spectrum: return "a spectrum";
    }
    return "a read";
}

Result<DataSet const*> Procedure::find(std::string_view label) const {
    auto const found = spellings.find(std::string{label});
    if (found == spellings.end()) return nullptr;
    std::size_t owner = found->second.front();
    if (found->second.size() > 1) {
        // The full name of one set may be the short name of another; its owner by full name comes first.
        auto const full = [&](std::size_t i) { return sets[i].label == label; };
        auto const matches = std::count_if(found->second.begin(), found->second.end(), full);
        if (matches != 1)
            return fail(Fault::refused,
                        fmt::format("The name {} could mean {} of the announced data sets; give the reads of the protocol different names.",
                                    in_quotes(label), found->second.size()));
        owner = *std::find_if(found->second.begin(), found->second.end(), full);
    }
    return &sets[owner];
}

bool Procedure::derives(std::string_view label) const {
    if (label.ends_with(']')) {
        // "[X]" may itself hold brackets: X = "FP Read:485,528 [Parallel]".
        std::size_t const open = label.find(" [");
        if (open != std::string_view::npos) label = label.substr(open + 2, label.size() - open - 3);
    }
    if (label.starts_with("Blank ")) label.remove_prefix(6);
    return spellings.contains(std::string{label});
}

Result<Procedure> read_procedure(std::span<TextLine const> lines, bool last) {
    Procedure procedure;
    std::vector<Step> steps;
    std::vector<std::string_view> cells;
    bool kinetic = false, inside_read = false;
    std::uint64_t reads = 0;
    for (auto const& line : lines) {
        if (auto split = split_cells(line.text, cells); !split) return fail(std::move(split.error()));
        std::string_view const key = cells[0], value = cells.size() > 1 ? cells[1] : std::string_view{};
        if (key.empty()) {
            if (!inside_read) continue;
            if (steps.back().mode.empty()) steps.back().mode = value;
            describe(steps.back(), value);
            continue;
        }
        inside_read = key == "Read";
        if (key == "Plate Type") procedure.plate_type = value;
        if (key == "Well Selection") procedure.chosen_at_runtime = value == "Runtime";
        if (key == "Start Kinetic") {
            kinetic = true;
            reads = announced_reads(value);
        }
        if (key == "End Kinetic") kinetic = false;
        if (!inside_read) continue;
        if (steps.size() == data_sets_max)
            return fail(Fault::refused, fmt::format("Procedure Details: more than {} reads for one plate.", data_sets_max));
        steps.push_back({});
        steps.back().kinetic = kinetic;
        if (kinetic) steps.back().reads = reads;
        (known(value) ? steps.back().mode : steps.back().name) = value;
    }
    if (last) return fail(Fault::unavailable, "The file ends with its Procedure Details: no Results section yet.");
    if (steps.empty()) return fail(Fault::refused, "Procedure Details names no read.");
    Announcements announcements{procedure};
    procedure.first_row = steps.front().first_row;
    procedure.last_row = steps.front().last_row;
    for (auto const& step : steps) {
        if (step.first_row != procedure.first_row || step.last_row != procedure.last_row) procedure.first_row = procedure.last_row = 0;
        procedure.full_plate = procedure.full_plate && step.full_plate;
        if (auto done = announcements.add(step); !done) return fail(std::move(done.error()));
    }
    return procedure;
}

}  // namespace marrowlink::gen5
