// What the tables and cases of the shared FCS files hold, which a separate reader wrote.
#pragma once

#include <string>

#include "core/json.hpp"

namespace plate_test {

// The file beside `expected` is refused where that says so, and has its data sets otherwise; events that are missing are what `present`
// shows. Returns how many data sets were compared.
std::size_t same_as_datasets(std::string const& bytes, marrowlink::json::value const& expected);

// A case: every event, or the sentence of its refusal up to its advice, which depends on who asks. Returns how many events were compared.
std::size_t same_as_cytometry_case(std::string const& bytes, marrowlink::json::value const& expected);

}  // namespace plate_test
