#include "drivers/spectramax/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "drivers/spectramax/protocol.hpp"

namespace marrowlink::spectramax {
namespace {
constexpr std::size_t blocks_max = 64;  // wavelengths of one read; a transfer with more is refused

std::vector<std::string_view> split(std::string_view text, char by) {
    std::vector<std::string_view> out;
    for (;;) {
        auto const at = text.find(by);
        out.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return out;
        text.remove_prefix(at + 1);
    }
}

std::string_view trimmed(std::string_view text) {
    auto const first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> out;
    for (;;) {
        auto const first = text.find_first_not_of(" \t");
        if (first == std::string_view::npos) return out;
        auto const end = std::min(text.find_first_of(" \t", first), text.size());
        out.push_back(text.substr(first, end - first));
        text.remove_prefix(end);
    }
}

bool is_number(std::string_view text) {
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
    auto const digits = [&text] {
        auto const end = std::min(text.find_first_not_of("0123456789"), text.size());
        text.remove_prefix(end);
        return end;
    };
    std::size_t count = digits();
    if (!text.empty() && text.front() == '.') {
        text.remove_prefix(1);
        count += digits();
    }
    if (count == 0) return false;
    if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
        text.remove_prefix(1);
        if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
        if (digits() == 0) return false;
    }
    return text.empty();
}

bool is_wavelength(std::string_view text) {
    if (!text.empty() && text.front() == 'F') text.remove_prefix(1);  // a filter instead of the monochromator
    return is_number(text);
}

struct Block {
    std::vector<std::string_view> lambda;  // the block's own L: line, after the label
    std::vector<std::vector<std::string_view>> columns;
    int first_column = 0;
};

struct Lines {
    std::vector<std::string_view> announced;  // the first L: line
    std::size_t lambda_lines = 0;
    bool excitation = false, emission = false;
    std::vector<Block> blocks;
};

tl::unexpected<Error> refuse(std::size_t line, std::string_view found, std::string_view expected) {
    return fail(Fault::refused, fmt::format("Line {} of the transfer holds \"{}\", expected {}.", line, printable(found), expected));
}

// "7: 0.1 0.2" → 7; nothing when the line does not begin with a column number.
std::optional<int> column_of(std::string_view line) {
    auto const colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view const number = trimmed(line.substr(0, colon));
    int column = 0;
    auto const [end, error] = std::from_chars(number.data(), number.data() + number.size(), column);
    if (error != std::errc{} || end != number.data() + number.size() || column < 1) return std::nullopt;
    return column;
}

Result<void> add_column(Block& block, int column, std::string_view line, std::size_t at) {
    int const expected = block.columns.empty() ? column : block.first_column + static_cast<int>(block.columns.size());
    if (column != expected) return refuse(at, line, fmt::format("column {}", expected));
    if (column > columns_max) return refuse(at, line, fmt::format("a column up to {}", columns_max));
    if (block.columns.empty()) block.first_column = column;
    std::vector<std::string_view> values = words(line.substr(line.find(':') + 1));
    for (std::string_view const value : values)
        if (!is_number(value) && value != "#SAT" && value != "-") return refuse(at, value, "a number, #SAT or -");
    if (values.empty() || values.size() > static_cast<std::size_t>(rows_max))
        return refuse(at, line, fmt::format("1 to {} values", rows_max));
    if (!block.columns.empty() && values.size() != block.columns.front().size())
        return refuse(at, line, fmt::format("{} values as in the other columns", block.columns.front().size()));
    block.columns.push_back(std::move(values));
    return {};
}

Result<void> add_line(Lines& all, std::string_view line, std::size_t at) {
    if (std::optional<int> const column = column_of(line)) {
        if (all.blocks.empty()) return refuse(at, line, "a wavelength line (L:) before the first column");
        return add_column(all.blocks.back(), *column, line, at);
    }
    auto const label_end = std::min(line.find(':'), line.size());
    std::string_view const label = trimmed(line.substr(0, label_end));
    if (label != "L" && label != "exL" && label != "emL") return refuse(at, line, "L:, exL:, emL: or a column number");
    std::vector<std::string_view> fields = split(line.substr(std::min(label_end + 1, line.size())), '\t');
    if (!fields.empty() && trimmed(fields.front()).empty()) fields.erase(fields.begin());
    for (std::string_view& field : fields) {
        field = trimmed(field);
        if (!field.empty() && !is_wavelength(field)) return refuse(at, field, "a wavelength in nm");
    }
    if (label == "exL")
        all.excitation = true;
    else if (label == "emL")
        all.emission = true;
    else {
        if (all.lambda_lines++ == 0) all.announced = fields;
        // A second L: line before any column names the first block; the one before it only announced.
        if (!all.blocks.empty() && all.blocks.back().columns.empty())
            all.blocks.back().lambda = std::move(fields);
        else
            all.blocks.push_back({std::move(fields), {}, 0});
        if (all.blocks.size() > blocks_max) return refuse(at, line, fmt::format("at most {} wavelengths", blocks_max));
    }
    return {};
}

std::string_view field_or_empty(std::vector<std::string_view> const& fields, std::size_t at) {
    return at < fields.size() ? fields[at] : std::string_view{};
}

void append_readings(Transfer& out, Block const& block, bool fluorescence, bool luminescence) {
    Reading reading;
    reading.unit = fluorescence ? "RFU" : luminescence ? "RLU" : "OD";
    reading.excitation_nm = fluorescence ? field_or_empty(block.lambda, 0) : std::string_view{};
    reading.wavelength_nm = field_or_empty(block.lambda, fluorescence || luminescence ? 1 : 0);
    if (fluorescence)
        reading.read = fmt::format("Fluorescence {}/{}", reading.excitation_nm, reading.wavelength_nm);
    else
        reading.read = fmt::format("{} {}", luminescence ? "Luminescence" : "Absorbance", reading.wavelength_nm);
    for (int row = 0; row < out.rows; ++row) {
        for (int column = 0; column < out.columns; ++column) {
            std::string_view const word = block.columns[column][row];
            bool const number = word != "#SAT" && word != "-";
            reading.well = fmt::format("{}{}", static_cast<char>('A' + row), block.first_column + column);
            reading.value = number ? word : std::string_view{};
            reading.flag = number ? std::string_view{} : word;
            out.readings.push_back(reading);
        }
    }
}

// A label such as "96-well" bounds the table; a reader that sends more than its own plate holds was misheard.
Result<void> check_plate(Transfer const& t, int last_column) {
    int wells = 0;
    auto const [end, error] = std::from_chars(t.plate.data(), t.plate.data() + t.plate.size(), wells);
    if (error != std::errc{}) return {};
    int const rows = wells == 96 ? 8 : rows_max;
    int const columns = wells == 96 ? 12 : columns_max;
    if (t.rows <= rows && last_column <= columns) return {};
    return fail(Fault::refused,
                fmt::format("The transfer holds {} rows and columns up to {}, expected a {} plate.", t.rows, last_column, t.plate));
}
}  // namespace

Result<Transfer> parse_transfer(std::string_view body) {
    Transfer out;
    Lines all;
    std::size_t at = 0;
    bool head = false;
    while (!body.empty()) {
        auto const end = body.find_first_of("\r\n");
        std::string_view line = body.substr(0, end);
        if (end == std::string_view::npos)
            body = {};
        else
            body.remove_prefix(end + (body.substr(end, 2) == "\r\n" ? 2 : 1));
        ++at;
        if (trimmed(line).empty()) continue;
        if (head) {
            auto added = add_line(all, line, at);
            if (!added) return fail(added.error());
            continue;
        }
        head = true;
        std::vector<std::string_view> const fields = split(trimmed(line), '\t');
        if (fields.size() < 2 || fields.size() > 3 || !is_number(trimmed(fields[0])) || !is_number(trimmed(fields[1])))
            return refuse(at, line, "seconds, temperature and plate, parted by tabs");
        out.seconds = trimmed(fields[0]);
        out.temperature_c = trimmed(fields[1]);
        if (fields.size() == 3) out.plate = trimmed(fields[2]);
    }
    if (!head) return fail(Fault::refused, "The transfer is empty, expected seconds, temperature and plate.");
    if (all.blocks.empty() || all.blocks.back().columns.empty())
        return fail(Fault::refused, "The transfer ends before its first column of values.");
    bool const fluorescence = all.excitation;
    bool const luminescence = all.emission && !all.excitation;
    Block const& first = all.blocks.front();
    out.columns = static_cast<int>(first.columns.size());
    out.rows = static_cast<int>(first.columns.front().size());
    for (Block const& block : all.blocks) {
        if (block.columns.size() == first.columns.size() && block.columns.front().size() == first.columns.front().size() &&
            block.first_column == first.first_column)
            continue;
        return fail(Fault::refused, fmt::format("The block for {} nm holds {} columns, expected {} as in the first block.",
                                                field_or_empty(block.lambda, 0), block.columns.size(), first.columns.size()));
    }
    if (!fluorescence && !luminescence && all.announced.size() != all.blocks.size())
        return fail(Fault::refused, fmt::format("The transfer announces {} wavelengths and holds {} blocks of values.",
                                                all.announced.size(), all.blocks.size()));
    auto fits = check_plate(out, first.first_column + out.columns - 1);
    if (!fits) return fail(fits.error());
    for (Block const& block : all.blocks) append_readings(out, block, fluorescence, luminescence);
    return out;
}

Result<Transfer> parse_transfer_reply(std::string_view reply) {
    ReplyDecoder decoder{2};
    auto const decoded = decoder.feed(reply);
    if (!decoded) return fail(Fault::refused, "The reply to !TRANSFER ends before its second '>'.");
    if (!*decoded) return fail(decoded->error());
    if (!decoder.surplus().empty())
        return fail(Fault::refused,
                    fmt::format("Behind the reply to !TRANSFER stands \"{}\", expected nothing.", printable(decoder.surplus())));
    if (!(*decoded)->ok())
        return fail(Fault::refused,
                    fmt::format("The reader answered !TRANSFER with FAIL {}: {}.", (*decoded)->failure, words_of((*decoded)->failure)));
    return parse_transfer((*decoded)->body);
}

}  // namespace marrowlink::spectramax
