#include "drivers/plate_matrix.hpp"

#include <fmt/format.h>

namespace marrowlink {

namespace {

class Reader {
 public:
    Reader(std::span<TextLine const> lines, std::size_t at, MatrixForm const& form) : lines_(lines), at_(at), form_(form) {}

    Result<PlateMatrix> read() {
        if (auto done = read_heading(); !done) return fail(std::move(done.error()));
        std::uint32_t last = 0;
        for (; last < matrix_.shape.rows; ++at_) {
            std::uint32_t const expected = last + 1;
            bool const skips = form_.may_skip_rows && matrix_.shape.columns == columns_max;
            if (at_ == lines_.size()) {
                if (skips && last > 0) break;
                return ended(last);
            }
            if (auto done = split(); !done) return wrong(done.error().message);
            std::uint32_t const row = labelled_ ? row_of(cells_[0]) : trimmed(lines_[at_].text).empty() ? 0 : expected;
            if (row == 0 || row > matrix_.shape.rows) {
                if (skips && last > 0) break;
                if (at_ + 1 == lines_.size() && !lines_[at_].terminated) return ended(last);
                return wrong(fmt::format("row {} of the plate is missing", row_letters(expected)));
            }
            if (row < expected) return wrong(fmt::format("row {} stands behind row {}", row_letters(row), row_letters(last)));
            if (row > expected && !skips) return wrong(fmt::format("row {} of the plate is missing", row_letters(expected)));
            if (auto done = keep(row); !done) return fail(std::move(done.error()));
            last = row;
        }
        matrix_.end = at_;
        return std::move(matrix_);
    }

 private:
    tl::unexpected<Error> wrong(std::string const& why) const { return fail(Fault::refused, fmt::format("Line {}: {}.", at_ + 1, why)); }
    tl::unexpected<Error> ended(std::uint32_t last) const {
        return fail(Fault::unavailable, fmt::format("row {} of the plate is missing", row_letters(last + 1)));
    }

    Result<void> split() {
        std::string_view rest = lines_[at_].text;
        if (!form_.spaced) return split_quoted(rest, form_.separator, cells_);
        cells_.assign(rest.starts_with(' ') ? 1 : 0, {});
        while (!(rest = trimmed(rest)).empty()) {
            cells_.emplace_back(rest.substr(0, rest.find(' ')));
            rest.remove_prefix(cells_.back().size());
        }
        if (cells_.empty()) cells_.emplace_back();
        return {};
    }

    Result<void> read_heading() {
        if (at_ == lines_.size()) return fail(Fault::unavailable, "the plate is not there");
        if (auto done = split(); !done) return wrong(done.error().message);
        auto const heading = [&](std::uint32_t column) { return fmt::format("{:0{}}", column, form_.column_digits); };
        std::uint32_t columns = 0;
        while (columns + 1 < cells_.size() && cells_[columns + 1] == heading(columns + 1)) ++columns;
        labelled_ = columns > 0 && cells_[0].empty();
        bool fits = labelled_;
        for (std::size_t beyond = columns + 1; fits && beyond < cells_.size(); ++beyond) fits = cells_[beyond].empty();
        if (!labelled_ && form_.may_be_bare) {
            columns = static_cast<std::uint32_t>(cells_.size() - (cells_.back().empty() ? 1 : 0));
            fits = true;
        }
        auto const shape = plate_of_columns(columns);
        if (!fits || !shape) {
            if (at_ + 1 == lines_.size() && !lines_[at_].terminated)
                return fail(Fault::unavailable, "the plate's heading is not all there");
            return wrong(fmt::format("{} is no heading of a plate known here", in_quotes(lines_[at_].text)));
        }
        matrix_.shape = *shape;
        if (labelled_) ++at_;
        if (form_.spaced && at_ < lines_.size() && is_blank(lines_[at_], form_.separator)) ++at_;
        return {};
    }

    std::uint32_t row_of(std::string_view letters) const {
        if (form_.small_behind_z && letters.size() == 1 && letters[0] >= 'a' && letters[0] <= 'f')
            return static_cast<std::uint32_t>(27 + letters[0] - 'a');
        return row_number(letters);
    }

    Result<void> keep(std::uint32_t row) {
        std::size_t const first = labelled_ ? 1 : 0, columns = matrix_.shape.columns;
        if (!lines_[at_].terminated && at_ + 1 == lines_.size())
            return fail(Fault::unavailable, fmt::format("row {} of the plate is not all there", row_letters(row)));
        if (cells_.size() < first + columns)
            return wrong(fmt::format("row {} has {} wells, expected {}", row_letters(row), cells_.size() - first, columns));
        for (std::size_t beyond = first + columns; beyond < cells_.size(); ++beyond)
            if (!cells_[beyond].empty()) return wrong(fmt::format("{} stands behind the last column", in_quotes(cells_[beyond])));
        for (std::uint32_t column = 1; column <= columns; ++column)
            if (std::string& text = cells_[first + column - 1]; !text.empty()) matrix_.cells.push_back({row, column, at_, std::move(text)});
        return {};
    }

    std::span<TextLine const> lines_;
    std::size_t at_;
    MatrixForm const& form_;
    std::vector<std::string> cells_;
    bool labelled_ = false;
    PlateMatrix matrix_;
};

}  // namespace

Result<PlateMatrix> read_matrix(std::span<TextLine const> lines, std::size_t at, MatrixForm const& form) {
    return Reader{lines, at, form}.read();
}

Result<Reading> reading_of(PlateMatrix::Cell const& cell, DecimalSeparator* seen) {
    Reading reading;
    reading.well = well_name(cell.row, cell.column);
    auto const value = decimal_of(cell.text);
    if (!value || (!seen && value->separator == ','))
        return fail(Fault::refused, fmt::format("Line {}: well {}: {} is no number, and no word is known here.", cell.line + 1,
                                                reading.well, in_quotes(cell.text)));
    if (seen) seen->see(*value, cell.text, cell.line + 1);
    reading.value = cell.text;
    return reading;
}

bool is_blank(TextLine const& line, char separator) {
    for (char const c : line.text)
        if (c != separator && c != ' ' && c != '\t') return false;
    return true;
}

}  // namespace marrowlink
