// One question to a running gateway, over its Unix socket and the page's own API.
#pragma once

#include <filesystem>
#include <string>

#include "core/clock.hpp"
#include "core/json.hpp"

namespace marrowlink {

inline constexpr std::chrono::milliseconds ask_patience{30'000};  // for the whole answer

// `unavailable` when no gateway answers or it asks to try again, `refused` when it says no, `usage` when the question was wrong; the
// message is the gateway's own sentence.
Task<Result<json::object>> ask_gateway(std::filesystem::path socket, Clock& clock, std::string method, std::string target,
                                       std::string body);

bool no_gateway(Error const& error);  // that ask_gateway came back with: nobody answered on the socket

}  // namespace marrowlink
