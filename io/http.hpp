// HTTP/1.1 for the pages, the API and their command-line clients; Boost.Beast's one door. Coroutines on the loop, no thread. One server
// listens on a TCP address, on a Unix socket, or on both, with one handler.
//
// Who may write (any method but GET and HEAD): whoever reaches the Unix socket (file mode 0660); over TCP only a page of this very server,
// shown by its Origin header; and when the TCP address is not a loopback one, only with the token besides. Whoever asks over TCP names an
// IP address, localhost or one of `host_names` in the Host header, which keeps out pages of foreign names that resolve to us. Refusals: 403
// and 421, with a sentence.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/settings.hpp"

namespace marrowlink {

struct HttpRequest {
    std::string method;                                     // "GET"
    std::string path;                                       // percent-decoded, begins with '/'
    std::map<std::string, std::string, std::less<>> query;  // decoded; a name that comes twice keeps its first value
    std::string content_type, body;
    bool local = false;  // came over the Unix socket
};

// A response without an end: server-sent events. One object per client.
class HttpStream {
 public:
    virtual ~HttpStream() = default;
    // The next bytes, waiting for them; nothing ends the response. Not called again before the client has taken the last ones.
    virtual Task<std::optional<std::string>> next() = 0;
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string_view fixed_body;  // in place of `body`, for text that outlives the server
    std::vector<std::pair<std::string, std::string>> headers;
    std::shared_ptr<HttpStream> stream;  // in place of both
};

using HttpHandler = std::function<Task<HttpResponse>(HttpRequest const&)>;

struct HttpLimits {
    std::uint32_t header_bytes = 8u << 10;  // a longer request header is answered 431
    std::uint64_t body_bytes = 16u << 10;   // a longer request body is answered 413
    std::size_t connections = 64;           // per listener; one more ends the longest idle one, or is answered 503 when none is idle
    std::size_t streams = 16;               // one more is answered 503
    std::chrono::milliseconds request_time{10'000};  // from first to last byte of a request; then the connection is closed
    std::chrono::milliseconds idle_time{60'000};     // without a request; then the connection is closed
    std::chrono::milliseconds response_time{
        20'000};  // for the client to take a response, or one piece of a stream; then the connection is closed
};
inline constexpr std::chrono::milliseconds http_deadline_step{1'000};  // deadlines are looked at this often while a connection is open

struct HttpOptions {
    std::optional<settings::HostPort> tcp;  // port 0: any free one
    std::filesystem::path socket;           // empty: none. One left by a dead process is replaced, a living one is not
    std::string token;                      // empty: beyond loopback nobody writes. Sent as "Authorization: Bearer …"
    std::vector<std::string> host_names;    // names under which the page may be opened, besides addresses and localhost
    HttpLimits limits;
};

class HttpServer {
 public:
    // What `handler` refers to lives until the loop has ended or been destroyed, for a request may be waiting inside it.
    HttpServer(boost::asio::any_io_executor loop, Clock& clock, HttpOptions options, HttpHandler handler);
    ~HttpServer();
    HttpServer(HttpServer const&) = delete;
    HttpServer& operator=(HttpServer const&) = delete;

    // Listens on everything asked for, or on nothing. The error names the address and what to do.
    Result<void> start();
    void stop();  // closes everything, and removes the socket's file

    std::uint16_t port() const;   // the real one
    std::string address() const;  // "http://127.0.0.1:8080", for people
    std::size_t connections() const;
    std::size_t streams() const;

 private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

// The port of a server with status and body, for the command line.
struct HttpAnswer {
    unsigned status = 0;
    std::string content_type, body;
};
inline constexpr std::uint64_t http_answer_bytes_max = 64u << 20;

// One request on a connection of its own. `to` is a Unix socket's path, or a TCP address.
Task<Result<HttpAnswer>> http_request(std::filesystem::path to, Clock& clock, std::string method, std::string target, std::string body,
                                      std::chrono::milliseconds timeout);
Task<Result<HttpAnswer>> http_request(settings::HostPort to, Clock& clock, std::string method, std::string target, std::string body,
                                      std::chrono::milliseconds timeout);

// A path segment or query value, percent-encoded.
std::string url_encoded(std::string_view text);

}  // namespace marrowlink
