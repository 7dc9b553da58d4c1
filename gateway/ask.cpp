#include "gateway/ask.hpp"

#include <fmt/format.h>

#include "io/http.hpp"

namespace marrowlink {
namespace {
constexpr std::string_view nobody = "No gateway answers on ";
}

Task<Result<json::object>> ask_gateway(std::filesystem::path socket, Clock& clock, std::string method, std::string target,
                                       std::string body) {
    auto const answer = co_await http_request(socket, clock, std::move(method), std::move(target), std::move(body), ask_patience);
    if (!answer) co_return fail(Fault::unavailable, fmt::format("{}{}: {}", nobody, socket.string(), answer.error().message));
    auto parsed = json::parse(answer->body, "the gateway's answer");
    if (!parsed) co_return fail(parsed.error());
    if (!parsed->is_object()) co_return fail(Fault::broken, "The gateway's answer is not an object.");
    if (answer->status >= 400) {
        Fault const fault = answer->status == 503                            ? Fault::unavailable
                            : answer->status == 404 || answer->status == 400 ? Fault::usage
                                                                             : Fault::refused;
        co_return fail(fault, std::string{json::string_of(parsed->get_object(), "error")});
    }
    co_return std::move(parsed->get_object());
}

bool no_gateway(Error const& error) { return error.fault == Fault::unavailable && error.message.starts_with(nobody); }

}  // namespace marrowlink
