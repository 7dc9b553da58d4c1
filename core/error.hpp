// What went wrong, as a value. Cancellation is an exception, a broken invariant a crash (docs/architecture.md, house rule 4).
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace marrowlink {

// Kinds a caller branches on. People read the message.
enum class Fault : std::uint8_t {
    usage,          // the command line is wrong
    refused,        // data was understood well enough to say no to it
    unavailable,    // a port, broker, disk or peer is not there now; trying again may help
    broken,         // an invariant of ours does not hold
    configuration,  // a configuration mistake; a person must edit a file
    full,           // a named limit is reached; nothing was taken
    closed,         // the peer or the operating system ended the connection
    timed_out,      // nothing came within the stated time
};

struct Error {
    Fault fault = Fault::broken;
    std::string message;  // a whole sentence: names the file or field, what was found, what was expected
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Fault fault, std::string message) { return tl::make_unexpected(Error{fault, std::move(message)}); }
inline tl::unexpected<Error> fail(Error error) { return tl::make_unexpected(std::move(error)); }

// Exit codes of both programs, after sysexits(3): 64 usage, 65 data refused, 69 unavailable, 70 broken invariant, 78 configuration.
constexpr int exit_code(Fault fault) {
    switch (fault) {
        case Fault::usage: return 64;
        case Fault::refused: return 65;
        case Fault::unavailable:
        case Fault::full:
        case Fault::closed:
        case Fault::timed_out: return 69;
        case Fault::broken: return 70;
        case Fault::configuration: return 78;
    }
    return 70;
}

}  // namespace marrowlink
