#include "drivers/catalog.hpp"

#include <fmt/format.h>

#include <array>

#include "drivers/envision/parse.hpp"
#include "drivers/fcs/parse.hpp"
#include "drivers/gen5/parse.hpp"
#include "drivers/immunospot/parse.hpp"
#include "drivers/kaleido/parse.hpp"
#include "drivers/lunatic/parse.hpp"
#include "drivers/magellan/parse.hpp"
#include "drivers/mars/parse.hpp"
#include "drivers/matrix/parse.hpp"
#include "drivers/msd/parse.hpp"
#include "drivers/nanodrop/parse.hpp"
#include "drivers/qubit/parse.hpp"
#include "drivers/skanit/parse.hpp"
#include "drivers/smartcontrol/parse.hpp"
#include "drivers/softmax/parse.hpp"
#include "drivers/text_table.hpp"
#include "drivers/workbook.hpp"
#include "drivers/workbook_trouble.hpp"
#include "drivers/xponent/parse.hpp"
#include "drivers/zip_directory.hpp"

namespace marrowlink {

namespace {

// What a file that nothing recognises looks like, in words.
std::string looks_like(std::string_view bytes) {
    if (bytes.empty()) return "it is empty";
    if (bytes.find_first_not_of('\0') == std::string_view::npos)
        return "it holds only NUL bytes: space is reserved, the content is not written yet";
    if (begins_as_zip(bytes)) return "it is a zip archive, perhaps an .xlsx workbook of other software";
    auto const text = TextTable::decode(bytes.substr(0, 4'096));
    if (text)
        for (auto const& line : text->lines())
            if (line.text.find_first_not_of(" \t") != std::string_view::npos) return "it begins with the text " + in_quotes(line.text);
    std::string hex;
    for (char c : bytes.substr(0, 8)) hex += fmt::format("{}{:02X}", hex.empty() ? "" : " ", static_cast<unsigned char>(c));
    return "it begins with the bytes " + hex;
}

}  // namespace

std::span<ExportFormat const> export_formats() {
    static std::array const formats{gen5_format(),    softmax_format(),       mars_format(),       envision_format(),
                                    kaleido_format(), lunatic_format(),       nanodrop_format(),   qubit_format(),
                                    msd_format(),     xponent_format(),       immunospot_format(), matrix_format(),
                                    skanit_format(),  smart_control_format(), magellan_format(),   fcs_format()};
    return formats;
}

Result<ExportFormat const*> recognise(std::string_view bytes) {
    for (auto const& format : export_formats())
        if (format.recognises(bytes)) return &format;
    if (auto trouble = workbook_trouble(bytes); !trouble) return fail(std::move(trouble.error()));
    std::string known;
    for (auto const& format : export_formats()) known += (known.empty() ? "" : ", ") + std::string{format.title};
    return fail(Fault::refused, fmt::format("No format known here recognises the file: {}. Known are: {}.", looks_like(bytes), known));
}

}  // namespace marrowlink
