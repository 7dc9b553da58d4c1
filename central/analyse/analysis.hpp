// `marrowlink-central analyse WHAT`: from tables to tables, one file a WHAT. Input columns are echoed as they were written; what the input
// already has under the name of a result is replaced. What cannot be evaluated keeps its row, with the reason under `verdict`, and never a
// number.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "central/analysis/table.hpp"

namespace marrowlink::analyse {

struct Request {
    struct Input {
        std::string name;  // as the command line has it, for messages
        std::string stem;  // the file's name without folder and ending
        std::string bytes;
    };
    std::vector<Input> inputs;                                          // at least one
    std::optional<Input> controls;                                      // healthy controls' scores, a column a drug
    std::string compat;                                                 // "fimm" or empty
    std::vector<std::string> models;                                    // of drc; empty: the usual ones
    std::size_t draws = 0;                                              // of the bootstrap; 0: no intervals of scores
    std::function<void(std::size_t done, std::size_t total)> progress;  // never empty
};

struct Output {
    std::string suffix;  // of the file's name; empty for the main table
    analysis::ResultTable table;
};

struct Analysis {
    std::string_view name, description;
    Result<std::vector<Output>> (*run)(Request const& request);
};
std::span<Analysis const> analyses();

// One of `analyses` each.
Result<std::vector<Output>> normalise(Request const&);
Result<std::vector<Output>> plate_qc(Request const&);
Result<std::vector<Output>> dose_response(Request const&);
Result<std::vector<Output>> dss(Request const&);
Result<std::vector<Output>> selective(Request const&);
Result<std::vector<Output>> drc(Request const&);
Result<std::vector<Output>> probit(Request const&);
Result<std::vector<Output>> gr(Request const&);
Result<std::vector<Output>> synergy(Request const&);
Result<std::vector<Output>> paired(Request const&);
Result<std::vector<Output>> multicentre(Request const&);
Result<std::vector<Output>> stats(Request const&);
Result<std::vector<Output>> nist(Request const&);

// The only input, as a table; `usage` when there are several.
Result<analysis::Table> only_table(Request const& request);
// The columns named, or `refused`.
Result<std::vector<std::size_t>> columns_of(analysis::Table const& table, std::span<std::string_view const> names);

// Which columns of an input are echoed beside results of these names, and the whole heading.
struct Echo {
    std::vector<std::size_t> columns;
    std::vector<std::string> heading;  // echoed ones as written, then the results
    Echo(analysis::Table const& table, std::span<std::string_view const> results);
    Echo(analysis::Table const& table, std::span<std::size_t const> keys, std::span<std::string_view const> results);
    void write(analysis::Table const& table, std::size_t row, analysis::ResultTable& out) const;
};

}  // namespace marrowlink::analyse
