// Tables of numbers as laboratories send them: CSV with a heading (RFC 4180; comma, semicolon or tab, whichever the heading has), cells
// kept as they were written so that they can be echoed byte for byte.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace marrowlink::analysis {

inline constexpr std::size_t table_bytes_max = 256u << 20;  // one more: refused

class Table {
 public:
    // `name` is what messages call the table. Refused: no heading, two columns of one name, a row with other than the heading's number of
    // cells, a quotation that does not end; each with its line.
    static Result<Table> read(std::string_view bytes, std::string name);

    std::string const& name() const { return name_; }
    std::size_t rows() const { return lines_.size(); }
    std::span<std::string const> columns() const { return columns_; }
    bool has(std::string_view column) const { return find(column).has_value(); }
    std::optional<std::size_t> find(std::string_view column) const;
    Result<std::size_t> column(std::string_view column) const;  // refused, naming it and the columns that there are

    std::string const& text(std::size_t row, std::size_t column) const {
        return cells_[row * columns_.size() + column].text;
    }  // without quotation marks
    std::string const& raw(std::size_t row, std::size_t column) const {
        return cells_[row * columns_.size() + column].written;
    }  // as written
    std::string const& raw_heading(std::size_t column) const { return heading_[column]; }
    // NaN of an empty cell and of NA. Refused, with line and column: what is no number with a decimal point.
    Result<double> number(std::size_t row, std::size_t column) const;
    // The same of all rows; refused also where a cell is empty or not finite.
    Result<std::vector<double>> numbers(std::string_view column) const;
    std::string place(std::size_t row, std::size_t column) const;  // "plates.csv, line 7, column viability"

 private:
    struct Cell {
        std::string text, written;
    };
    std::string name_;
    std::vector<std::string> columns_, heading_;
    std::vector<Cell> cells_;
    std::vector<std::size_t> lines_;  // of each row, from 1
};

// Rows that share the text of the key columns, in the order of their first appearance.
struct Group {
    std::vector<std::string> key;
    std::vector<std::size_t> rows;
};
std::vector<Group> groups_of(Table const& table, std::span<std::size_t const> key_columns);

// What an analysis gives back. Cells are added from left to right.
class ResultTable {
 public:
    explicit ResultTable(std::vector<std::string> heading) : heading_(std::move(heading)) {}

    void row() { rows_.emplace_back(); }
    void raw(std::string cell) { rows_.back().push_back(std::move(cell)); }  // already as CSV wants it
    void text(std::string_view cell);
    void number(double value);  // the shortest text that reads as the same double; empty for NaN, Inf and -Inf
    void count(std::size_t value) { rows_.back().push_back(std::to_string(value)); }
    void truth(bool value) { rows_.back().push_back(value ? "TRUE" : "FALSE"); }

    std::size_t rows() const { return rows_.size(); }
    std::string csv() const;  // lines end in LF

 private:
    std::vector<std::string> heading_;
    std::vector<std::vector<std::string>> rows_;
};

std::string shortest(double value);  // as ResultTable::number writes it

}  // namespace marrowlink::analysis
