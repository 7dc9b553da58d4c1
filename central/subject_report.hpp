// One subject's page as one file that shows itself anywhere, with no network: what a person keeps, prints, or hands on. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"

namespace marrowlink::central {

// HTML. `comparison`: of comparison.hpp; `results`: of its plates, in their order.
std::string subject_report(json::object const& comparison, std::vector<json::object> const& results);

}  // namespace marrowlink::central
