#include "drivers/list_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "core/plate_shape.hpp"
#include "drivers/plate_matrix.hpp"

namespace marrowlink {

namespace {

constexpr std::size_t recognised_from_bytes = 16'384;

bool contains(std::span<std::string_view const> names, std::string_view one) {
    return std::find(names.begin(), names.end(), one) != names.end();
}

// Whether a quotation goes on behind the line, in which one goes on when `open`.
bool leaves_open(std::string_view line, char separator, bool open) {
    for (std::size_t at = 0;;) {
        if (!open && at < line.size() && line[at] == '"') {
            open = true;
            ++at;
        }
        if (open) {
            at = line.find('"', at);
            if (at == std::string_view::npos) return true;
            if (++at < line.size() && line[at] == '"') {
                ++at;
                continue;
            }
            open = false;
        }
        at = line.find(separator, at);
        if (at == std::string_view::npos) return false;
        ++at;
    }
}

// `at` is behind it afterwards.
Result<ListTable::Row> row_at(std::span<TextLine const> lines, std::size_t& at, char separator) {
    std::size_t const first = at;
    auto const wrong = [&](std::string const& why) { return fail(Fault::refused, fmt::format("Line {}: {}.", first + 1, why)); };
    char const* const begin = lines[first].text.data();
    std::string_view text;
    for (bool open = false;;) {
        std::string_view const line = lines[at++].text;
        text = {begin, static_cast<std::size_t>(line.data() + line.size() - begin)};
        if (text.size() > row_bytes_max) return wrong(fmt::format("the row has more than {} bytes, which is the limit", row_bytes_max));
        open = leaves_open(line, separator, open);
        if (!open) break;
        if (at == lines.size()) return fail(Fault::unavailable, fmt::format("a quotation of line {} does not end", first + 1));
        if (at - first == row_lines_max)
            return wrong(fmt::format("a quotation does not end within {} lines, which is the limit", row_lines_max));
    }
    ListTable::Row row;
    row.line = first;
    for (std::size_t end = 0;; ++end) {
        if (row.cells.size() == text_cells_max)
            return wrong(fmt::format("the row has more than {} cells, which is the limit", text_cells_max));
        std::size_t const start = end;
        if (!read_quoted(text, separator, end, row.cells.emplace_back())) return wrong("a quotation mark has no other one");
        row.whole.push_back(text.substr(start, end - start));
        if (end == text.size()) return row;
    }
}

std::string listed(std::vector<std::string> const& names) {
    std::string text;
    for (auto const& name : names) text += (text.empty() ? "" : ", ") + in_quotes(name);
    return text;
}

}  // namespace

std::string one_line(std::string_view text) {
    std::string out;
    for (char const c : text) {
        bool const space = c == ' ' || c == '\r' || c == '\n' || c == '\t';
        if (!space)
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    if (out.ends_with(' ')) out.pop_back();
    return out;
}

std::optional<ListTable::Heading> ListTable::find(TextTable const& text, std::size_t at, ListForm const& form) {
    auto const lines = text.lines();
    for (std::size_t const behind = std::min(lines.size(), at + heading_line_max); at < behind; ++at)
        for (char const separator : {',', ';', '\t'}) {
            if (lines[at].text.find(separator) == std::string_view::npos) continue;
            std::size_t end = at;
            auto const row = row_at(lines, end, separator);
            if (!row) continue;
            std::vector<std::string> names;
            for (auto const& cell : row->cells) names.push_back(one_line(cell));
            if (std::all_of(form.keys.begin(), form.keys.end(),
                            [&](auto key) { return std::find(names.begin(), names.end(), key) != names.end(); }))
                return Heading{at, separator};
        }
    return {};
}

Result<ListTable> ListTable::read(TextTable const& text, Heading heading, ListForm const& form) {
    ListTable list{text, heading, form};
    auto const lines = text.lines();
    auto names = row_at(lines, list.end_, heading.separator);
    if (!names) return fail(names.error());
    if (auto done = list.name_columns(*std::move(names)); !done) return fail(std::move(done.error()));
    while (list.end_ < lines.size() && !is_blank(lines[list.end_], heading.separator)) {
        auto row = row_at(lines, list.end_, heading.separator);
        if (!row) return fail(row.error());
        if (auto done = list.take(*std::move(row), list.end_ == lines.size() && !lines.back().terminated); !done)
            return fail(std::move(done.error()));
    }
    if (list.rows_.empty()) return fail(Fault::unavailable, fmt::format("no row stands below the heading in line {}", heading.line + 1));
    if (auto done = list.no_row_twice(); !done) return fail(std::move(done.error()));
    return list;
}

Result<void> ListTable::name_columns(Row heading) {
    while (!heading.cells.empty() && heading.cells.back().empty()) heading.cells.pop_back();
    for (auto const& cell : heading.cells) {
        std::string name = one_line(cell);
        if (!form_->unit.empty() && name == form_->unit && !columns_.empty()) name = columns_.back() + " " + name;
        if (name.empty()) return wrong(heading, fmt::format("column {} has no name", columns_.size() + 1));
        if (!places_.emplace(name, columns_.size()).second)
            return wrong(heading, fmt::format("there is a second column {}", in_quotes(name)));
        columns_.push_back(std::move(name));
    }
    return {};
}

Result<void> ListTable::take(Row row, bool last) {
    if (row.cells.size() < columns_.size()) {
        if (last) return fail(Fault::unavailable, fmt::format("line {} is not all there", row.line + 1));
        return wrong(row, fmt::format("it has {} cells, expected {}", row.cells.size(), columns_.size()));
    }
    for (std::size_t beyond = columns_.size(); beyond < row.cells.size(); ++beyond)
        if (!row.cells[beyond].empty()) return wrong(row, fmt::format("{} stands behind the last column", in_quotes(row.cells[beyond])));
    Column const end = kind_of(columns_.size() - 1);
    if (last && row.cells.size() == columns_.size() && !row.cells.back().empty() && (end == Column::key || end == Column::measured))
        return fail(Fault::unavailable, fmt::format("line {} has no end", row.line + 1));
    if ((rows_.size() + 1) * columns_.size() > list_cells_max)
        return wrong(row, fmt::format("the list has more than {} cells, which is the limit", list_cells_max));
    rows_.push_back(std::move(row));
    return {};
}

Column ListTable::kind_of(std::size_t column) const {
    std::string_view const name = columns_[column];
    for (auto const& [names, kind] : {std::pair{form_->keys, Column::key}, std::pair{form_->derived, Column::derived},
                                      std::pair{form_->context, Column::context}, std::pair{form_->personal, Column::personal}})
        if (contains(names, name)) return kind;
    return form_->measured(name) ? Column::measured : Column::unknown;
}

// A person's name that was blanked must not make two rows of one, or one of two.
Result<void> ListTable::no_row_twice() const {
    std::map<std::vector<std::string_view>, std::size_t> seen;
    for (Row const& row : rows_) {
        std::vector<std::string_view> cells;
        for (std::size_t i = 0; i < columns_.size(); ++i)
            if (Column const kind = kind_of(i); kind != Column::personal && kind != Column::unknown) cells.push_back(row.cells[i]);
        auto const [first, fresh] = seen.emplace(std::move(cells), row.line);
        if (!fresh) return wrong(row, fmt::format("it says the same as line {}; measured again, or written twice?", first->second + 1));
    }
    return {};
}

bool ListTable::has(std::string_view column) const { return places_.contains(column); }

std::string_view ListTable::cell(Row const& row, std::string_view column) const {
    auto const place = places_.find(column);
    return place == places_.end() ? std::string_view{} : row.cells[place->second];
}

tl::unexpected<Error> ListTable::wrong(Row const& row, std::string const& why) const {
    return fail(Fault::refused, fmt::format("Line {}: {}.", row.line + 1, why));
}

Result<std::optional<Reading>> ListTable::reading(Row const& row, std::string_view column, std::string_view sign) {
    std::string_view text = cell(row, column);
    if (text.empty()) return std::nullopt;
    Reading reading;
    if (contains(form_->words, text)) {
        reading.flag = text;
        return reading;
    }
    bool const signed_so = text.ends_with(sign);
    if (signed_so) text.remove_suffix(sign.size());
    auto const number = decimal_of(text);
    if (!number || !signed_so) {
        std::string known;
        for (auto const word : form_->words) known += (known.empty() ? " or " : ", ") + in_quotes(word);
        return wrong(row, fmt::format("{} stands in the column {}, expected a number{}{}", in_quotes(cell(row, column)), in_quotes(column),
                                      sign.empty() ? "" : fmt::format(" with {}", sign), known));
    }
    decimals_.see(*number, text, row.line + 1);
    reading.value = text;
    return reading;
}

Result<std::string> ListTable::well(Row const& row, std::string_view column) const {
    auto const place = well_place(cell(row, column));
    if (!place)
        return wrong(row, fmt::format("{} stands in the column {}, expected a well", in_quotes(cell(row, column)), in_quotes(column)));
    return well_name(place->first, place->second);
}

Result<void> ListTable::finish(Document& document) const {
    auto const decimal = decimals_.decide();
    if (!decimal) return fail(decimal.error());
    std::map<std::tuple<std::string, std::string, std::string>, std::size_t> times;
    bool again = false;
    for (Reading& reading : document.readings) {
        std::replace(reading.value.begin(), reading.value.end(), ',', '.');
        if (std::size_t const time = ++times[{reading.plate, reading.well, reading.read}]; time > 1) {
            reading.read += fmt::format(" ({})", time);
            again = true;
        }
    }
    std::vector<std::string> derived, unknown;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        Column const kind = kind_of(i);
        if (kind == Column::derived) derived.push_back(columns_[i]);
        if (kind == Column::unknown) unknown.push_back(columns_[i]);
        if (kind != Column::unknown && kind != Column::personal) continue;
        for (Row const& row : rows_) {
            if (row.cells[i].empty()) continue;
            auto const place = text_->place_of(text_->lines()[row.line], row.whole[i]);
            document.name_bearing.push_back({place.first, place.second, columns_[i]});
        }
    }
    document.notes.push_back(fmt::format("Encoding {}, decimal {}.", name_of(text_->encoding()), *decimal == ',' ? "comma" : "point"));
    if (!derived.empty()) document.notes.push_back(fmt::format("Left out as derived, not measured: {}.", listed(derived)));
    if (!unknown.empty()) document.notes.push_back(fmt::format("Left out as not known here: {}.", listed(unknown)));
    if (again) document.notes.push_back("What was measured several times is numbered from the second time on.");
    return {};
}

bool has_list(std::string_view bytes, ListForm const& form) {
    return ListTable::find(head_of(bytes, recognised_from_bytes), 0, form).has_value();
}

Result<Document> read_list(std::string_view bytes, ListForm const& form,
                           Result<void> (*fill)(TextTable const& text, ListTable& list, Document& document)) {
    auto const text = TextTable::decode(bytes);
    if (!text) return fail(text.error());
    auto const heading = ListTable::find(*text, 0, form);
    if (!heading) return fail(Fault::unavailable, "the heading of the list is missing");
    auto list = ListTable::read(*text, *heading, form);
    if (!list) return fail(list.error());
    auto const lines = text->lines();
    for (std::size_t at = list->end(); at < lines.size(); ++at)
        if (!is_blank(lines[at], heading->separator))
            return fail(Fault::refused, fmt::format("Line {}: {} stands behind the list.", at + 1, in_quotes(lines[at].text)));
    Document document;
    if (auto done = fill(*text, *list, document); !done) return fail(std::move(done.error()));
    if (auto done = list->finish(document); !done) return fail(std::move(done.error()));
    return document;
}

}  // namespace marrowlink
