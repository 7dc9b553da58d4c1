#include "drivers/biorad/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/plate_shape.hpp"
#include "drivers/decimal.hpp"

namespace marrowlink::biorad {

namespace {

constexpr std::uint32_t plate_rows = 8, plate_columns = 12;

bool all_digits(std::string_view text) { return !text.empty() && digits_from(text, 0) == text.size(); }

std::string_view bare(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

class Reader {
 public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    Result<Document> read() {
        std::string_view line = next();
        bool const is_550 = line == "BIO-RAD MODEL 550 READER", is_680 = line == "BIO-RAD Model 680 Microplate READER";
        if (!is_550 && !is_680) return refuse("the heading is neither that of the Model 550 nor that of the Model 680.");
        line = next();
        if (is_680) {
            if (line.size() < 10 || line.find_first_not_of("0123456789/: ") != std::string_view::npos || line.size() > 32)
                return refuse("date and time were expected.");
            out_.started = line;
            line = next();
        }
        std::vector<std::pair<std::string_view, std::string_view>> filters;
        for (std::string_view const name : {"Mes. filter:", "Ref. filter:"}) {
            if (!line.starts_with(name)) continue;
            std::string_view const filter = bare(line.substr(name.size()));
            if (!all_digits(filter) || filter.size() > 3 || (filter.size() == 3) != is_680)
                return refuse(is_680 ? "a wavelength of three digits was expected." : "the position of a filter was expected.");
            filters.emplace_back(name.substr(0, 3), filter);
            line = next();
        }
        if (filters.empty() || filters[0].first != "Mes") return refuse("the measurement filter was expected.");
        for (auto const& [name, filter] : filters) {
            // Between two blocks stands an empty line.
            if (line.empty() && name == "Ref") line = next();
            if (line != ".begin") return refuse("\".begin\" was expected.");
            if (auto const taken = read_block(name, filter, is_680); !taken) return fail(taken.error());
            if (!rest_.empty()) line = next();
        }
        if (!rest_.empty()) return refuse("the plate should end here.");
        out_.format = "biorad";
        out_.notes.emplace_back("The reader does not name the plate: label the run.");
        if (!is_680) out_.notes.emplace_back("The Model 550 says which position its filter has, and not the wavelength.");
        return std::move(out_);
    }

 private:
    tl::unexpected<Error> refuse(std::string_view what) const {
        return fail(Fault::refused, fmt::format("Line {} of the plate: {}", line_, what));
    }

    std::string_view next() {
        std::size_t const end = rest_.find('\r');
        std::string_view const line = rest_.substr(0, end);
        rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
        ++line_;
        return line;
    }

    Result<void> read_block(std::string_view name, std::string_view filter, bool is_wavelength) {
        char const* const begin = rest_.data();
        for (std::uint32_t row = 1; row <= plate_rows; ++row)
            if (auto const taken = read_row(next(), row, name, filter, is_wavelength); !taken) return taken;
        unsigned sum = 0, said = 256;
        for (char const* at = begin; at != rest_.data(); ++at) sum += static_cast<unsigned char>(*at);
        std::string_view const text = bare(next());
        if (all_digits(text) && text.size() <= 3) std::from_chars(text.data(), text.data() + text.size(), said);
        if (said != sum % 256)
            return refuse(fmt::format("the characters of the block sum up to {}, and the reader says {}.", sum % 256,
                                      said < 256 ? std::to_string(said) : "something else"));
        if (next() != ".end") return refuse("\".end\" was expected.");
        return {};
    }

    // Each value has a space before it, or its minus.
    Result<void> read_row(std::string_view line, std::uint32_t row, std::string_view name, std::string_view filter, bool is_wavelength) {
        std::uint32_t column = 0;
        while (!bare(line).empty()) {
            while (line.starts_with(' ')) line.remove_prefix(1);
            std::size_t const end = line.find_first_of(" -", 1);
            std::string_view const value = line.substr(0, end);
            line.remove_prefix(value.size());
            Reading reading;
            if (++column > plate_columns) return refuse(fmt::format("a row has more than {} values.", plate_columns));
            reading.well = well_name(row, column);
            if (is_wavelength)
                reading.wavelength_nm = filter;
            else
                reading.read = fmt::format("{}. filter {}", name, filter);
            if (is_wavelength && name == "Ref") reading.read = "Ref. filter";
            auto const number = decimal_of(value);
            if (value.find('*') != std::string_view::npos && value.find_first_not_of("*.-") == std::string_view::npos) {
                reading.flag = value;
            } else if (number && number->separator == '.' && value[0] != '+' && value.find_first_of("eE") == std::string_view::npos) {
                reading.value = value;
                reading.unit = "OD";
            } else {
                return refuse(fmt::format("well {} holds no value of a known form; expected \"0.101\" or asterisks.", reading.well));
            }
            out_.readings.push_back(std::move(reading));
        }
        if (column != plate_columns) return refuse(fmt::format("the row has {} values, expected {}.", column, plate_columns));
        return {};
    }

    std::string_view rest_;
    std::size_t line_ = 0;
    Document out_;
};

}  // namespace

Result<Document> parse(std::string_view bytes) {
    if (!bytes.ends_with('\r')) return fail(Fault::refused, "The plate's last line is not whole.");
    return Reader{bytes}.read();
}

}  // namespace marrowlink::biorad
