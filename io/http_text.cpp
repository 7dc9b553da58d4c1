#include "io/http_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/http/status.hpp>

#include "core/text.hpp"

namespace marrowlink {

std::string url_encoded(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string out;
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        bool const plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += hex[byte >> 4];
            out += hex[byte & 15];
        }
    }
    return out;
}

}  // namespace marrowlink

namespace marrowlink::http_text {
namespace {

constexpr std::string_view guard_headers =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri "
    "'none'; "
    "form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\0') return std::nullopt;
        if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            if (i + 2 >= text.size()) return std::nullopt;
            int const high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return out;
}

}  // namespace

std::optional<Target> parse_target(std::string_view target) {
    if (target.empty() || target.front() != '/') return std::nullopt;
    Target out;
    std::size_t const question = target.find('?');
    auto path = decoded(target.substr(0, question), false);
    if (!path) return std::nullopt;
    out.path = *std::move(path);
    std::string_view rest = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
    while (!rest.empty()) {
        std::size_t const end = rest.find('&');
        std::string_view const pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        std::size_t const equals = pair.find('=');
        auto name = decoded(pair.substr(0, equals), true);
        auto value = decoded(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true);
        if (!name || !value) return std::nullopt;
        if (!name->empty()) out.query.emplace(*std::move(name), *std::move(value));
    }
    return out;
}

std::string host_of(std::string_view host_header) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789.-_:";
    std::string_view host = host_header.substr(0, host_header.find(':'));
    if (host_header.starts_with('[')) {
        std::size_t const end = host_header.find(']');
        host = end == std::string_view::npos ? std::string_view{} : host_header.substr(1, end - 1);
    } else if (std::count(host_header.begin(), host_header.end(), ':') > 1) {
        return {};
    }
    std::string out = lower_case(host);
    return out.find_first_not_of(allowed) == std::string::npos ? out : std::string{};
}

bool is_own_host(std::string_view host_header, std::vector<std::string> const& names) {
    std::string const host = host_of(host_header);
    if (host.empty()) return false;
    boost::system::error_code no_address;
    boost::asio::ip::make_address(host, no_address);
    return !no_address || host == "localhost" ||
           std::any_of(names.begin(), names.end(), [&](std::string const& name) { return lower_case(name) == host; });
}

bool is_same_origin(std::string_view origin, std::string_view host_header) {
    for (std::string_view const scheme : {"http://", "https://"})
        if (origin.starts_with(scheme)) return lower_case(origin.substr(scheme.size())) == lower_case(host_header);
    return false;
}

bool is_bearer(std::string_view authorization_header, std::string_view token) {
    constexpr std::string_view scheme = "Bearer ";
    if (token.empty() || !authorization_header.starts_with(scheme)) return false;
    std::string_view const given = authorization_header.substr(scheme.size());
    if (given.size() != token.size()) return false;
    unsigned char difference = 0;
    for (std::size_t i = 0; i < token.size(); ++i) difference |= static_cast<unsigned char>(given[i] ^ token[i]);
    return difference == 0;
}

std::string header_text(HttpResponse const& response, bool keep_alive) {
    auto const reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
    std::string text = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\n", response.status,
                                   std::string_view{reason.data(), reason.size()}, response.content_type);
    if (!response.stream)
        text += fmt::format("Content-Length: {}\r\n", response.fixed_body.empty() ? response.body.size() : response.fixed_body.size());
    bool cached = false;
    for (auto const& [name, value] : response.headers) {
        text += fmt::format("{}: {}\r\n", name, value);
        cached = cached || name == "Cache-Control";
    }
    if (!cached) text += "Cache-Control: no-store\r\n";
    text += guard_headers;
    text += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
    return text;
}

}  // namespace marrowlink::http_text
