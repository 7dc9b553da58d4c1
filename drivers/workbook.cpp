#include "drivers/workbook.hpp"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <sstream>

#include "drivers/decimal.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink {

namespace {

constexpr std::uint64_t small_part_bytes = 1u << 20;  // packs as well as it pleases
constexpr std::size_t head_bytes = 32u << 10;         // of each sheet, for telling formats apart

std::string_view bare(std::string_view name) { return name.substr(name.find(':') + 1); }  // without the namespace's prefix
std::string_view name_of(pugi::xml_node node) { return bare(node.name()); }
pugi::xml_node child(pugi::xml_node node, std::string_view name) {
    for (pugi::xml_node const one : node.children())
        if (name_of(one) == name) return one;
    return {};
}
std::string_view attribute(pugi::xml_node node, std::string_view name) {
    for (pugi::xml_attribute const one : node.attributes())
        if (bare(one.name()) == name) return one.value();
    return {};
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    auto const [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (bad != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

// The text of <si> or <is>: one <t>, or those of runs that are formatted apart. Readings aids for Japanese (<rPh>) are no part of it.
std::string string_of(pugi::xml_node item) {
    std::string text;
    for (pugi::xml_node const one : item.children())
        if (name_of(one) == "t")
            text += one.text().get();
        else if (name_of(one) == "r")
            text += child(one, "t").text().get();
    return text;
}

std::string in_folder(std::string_view folder, std::string_view target) {
    return target.starts_with('/') ? std::string{target.substr(1)} : fmt::format("{}{}", folder, target);
}

// Beside the cells: who reserved the workbook and where it was saved, ranges of other files, headers, links, hints.
bool may_name(pugi::xml_node node) {
    for (std::string_view const name : {"absPath", "fileSharing", "definedName", "headerFooter", "hyperlinks", "dataValidations",
                                        "protectedRanges", "scenarios", "customSheetViews"})
        if (name_of(node) == name) return true;
    return std::string_view{node.attribute("TargetMode").value()} == "External";
}

// The root without what may name someone, and with `texts` for strings or cells by their number.
void edit(pugi::xml_node root, std::map<std::uint32_t, std::string_view> const& texts) {
    while (pugi::xml_node const node = root.find_node(may_name)) node.parent().remove_child(node);
    std::string_view const name = root.name();
    std::string const prefix{name.substr(0, name.size() - bare(name).size())};
    std::uint32_t nth = 0;
    auto const replace = [&](pugi::xml_node item, bool cell) {
        auto const text = texts.find(nth++);
        if (text == texts.end()) return;
        item.remove_children();
        if (cell) {
            item.remove_attribute("t");
            if (text->second.empty()) return;
            item.append_attribute("t") = "inlineStr";
            item = item.append_child((prefix + "is").c_str());
        }
        item.append_child((prefix + "t").c_str()).text() = std::string{text->second}.c_str();
    };
    if (name_of(root) == "sst")
        for (pugi::xml_node const one : root.children())
            if (name_of(one) == "si") replace(one, false);
    for (pugi::xml_node const row : child(root, "sheetData").children())
        for (pugi::xml_node const one : row.children())
            if (name_of(one) == "c") replace(one, true);
}

struct Close {
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_file_t* file) const { (void)zip_fclose(file); }
};

// An archive of one part.
std::string packed_alone(std::string_view text, bool stored) {
    zip_error_t error;
    zip_source_t* const file = zip_source_buffer_create(nullptr, 0, 0, &error);
    if (file == nullptr) return {};
    zip_source_keep(file);
    std::unique_ptr<zip_source_t, decltype(&zip_source_free)> const kept{file, zip_source_free};
    std::unique_ptr<zip_t, Close> archive{zip_open_from_source(file, ZIP_CREATE | ZIP_TRUNCATE, &error)};
    if (!archive) return {};
    zip_source_t* const content = zip_source_buffer(archive.get(), text.data(), text.size(), 0);
    zip_int64_t const part = content ? zip_file_add(archive.get(), "part", content, 0) : -1;
    constexpr int best = 9;
    if (part < 0 ||
        zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(part), stored ? ZIP_CM_STORE : ZIP_CM_DEFLATE, best) != 0)
        return {};
    if (zip_close(archive.get()) != 0) return {};
    (void)archive.release();
    zip_stat_t stat;
    if (zip_source_stat(file, &stat) != 0 || zip_source_open(file) != 0) return {};
    std::string bytes(static_cast<std::size_t>(stat.size), '\0');
    zip_int64_t const filled = zip_source_read(file, bytes.data(), bytes.size());
    zip_source_close(file);
    return filled == static_cast<zip_int64_t>(bytes.size()) ? bytes : std::string{};
}

}  // namespace

class WorkbookReader {
 public:
    WorkbookReader(std::string_view bytes, bool head) : bytes_(bytes), head_(head) {}

    // For the part without what may name someone, and with other texts for its strings or cells, by their number; without anything, if it
    // is not to be kept. Empty: it cannot be made as long as it was.
    std::vector<ZipPatch> patches_without(std::size_t part, bool keep, std::map<std::uint32_t, std::string_view> const& texts) {
        std::string text;
        pugi::xml_document xml;
        if (keep) {
            if (!load(part, xml)) return {};
            edit(xml.document_element(), texts);
            std::ostringstream out;
            xml.save(out, "", pugi::format_raw);
            text = out.str();
        }
        // Where it is a byte or two too long or too short, blanks at its end make it fit.
        constexpr int attempts = 64;
        for (int attempt = 0; attempt < attempts; ++attempt, text += ' ') {
            if (parts()[part].stored) text.resize(std::max<std::size_t>(text.size(), parts()[part].packed), ' ');
            auto const packed = packed_alone(text, parts()[part].stored);
            auto const directory = zip_directory(packed);
            if (!directory || directory->parts.size() != 1) return {};
            if (auto patches = zip_patches(bytes_, parts()[part], packed, directory->parts.front())) return *std::move(patches);
        }
        return {};
    }

    Result<Workbook> read() {
        if (auto done = open(); !done) return fail(std::move(done.error()));
        for (std::size_t part = 0; !head_ && part < parts().size(); ++part)
            if (auto const done = content(part); !done) return fail(done.error());
        if (auto done = read_book(); !done) return fail(std::move(done.error()));
        return std::move(book_);
    }

    Result<void> open() {
        if (bytes_.size() > workbook_bytes_max)
            return fail(Fault::refused, fmt::format("The workbook has {} bytes; at most {} are read.", bytes_.size(), workbook_bytes_max));
        auto directory = zip_directory(bytes_);
        if (!directory) return fail(std::move(directory.error()));
        book_.directory_ = *std::move(directory);
        book_.nameless_.resize(parts().size());
        book_.read_.resize(parts().size());
        contents_.resize(parts().size());
        std::uint64_t unpacked = 0;
        for (ZipPart const& part : parts()) {
            unpacked += part.unpacked;
            if (part.unpacked > small_part_bytes && part.unpacked > part.packed * workbook_part_ratio_max)
                return wrong(part.name, fmt::format("{} bytes unpack to {}, more than {} times as many", part.packed, part.unpacked,
                                                    workbook_part_ratio_max));
        }
        if (unpacked > workbook_unpacked_bytes_max)
            return fail(Fault::refused,
                        fmt::format("The workbook unpacks to {} bytes; at most {} are read.", unpacked, workbook_unpacked_bytes_max));
        zip_error_t error;
        zip_error_init(&error);
        zip_source_t* const source = zip_source_buffer_create(bytes_.data(), bytes_.size(), 0, &error);
        if (source == nullptr) return fail(Fault::broken, "There is no memory for a zip archive.");
        archive_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
        if (archive_) return {};
        zip_source_free(source);
        auto refusal = fail(Fault::refused, fmt::format("The zip archive is damaged: {}.", zip_error_strerror(&error)));
        zip_error_fini(&error);
        return refusal;
    }

 private:
    std::vector<ZipPart> const& parts() const { return book_.directory_.parts; }
    std::size_t part_named(std::string_view name) const {
        auto const found = std::find_if(parts().begin(), parts().end(), [&](ZipPart const& one) { return one.name == name; });
        return static_cast<std::size_t>(found - parts().begin());
    }
    static tl::unexpected<Error> wrong(std::string_view part, std::string const& why) {
        return fail(Fault::refused, fmt::format("Part {} of the workbook: {}.", in_quotes(part), why));
    }

    // Unpacked, and its checksum compared; of a head only the first bytes, and nothing compared.
    Result<std::string_view> content(std::size_t part) {
        if (contents_[part]) return std::string_view{*contents_[part]};
        ZipPart const& one = parts()[part];
        auto const damaged = [&] { return fail(Fault::unavailable, fmt::format("the part {} does not check", in_quotes(one.name))); };
        std::unique_ptr<zip_file_t, Close> const file{zip_fopen(archive_.get(), one.name.c_str(), ZIP_FL_ENC_RAW)};
        if (!file) return damaged();
        bool const cut = head_ && one.unpacked > head_bytes && one.name.find("/worksheets/") != std::string::npos;
        std::string text(static_cast<std::size_t>(cut ? head_bytes : one.unpacked), '\0');
        std::size_t filled = 0;
        while (filled < text.size()) {
            zip_int64_t const more = zip_fread(file.get(), text.data() + filled, text.size() - filled);
            if (more <= 0) return damaged();
            filled += static_cast<std::size_t>(more);
        }
        char beyond = 0;  // only at the end the checksum is compared
        if (!cut && zip_fread(file.get(), &beyond, 1) != 0) return damaged();
        return std::string_view{contents_[part].emplace(std::move(text))};
    }

    Result<void> load(std::size_t part, pugi::xml_document& into) {
        auto const text = content(part);
        if (!text) return fail(text.error());
        book_.read_[part] = true;
        auto const parsed = into.load_buffer(text->data(), text->size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
        if (!parsed && !head_)
            return wrong(parts()[part].name, fmt::format("it is no XML: {} at byte {}", parsed.description(), parsed.offset));
        return {};
    }

    struct Relation {
        std::string_view kind;  // the last word of its type: "worksheet"
        std::size_t part;
    };
    // Those of the part `name` in `folder`, by their ids.
    Result<std::map<std::string, Relation, std::less<>>> relations(std::string_view folder, std::string_view name) {
        std::map<std::string, Relation, std::less<>> out;
        std::size_t const part = part_named(fmt::format("{}_rels/{}.rels", folder, name));
        if (part == parts().size()) return out;
        book_.nameless_[part] = true;
        pugi::xml_document& xml = documents_.emplace_back();
        if (auto done = load(part, xml); !done) return fail(std::move(done.error()));
        for (pugi::xml_node const one : xml.document_element().children()) {
            std::string_view const type = attribute(one, "Type");
            if (may_name(one)) {
                book_.nameless_[part] = false;
                continue;
            }
            out[std::string{attribute(one, "Id")}] = {type.substr(type.rfind('/') + 1),
                                                      part_named(in_folder(folder, attribute(one, "Target")))};
        }
        return out;
    }

    Result<void> read_book() {
        if (std::size_t const types = part_named("[Content_Types].xml"); types < parts().size()) book_.nameless_[types] = true;
        auto const top = relations("", "");
        if (!top) return fail(top.error());
        auto const main = std::find_if(top->begin(), top->end(), [&](auto const& one) { return one.second.kind == "officeDocument"; });
        if (main == top->end() || main->second.part == parts().size())
            return fail(Fault::refused, "The zip archive is no workbook: it names no document.");
        std::size_t const part = main->second.part;
        std::string_view const path = parts()[part].name;
        std::size_t const slash = path.rfind('/') + 1;
        if (path.ends_with(".bin"))
            return fail(Fault::refused, "It is a binary workbook (.xlsb), which is not read here; save it as .xlsx.");
        auto const related = relations(path.substr(0, slash), path.substr(slash));
        if (!related) return fail(related.error());

        pugi::xml_document xml;
        if (auto done = load(part, xml); !done) return done;
        pugi::xml_node const root = xml.document_element();
        if (name_of(root) != "workbook") return fail(Fault::refused, "The zip archive holds an office document that is no workbook.");
        book_.since_1904_ =
            attribute(child(root, "workbookPr"), "date1904") == "1" || attribute(child(root, "workbookPr"), "date1904") == "true";
        book_.nameless_[part] = !root.find_node(may_name);
        book_.strings_ = parts().size();
        for (auto const& [id, relation] : *related) {
            if (relation.part == parts().size()) continue;
            if (relation.kind == "sharedStrings")
                if (auto done = read_strings(relation.part); !done) return done;
            if (relation.kind == "styles")
                if (auto done = read_styles(relation.part); !done) return done;
            if (relation.kind == "theme") book_.nameless_[relation.part] = true;
        }
        for (pugi::xml_node const sheet : child(root, "sheets").children()) {
            std::string_view const name = attribute(sheet, "name");
            auto const found = related->find(attribute(sheet, "id"));
            if (found == related->end() || found->second.part == parts().size())
                return wrong(path, fmt::format("the sheet {} is not in the archive", in_quotes(name)));
            if (found->second.kind != "worksheet") continue;  // a chart
            if (book_.sheets_.size() == workbook_sheets_max)
                return fail(Fault::refused, fmt::format("The workbook has more than {} sheets.", workbook_sheets_max));
            if (auto done = read_sheet(std::string{name}, found->second.part); !done) return done;
        }
        return {};
    }

    Result<void> read_strings(std::size_t part) {
        pugi::xml_document xml;
        if (auto done = load(part, xml); !done) return done;
        for (pugi::xml_node const one : xml.document_element().children())
            if (name_of(one) == "si") strings_.push_back(string_of(one));
        book_.strings_ = part;
        book_.nameless_[part] = true;  // but for what name_bearing() hears of
        return {};
    }

    Result<void> read_styles(std::size_t part) {
        pugi::xml_document xml;
        if (auto done = load(part, xml); !done) return done;
        std::map<std::string_view, bool> own;
        for (pugi::xml_node const one : child(xml.document_element(), "numFmts").children())
            own[attribute(one, "numFmtId")] = is_date_format(attribute(one, "formatCode"));
        for (pugi::xml_node const one : child(xml.document_element(), "cellXfs").children()) {
            std::string_view const id = attribute(one, "numFmtId");
            auto const found = own.find(id);
            dated_.push_back(found != own.end() ? found->second : is_date_format(number_of<std::uint32_t>(id).value_or(0)));
        }
        book_.nameless_[part] = true;
        return {};
    }

    Result<void> read_sheet(std::string name, std::size_t part) {
        Sheet sheet;
        sheet.name = std::move(name);
        sheet.part = part;
        pugi::xml_document xml;
        if (auto done = load(part, xml); !done) return done;
        pugi::xml_node const root = xml.document_element();
        if (name_of(root) != "worksheet") return wrong(parts()[part].name, "it is no worksheet");
        book_.nameless_[part] = !root.find_node(may_name);
        std::uint32_t row = 0;
        nth_ = 0;
        for (pugi::xml_node const line : child(root, "sheetData").children()) {
            auto done = read_row(sheet, row, line);
            if (!done && head_) break;  // where it was cut
            if (!done) return done;
        }
        book_.sheets_.push_back(std::move(sheet));
        return {};
    }

    Result<void> read_row(Sheet& sheet, std::uint32_t& row, pugi::xml_node line) {
        std::string_view const number = attribute(line, "r");
        std::uint32_t const next = number.empty() ? row + 1 : number_of<std::uint32_t>(number).value_or(0);
        if (next <= row || next > sheet_rows_max)
            return fail(Fault::refused,
                        fmt::format("Sheet {}: the row {} stands behind row {}.", in_quotes(sheet.name), in_quotes(number), row));
        row = next;
        std::uint32_t column = 0;
        for (pugi::xml_node const node : line.children()) {
            if (name_of(node) != "c") continue;
            std::uint32_t const nth = nth_++;
            std::string_view const place = attribute(node, "r");
            auto const stated = place.empty() ? std::optional{std::pair{row, column + 1}} : row_and_column(place);
            if (!stated || stated->first != row || stated->second <= column || stated->second > sheet_columns_max)
                return fail(Fault::refused, fmt::format("Sheet {}: the cell {} does not stand in its place, behind column {} of row {}.",
                                                        in_quotes(sheet.name), in_quotes(place), column, row));
            column = stated->second;
            Cell cell;
            cell.nth = nth;
            cell.row = row;
            cell.column = column;
            if (auto done = read_value(node, cell); !done)
                return fail(Fault::refused,
                            fmt::format("Sheet {} cell {}: {}.", in_quotes(sheet.name), place_of(cell), done.error().message));
            if (trimmed(cell.text).empty()) continue;
            if (++cells_ > workbook_cells_max)
                return fail(Fault::refused, fmt::format("The workbook has more than {} cells.", workbook_cells_max));
            sheet.cells.push_back(std::move(cell));
        }
        return {};
    }

    Result<void> read_value(pugi::xml_node node, Cell& cell) const {
        std::string_view const type = attribute(node, "t"), stored = child(node, "v").text().get();
        cell.formula = static_cast<bool>(child(node, "f"));
        if (type == "inlineStr") {
            cell.text = string_of(child(node, "is"));
            return {};
        }
        cell.text = stored;
        if (type == "s") {
            auto const index = number_of<std::size_t>(stored);
            if (!index || *index >= strings_.size())
                return fail(Fault::refused, fmt::format("there is no shared string {}", in_quotes(stored)));
            cell.text = strings_[*index];
            cell.shared = true;
            cell.nth = static_cast<std::uint32_t>(*index);
        } else if (type == "b") {
            cell.kind = CellKind::boolean;
        } else if (type == "e") {
            cell.kind = CellKind::error;
        } else if (type == "d") {
            cell.kind = CellKind::date;
        } else if (type.empty() || type == "n") {
            auto const style = number_of<std::size_t>(attribute(node, "s"));
            cell.kind = style && *style < dated_.size() && dated_[*style] ? CellKind::date : CellKind::number;
            auto const number = decimal_of(stored);
            if (!stored.empty() && (!number || number->separator == ',')) return fail(Fault::refused, in_quotes(stored) + " is no number");
        } else if (type != "str") {
            return fail(Fault::refused, fmt::format("a cell of the type {} is not known here", in_quotes(type)));
        }
        return {};
    }

    std::string_view bytes_;
    bool head_;
    std::unique_ptr<zip_t, Close> archive_;
    std::vector<std::optional<std::string>> contents_;
    std::deque<pugi::xml_document> documents_;  // what relations point into
    std::vector<std::string> strings_;
    std::vector<bool> dated_;  // of each style of cells
    std::size_t cells_ = 0;
    std::uint32_t nth_ = 0;  // cell of the part that is read
    Workbook book_;
};

Result<Workbook> Workbook::read(std::string_view bytes) { return WorkbookReader{bytes, false}.read(); }

Workbook Workbook::head(std::string_view bytes) {
    if (!begins_as_zip(bytes)) return {};
    return WorkbookReader{bytes, true}.read().value_or(Workbook{});
}

std::vector<NameBearing> Workbook::name_bearing(std::string_view bytes, std::span<NamedCell const> cells) const {
    std::map<std::size_t, std::map<std::uint32_t, std::string_view>> named;  // of each part
    for (NamedCell const& one : cells)
        for (Sheet const& sheet : sheets_)
            if (std::less_equal<>{}(sheet.cells.data(), one.cell) && std::less<>{}(one.cell, sheet.cells.data() + sheet.cells.size()))
                named[one.cell->shared ? strings_ : sheet.part][one.cell->nth] = one.instead;
    WorkbookReader reader{bytes, false};
    if (!reader.open()) return {{0, bytes.size(), "the whole file"}};
    std::vector<NameBearing> out;
    for (std::size_t part = 0; part < nameless_.size(); ++part) {
        ZipPart const& one = directory_.parts[part];
        if ((nameless_[part] && !named.contains(part)) || one.packed == 0) continue;
        auto const patches = reader.patches_without(part, read_[part], named[part]);
        for (ZipPatch const& patch : patches) out.push_back({patch.offset, patch.bytes.size(), one.name, patch.bytes});
        if (patches.empty()) out.push_back({one.data, one.packed, one.name});
    }
    if (directory_.comment < bytes.size()) out.push_back({directory_.comment, bytes.size() - directory_.comment, "comment of the archive"});
    return out;
}

}  // namespace marrowlink
