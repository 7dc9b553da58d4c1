// A list as exports write it: a heading of named columns, in any order, and a row below it for each sample. Cells may stand in quotation
// marks and hold line breaks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/decimal.hpp"
#include "drivers/document.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink {

constexpr std::size_t heading_line_max = 500;      // the last of those looked at that may be the heading; it is missing otherwise
constexpr std::size_t row_lines_max = 64;          // of a row whose cells hold line breaks; one more: refused
constexpr std::size_t row_bytes_max = 256 * 1024;  // of a row in UTF-8; one more: refused
constexpr std::size_t list_cells_max = 1'000'000;  // rows times columns; more: refused

enum class Column : std::uint8_t {
    key,       // of what the row is; the list has to have it
    measured,  // becomes readings
    derived,   // left out, and said so
    context,   // left out, and nothing said
    personal,  // left out; may hold a person's name
    unknown,   // left out, and said so; treated as one that may hold a person's name
};

struct ListForm {
    std::span<std::string_view const> keys;  // the heading is the first line that has all of them
    bool (*measured)(std::string_view column);
    std::span<std::string_view const> derived, context, personal;  // columns, as below
    std::span<std::string_view const> words;                       // that may stand in a number's place
    std::string_view unit{};  // a column that several may have: each belongs to the one before, and is called "… Units"
};

class ListTable {
 public:
    struct Row {
        std::size_t line = 0;  // index into the text's lines
        std::vector<std::string> cells;
        std::vector<std::string_view> whole;  // with their quotation marks
    };
    struct Heading {
        std::size_t line = 0;
        char separator = ',';
    };

    // Nothing: none of heading_line_max lines from `at` on has all keys.
    static std::optional<Heading> find(TextTable const& text, std::size_t at, ListForm const& form);

    // The rows from the heading to the first blank line, or to the end. Refused, naming the line: a column twice, a row with fewer or more
    // cells than columns. `unavailable`: the text ends inside a row, or may do so: without a line's end the last cell must be one that is
    // neither key nor measured. `form` and `text` must outlive the list.
    static Result<ListTable> read(TextTable const& text, Heading heading, ListForm const& form);

    std::span<Row const> rows() const { return rows_; }
    std::span<std::string const> columns() const { return columns_; }
    std::size_t heading() const { return heading_; }  // its line
    std::size_t end() const { return end_; }          // the first line behind the list
    char separator() const { return separator_; }
    Column kind_of(std::size_t column) const;
    bool has(std::string_view column) const;
    std::string_view cell(Row const& row, std::string_view column) const;  // empty when there is no such column

    // A reading with only value or flag; nothing: the cell is blank. Refused, naming line and column: neither a number (with `sign` behind
    // it, which is removed) nor a word of the form.
    Result<std::optional<Reading>> reading(Row const& row, std::string_view column, std::string_view sign = {});
    // Of a cell that must be a well of a plate: "A1". Refused, naming line and column.
    Result<std::string> well(Row const& row, std::string_view column) const;
    tl::unexpected<Error> wrong(Row const& row, std::string const& why) const;

    // Puts decimal points, numbers the readings of what was measured several times (" (2)"), blanks what may hold names and notes what was
    // left out. Refused: a row that stands there twice, whatever its persons; decimals that are not clear.
    Result<void> finish(Document& document) const;

 private:
    ListTable(TextTable const& text, Heading heading, ListForm const& form)
        : text_(&text), form_(&form), heading_(heading.line), end_(heading.line), separator_(heading.separator) {}
    Result<void> name_columns(Row heading);
    Result<void> take(Row row, bool last);
    Result<void> no_row_twice() const;

    TextTable const* text_;
    ListForm const* form_;
    std::vector<std::string> columns_;
    std::map<std::string, std::size_t, std::less<>> places_;
    std::vector<Row> rows_;
    std::size_t heading_, end_;
    char separator_;
    DecimalSeparator decimals_;
};

// Whether the heading stands among the first bytes.
bool has_list(std::string_view bytes, ListForm const& form);

// A text that holds one list and nothing but blank lines behind it; `fill` makes the document, but for what `finish` does.
Result<Document> read_list(std::string_view bytes, ListForm const& form,
                           Result<void> (*fill)(TextTable const& text, ListTable& list, Document& document));

// Spaces and line breaks become one space each.
std::string one_line(std::string_view text);

}  // namespace marrowlink
