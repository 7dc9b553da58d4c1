#include "central/analysis/table.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <map>
#include <utility>

namespace marrowlink::analysis {
namespace {

struct Splitter {
    std::string_view bytes;
    std::size_t at = 0;
    std::size_t line = 1;
    char separator = ',';

    // One row: pairs of {text, as written}. Empty lines are passed over; false at the end.
    Result<bool> next(std::vector<std::pair<std::string, std::string>>& cells, std::size_t& first_line, std::string const& name) {
        while (at < bytes.size() && (bytes[at] == '\n' || bytes[at] == '\r')) line += bytes[at++] == '\n';
        cells.clear();
        first_line = line;
        if (at >= bytes.size()) return false;
        for (;;) {
            std::size_t const begin = at;
            std::string text;
            if (at < bytes.size() && bytes[at] == '"') {
                for (++at;; ++at) {
                    if (at >= bytes.size())
                        return fail(Fault::refused, fmt::format("{}, line {}: a quotation mark is not closed.", name, first_line));
                    if (bytes[at] == '"' && (at + 1 >= bytes.size() || bytes[at + 1] != '"')) break;
                    if (bytes[at] == '"') ++at;
                    line += bytes[at] == '\n';
                    text += bytes[at];
                }
                ++at;
                if (at < bytes.size() && bytes[at] != separator && bytes[at] != '\n' && bytes[at] != '\r')
                    return fail(Fault::refused,
                                fmt::format("{}, line {}: after a closing quotation mark stands neither the next cell nor the line's end.",
                                            name, line));
            } else {
                while (at < bytes.size() && bytes[at] != separator && bytes[at] != '\n' && bytes[at] != '\r') ++at;
                text = bytes.substr(begin, at - begin);
            }
            cells.emplace_back(std::move(text), bytes.substr(begin, at - begin));
            if (at >= bytes.size() || bytes[at] != separator) break;
            ++at;
        }
        return true;
    }
};

char separator_of(std::string_view bytes) {
    std::string_view const heading = bytes.substr(0, bytes.find_first_of("\r\n"));
    for (char const candidate : {',', ';', '\t'})
        if (heading.find(candidate) != std::string_view::npos) return candidate;
    return ',';
}

}  // namespace

Result<Table> Table::read(std::string_view bytes, std::string name) {
    if (bytes.size() > table_bytes_max)
        return fail(Fault::refused, fmt::format("{} has {} bytes; tables of up to {} are read.", name, bytes.size(), table_bytes_max));
    if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
    Table table;
    table.name_ = std::move(name);
    Splitter splitter{bytes, 0, 1, separator_of(bytes)};
    std::vector<std::pair<std::string, std::string>> cells;
    std::size_t line = 0;
    auto more = splitter.next(cells, line, table.name_);
    if (!more) return fail(more.error());
    if (!*more) return fail(Fault::refused, table.name_ + " is empty; a table begins with the names of its columns.");
    for (auto& [text, written] : cells) {
        if (table.has(text)) return fail(Fault::refused, fmt::format("{}, line 1: two columns are called \"{}\".", table.name_, text));
        table.columns_.push_back(std::move(text));
        table.heading_.push_back(std::move(written));
    }
    for (;;) {
        more = splitter.next(cells, line, table.name_);
        if (!more) return fail(more.error());
        if (!*more) return table;
        if (cells.size() != table.columns_.size())
            return fail(Fault::refused, fmt::format("{}, line {} has {} cells; the heading has {}.", table.name_, line, cells.size(),
                                                    table.columns_.size()));
        for (auto& [text, written] : cells) table.cells_.push_back({std::move(text), std::move(written)});
        table.lines_.push_back(line);
    }
}

std::optional<std::size_t> Table::find(std::string_view column) const {
    for (std::size_t i = 0; i < columns_.size(); ++i)
        if (columns_[i] == column) return i;
    return std::nullopt;
}

Result<std::size_t> Table::column(std::string_view column) const {
    if (auto const found = find(column)) return *found;
    std::string there;
    for (std::string const& one : columns_) there += (there.empty() ? "" : ", ") + one;
    return fail(Fault::refused, fmt::format("{} has no column \"{}\"; it has: {}.", name_, column, there));
}

std::string Table::place(std::size_t row, std::size_t column) const {
    return fmt::format("{}, line {}, column {}", name_, lines_[row], columns_[column]);
}

Result<double> Table::number(std::size_t row, std::size_t column) const {
    std::string_view cell = text(row, column);
    while (!cell.empty() && cell.front() == ' ') cell.remove_prefix(1);
    while (!cell.empty() && cell.back() == ' ') cell.remove_suffix(1);
    if (cell.empty() || cell == "NA" || cell == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (cell == "Inf" || cell == "-Inf")
        return cell.front() == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    std::string_view const digits = cell.front() == '+' ? cell.substr(1) : cell;
    double value = 0.0;
    auto const [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (fault != std::errc{} || end != digits.data() + digits.size())
        return fail(Fault::refused, fmt::format("{}: \"{}\" is no number with a decimal point.", place(row, column), cell.substr(0, 40)));
    return value;
}

Result<std::vector<double>> Table::numbers(std::string_view name) const {
    auto const at = column(name);
    if (!at) return fail(at.error());
    std::vector<double> values(rows());
    for (std::size_t row = 0; row < rows(); ++row) {
        auto const value = number(row, *at);
        if (!value) return fail(value.error());
        if (!std::isfinite(*value))
            return fail(Fault::refused, fmt::format("{}: \"{}\" where a finite number is needed.", place(row, *at), text(row, *at)));
        values[row] = *value;
    }
    return values;
}

std::vector<Group> groups_of(Table const& table, std::span<std::size_t const> key_columns) {
    std::vector<Group> groups;
    std::map<std::vector<std::string>, std::size_t> seen;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        std::vector<std::string> key;
        for (std::size_t const column : key_columns) key.push_back(table.text(row, column));
        auto const [at, fresh] = seen.try_emplace(key, groups.size());
        if (fresh) groups.push_back({std::move(key), {}});
        groups[at->second].rows.push_back(row);
    }
    return groups;
}

std::string shortest(double value) {
    if (std::isnan(value)) return {};
    if (std::isinf(value)) return value > 0.0 ? "Inf" : "-Inf";
    char buffer[32];
    auto const end = std::to_chars(buffer, buffer + sizeof buffer, value == 0.0 ? 0.0 : value).ptr;
    return {buffer, end};
}

void ResultTable::number(double value) { rows_.back().push_back(shortest(value)); }

namespace {
std::string quoted_if_needed(std::string_view cell) {
    if (cell.find_first_of(",\"\r\n") == std::string_view::npos) return std::string{cell};
    std::string quoted = "\"";
    for (char const c : cell) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
}
}  // namespace

void ResultTable::text(std::string_view cell) { rows_.back().push_back(quoted_if_needed(cell)); }

std::string ResultTable::csv() const {
    std::string out;
    auto const line = [&](std::vector<std::string> const& cells) {
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (i > 0) out += ',';
            out += cells[i];
        }
        out += '\n';
    };
    line(heading_);
    for (auto const& cells : rows_) line(cells);
    return out;
}

}  // namespace marrowlink::analysis
