#include "drivers/workbook_trouble.hpp"

#include <fmt/format.h>

#include "drivers/workbook.hpp"

namespace marrowlink {

Result<void> workbook_trouble(std::string_view bytes) {
    using namespace std::literals;
    if (bytes.starts_with("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv)) {
        bool const locked = bytes.find("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"sv) != std::string_view::npos;
        return fail(Fault::refused, locked ? "It is a workbook that a password encrypts; save it without one."
                                           : "It is an OLE file, perhaps an old .xls workbook; save it as .xlsx.");
    }
    // The length of a user's name, the name in 54 bytes, and both again in UTF-16.
    constexpr std::size_t lock_bytes = 165, lock_name_bytes = 54;
    if (bytes.size() == lock_bytes && bytes[0] > 0 && static_cast<std::size_t>(bytes[0]) <= lock_name_bytes &&
        bytes[lock_name_bytes + 1] == bytes[0] && bytes[lock_name_bytes + 2] == 0)
        return fail(Fault::refused, "It is the file that Excel writes beside a workbook that is open (~$…), and holds no results.");
    if (!begins_as_zip(bytes)) return {};
    if (auto const directory = zip_directory(bytes); !directory && directory.error().fault == Fault::unavailable) {
        std::string_view const first = first_zip_name(bytes);
        for (std::string_view const name : {"[Content_Types].xml", "_rels/", "docProps/", "xl/"})
            if (first.starts_with(name))
                return fail(Fault::unavailable, fmt::format("It begins as an .xlsx workbook does; {}.", directory.error().message));
        return {};
    }
    if (auto book = Workbook::read(bytes); !book) return fail(std::move(book.error()));
    return {};
}

}  // namespace marrowlink
