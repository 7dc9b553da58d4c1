// Boost.JSON's one door. Objects keep the order in which members were added, so that what is written once reads naturally.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace marrowlink::json {

using boost::json::array;
using boost::json::object;
using boost::json::serialize;
using boost::json::value;

// At most 32 levels deep. `what` names the text in the error: "acknowledgement", "record lyon/…".
Result<value> parse(std::string_view text, std::string_view what);

// The same of an object; what is none is refused.
Result<object> parse_object(std::string_view text, std::string_view what);

// Empty, or 0, when the member is absent or of another kind.
std::string_view string_of(object const& from, std::string_view name);
std::int64_t integer_of(object const& from, std::string_view name);

// What is empty is left out: an absent member is what nobody said.
void put_text(object& into, std::string_view name, std::string_view text);

}  // namespace marrowlink::json
