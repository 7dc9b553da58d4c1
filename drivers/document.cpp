#include "drivers/document.hpp"

#include <fmt/format.h>

namespace marrowlink {

Completeness completeness_of(Result<Document> const& read) {
    if (read || read.error().fault != Fault::unavailable) return {true, {}};
    return {false, read.error().message};
}

Result<Document> whole_or_refused(Result<Document> read, std::string_view title) {
    if (read || read.error().fault != Fault::unavailable) return read;
    std::string_view message = read.error().message;
    if (message.ends_with('.')) message.remove_suffix(1);
    return fail(Fault::refused, fmt::format("The {} is not complete: {}.", title, message));
}

}  // namespace marrowlink
