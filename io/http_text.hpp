// The parts of HTTP that are functions from text to text: targets, hosts, response headers. Pure; used by io/http.cpp and its tests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/http.hpp"

namespace marrowlink::http_text {

struct Target {
    std::string path;
    std::map<std::string, std::string, std::less<>> query;
};

// "/a%20b?x=1" → "/a b", {x: 1}. Nothing for what does not begin with '/', for a broken percent sign and for a NUL.
std::optional<Target> parse_target(std::string_view target);

// "lab-pc:8080" → "lab-pc", "[::1]:80" → "::1"; lower case. Empty when it is no host.
std::string host_of(std::string_view host_header);

// An IP address, localhost, or one of `names`: what a foreign page cannot make a browser send under its own name.
bool is_own_host(std::string_view host_header, std::vector<std::string> const& names);

// Is `origin` ("http://lab-pc:8080") a page of the server that `host_header` ("lab-pc:8080") names?
bool is_same_origin(std::string_view origin, std::string_view host_header);

// Takes as long for a wrong token as for a right one of the same length.
bool is_bearer(std::string_view authorization_header, std::string_view token);

// Status line and headers, the blank line included: what every response of ours forbids a browser to do, and no caching unless it says
// otherwise.
std::string header_text(HttpResponse const& response, bool keep_alive);

}  // namespace marrowlink::http_text
