#include "io/http.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "io/http_text.hpp"
#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Folder {
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "http-test-XXXXXX").string();
        path = mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

class Ticks final : public HttpStream {
 public:
    Ticks(Clock& clock, std::size_t bytes) : clock_(clock), bytes_(bytes) {}
    Task<std::optional<std::string>> next() override {
        co_await clock_.sleep_for(1s);
        co_return std::string(bytes_, '.');
    }

 private:
    Clock& clock_;
    std::size_t bytes_;
};

struct World {
    asio::io_context loop;
    sim::VirtualClock clock{loop};
    Folder folder;
    HttpOptions options;
    std::vector<HttpRequest> seen;
    std::size_t tick_bytes = 1;
    std::unique_ptr<HttpServer> server;

    World() {
        options.tcp = settings::HostPort{"127.0.0.1", 0};
        options.socket = folder.path / "gateway.sock";
    }
    void start() {
        server = std::make_unique<HttpServer>(loop.get_executor(), clock, options,
                                              [this](HttpRequest const& request) { return handle(request); });
        auto const started = server->start();
        if (!started) throw std::runtime_error(started.error().message);
    }
    Task<HttpResponse> handle(HttpRequest const& request) {
        seen.push_back(request);
        HttpResponse response;
        response.body = "hello";
        if (request.path == "/events") response.stream = std::make_shared<Ticks>(clock, tick_bytes);
        if (request.path == "/large") response.body.assign(8u << 20, 'x');
        co_return response;
    }

    asio::ip::tcp::socket connect() {
        asio::ip::tcp::socket socket(loop);
        socket.connect({asio::ip::address_v4::loopback(), server->port()});
        return socket;
    }
    // Everything that comes back until the server has nothing more to say, with no time passing.
    std::string say(asio::ip::tcp::socket& socket, std::string_view text) {
        asio::write(socket, asio::buffer(text));
        return hear(socket);
    }
    std::string hear(asio::ip::tcp::socket& socket) {
        std::string heard(1u << 16, '\0');
        clock.settle();
        socket.non_blocking(true);
        boost::system::error_code error;
        heard.resize(socket.read_some(asio::buffer(heard), error));
        ended = error == asio::error::eof || error == asio::error::connection_reset;
        socket.non_blocking(false);
        return heard;
    }
    unsigned status(std::string_view text) {
        auto socket = connect();
        std::string const heard = say(socket, text);
        return heard.starts_with("HTTP/1.1 ") ? static_cast<unsigned>(std::stoul(heard.substr(9, 3))) : 0;
    }
    // Has the server closed this connection?
    bool closed(asio::ip::tcp::socket& socket) {
        while (!hear(socket).empty()) {
        }
        return ended;
    }
    bool ended = false;
};

std::string const host = "Host: 127.0.0.1\r\n";

}  // namespace

TEST_CASE("a request over TCP and over the Unix socket reaches the same handler, and the socket is for its group only") {
    World world;
    world.start();
    auto const over_tcp = world.clock.finish(
        http_request(settings::HostPort{"127.0.0.1", world.server->port()}, world.clock, "GET", "/a%20b?x=1&y=%C3%A9&x=2", "", 5s));
    REQUIRE(over_tcp);
    CHECK(over_tcp->status == 200);
    CHECK(over_tcp->body == "hello");
    auto const over_socket = world.clock.finish(http_request(world.options.socket, world.clock, "POST", "/start", R"({"plate":"P"})", 5s));
    REQUIRE(over_socket);
    REQUIRE(world.seen.size() == 2);
    CHECK(world.seen[0].path == "/a b");
    CHECK(world.seen[0].query.at("x") == "1");
    CHECK(world.seen[0].query.at("y") == "é");
    CHECK_FALSE(world.seen[0].local);
    CHECK(world.seen[1].local);
    CHECK(world.seen[1].body == R"({"plate":"P"})");
    using std::filesystem::perms;
    CHECK((std::filesystem::status(world.options.socket).permissions() & perms::others_all) == perms::none);
    world.server->stop();
    CHECK_FALSE(std::filesystem::exists(world.options.socket));
}

TEST_CASE("a socket left by a dead process is replaced, one that answers is not") {
    World world;
    { asio::local::stream_protocol::acceptor dead(world.loop, {world.options.socket.string()}); }
    REQUIRE(std::filesystem::exists(world.options.socket));
    world.start();
    HttpServer second(world.loop.get_executor(), world.clock, world.options,
                      [&](HttpRequest const& request) { return world.handle(request); });
    auto const refused = second.start();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::unavailable);
    CHECK(refused.error().message.find("running twice") != std::string::npos);
}

TEST_CASE("a port in use and a host that is no address are named") {
    World world;
    world.start();
    HttpOptions options;
    options.tcp = settings::HostPort{"127.0.0.1", world.server->port()};
    HttpServer second(world.loop.get_executor(), world.clock, options, nullptr);
    CHECK(second.start().error().message.find("127.0.0.1:" + std::to_string(world.server->port())) != std::string::npos);
    options.tcp = settings::HostPort{"page.example", 0};
    HttpServer third(world.loop.get_executor(), world.clock, options, nullptr);
    CHECK(third.start().error().fault == Fault::configuration);
}

TEST_CASE("nobody there is said as such by the client, and silence ends in time") {
    World world;
    auto const absent = world.clock.finish(http_request(world.folder.path / "none.sock", world.clock, "GET", "/", "", 5s));
    REQUIRE_FALSE(absent);
    CHECK(absent.error().fault == Fault::unavailable);
    asio::ip::tcp::acceptor mute(world.loop, {asio::ip::address_v4::loopback(), 0});
    auto const silent =
        world.clock.finish(http_request(settings::HostPort{"127.0.0.1", mute.local_endpoint().port()}, world.clock, "GET", "/", "", 5s));
    REQUIRE_FALSE(silent);
    CHECK(silent.error().fault == Fault::timed_out);
}

TEST_CASE("writing over TCP needs this page's own Origin, and a Host that no foreign name can imitate") {
    World world;
    world.options.host_names = {"Lab-PC"};
    world.start();
    auto const post = [&](std::string const& headers) {
        return world.status("POST /x HTTP/1.1\r\n" + headers + "Content-Length: 0\r\n\r\n");
    };
    CHECK(post(host) == 403);
    CHECK(post(host + "Origin: null\r\n") == 403);
    CHECK(post(host + "Origin: http://evil.example\r\n") == 403);
    CHECK(post(host + "Origin: http://127.0.0.1:81\r\n") == 403);
    CHECK(post(host + "Origin: http://127.0.0.1.evil.example\r\n") == 403);
    CHECK(post("Host: evil.example\r\nOrigin: http://evil.example\r\n") == 421);
    CHECK(post("Origin: http://127.0.0.1\r\n") == 421);
    CHECK(world.status("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n") == 421);
    CHECK(world.status("GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n") == 421);
    CHECK(world.seen.empty());
    CHECK(post(host + "Origin: http://127.0.0.1\r\n") == 200);
    CHECK(post("Host: lab-pc:8080\r\nOrigin: http://LAB-PC:8080\r\n") == 200);
    CHECK(post("Host: [::1]:8080\r\nOrigin: http://[::1]:8080\r\n") == 200);
    CHECK(world.seen.size() == 3);
}

TEST_CASE("beyond loopback the page is read-only unless a token is configured and sent") {
    World world;
    world.options.tcp->host = "0.0.0.0";
    auto const post = [&](std::string const& headers) {
        return world.status("POST /x HTTP/1.1\r\n" + host + "Origin: http://127.0.0.1\r\n" + headers + "Content-Length: 0\r\n\r\n");
    };
    SECTION("without a token") {
        world.start();
        CHECK(post("") == 403);
        CHECK(post("Authorization: Bearer \r\n") == 403);
        CHECK(world.status("GET / HTTP/1.1\r\n" + host + "\r\n") == 200);
    }
    SECTION("with one") {
        world.options.token = "s3cret";
        world.start();
        CHECK(post("") == 401);
        CHECK(post("Authorization: Bearer s3cres\r\n") == 401);
        CHECK(post("Authorization: Bearer s3cret1\r\n") == 401);
        CHECK(world.seen.empty());
        CHECK(post("Authorization: Bearer s3cret\r\n") == 200);
    }
}

TEST_CASE("a header and a body are taken up to their limits; beyond, the answer says which (field 23)") {
    World world;
    world.options.limits.header_bytes = 1000;
    world.options.limits.body_bytes = 100;
    world.start();
    auto const with_header = [&](std::size_t bytes) {
        std::string text = "GET / HTTP/1.1\r\n" + host + "X: ";
        text += std::string(bytes - text.size() - 4, 'x') + "\r\n\r\n";
        return world.status(text);
    };
    CHECK(with_header(999) == 200);
    CHECK(with_header(1000) == 200);
    CHECK(with_header(1001) == 431);
    CHECK(with_header(100'000) == 431);
    auto const with_body = [&](std::size_t bytes) {
        return world.status("POST / HTTP/1.1\r\n" + host + "Origin: http://127.0.0.1\r\nContent-Length: " + std::to_string(bytes) +
                            "\r\n\r\n" + std::string(bytes, 'x'));
    };
    CHECK(with_body(99) == 200);
    CHECK(with_body(100) == 200);
    CHECK(with_body(101) == 413);
    CHECK(with_body(50'000) == 413);
}

TEST_CASE("what is no HTTP is answered 400 or closed, and the server goes on") {
    World world;
    world.start();
    for (char const* const text :
         {"\x16\x03\x01\x02\x00\x01\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nA B\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}) {
        INFO(text);
        CHECK(world.status(text) == 400);
    }
    for (char const* const target : {"*", "http://x/", "/%", "/%4", "/%zz", "/%00", "/?a=%f"}) {
        INFO(target);
        CHECK(world.status("GET " + std::string(target) + " HTTP/1.1\r\n" + host + "\r\n") == 400);
    }
    CHECK(world.seen.empty());
    CHECK(world.status("GET / HTTP/1.1\r\n" + host + "\r\n") == 200);
}

TEST_CASE("every response forbids foreign content, and a HEAD has no body") {
    World world;
    world.start();
    auto socket = world.connect();
    std::string const heard = world.say(socket, "HEAD / HTTP/1.1\r\n" + host + "\r\n");
    CHECK(heard.find("Content-Length: 5\r\n") != std::string::npos);
    CHECK(heard.ends_with("\r\n\r\n"));
    CHECK(heard.find("Content-Security-Policy: default-src 'none'; script-src 'self';") != std::string::npos);
    CHECK(heard.find("X-Content-Type-Options: nosniff\r\n") != std::string::npos);
    // And the connection stays for the next request, also for two at once.
    std::string const again = world.say(socket, "GET / HTTP/1.1\r\n" + host + "\r\nGET / HTTP/1.1\r\n" + host + "\r\n");
    CHECK(again.find("hello") != again.rfind("hello"));
}

TEST_CASE("a client that never finishes its request is closed in time, one that says nothing later") {
    World world;
    world.start();
    auto slow = world.connect();
    world.say(slow, "GET / HT");
    auto silent = world.connect();
    world.clock.settle();
    REQUIRE(world.server->connections() == 2);
    world.clock.run_for(world.options.limits.request_time - 1s);
    CHECK(world.server->connections() == 2);
    world.clock.run_for(2s);
    CHECK(world.server->connections() == 1);
    CHECK(world.closed(slow));
    world.clock.run_for(world.options.limits.idle_time);
    CHECK(world.server->connections() == 0);
    CHECK(world.closed(silent));
    CHECK(world.clock.sleepers() == 0);
}

TEST_CASE("a client that does not take its answer is closed in time and holds up nobody") {
    World world;
    world.start();
    auto slow = world.connect();
    slow.set_option(asio::socket_base::receive_buffer_size(4096));
    world.clock.settle();
    asio::write(slow, asio::buffer("GET /large HTTP/1.1\r\n" + host + "\r\n"));
    world.clock.settle();
    CHECK(world.status("GET / HTTP/1.1\r\n" + host + "\r\n") == 200);
    world.clock.run_for(world.options.limits.response_time - 2s);
    CHECK(world.server->connections() == 1);
    world.clock.run_for(4s);
    CHECK(world.server->connections() == 0);
}

TEST_CASE("a stream runs until its client is gone or takes nothing more") {
    World world;
    world.start();
    SECTION("gone") {
        auto client = world.connect();
        world.say(client, "GET /events HTTP/1.1\r\n" + host + "\r\n");
        world.clock.run_for(3s);
        CHECK(world.hear(client).ends_with("..."));
        CHECK(world.server->streams() == 1);
        world.clock.run_for(10min);
        CHECK(world.server->streams() == 1);
        client.close();
        world.clock.run_for(3s);
        CHECK(world.server->streams() == 0);
    }
    SECTION("stuck") {
        world.tick_bytes = 8u << 20;
        auto client = world.connect();
        asio::write(client, asio::buffer("GET /events HTTP/1.1\r\n" + host + "\r\n"));
        world.clock.run_for(3s);
        CHECK(world.server->streams() == 1);
        world.clock.run_for(world.options.limits.response_time + 2s);
        CHECK(world.server->streams() == 0);
    }
}

TEST_CASE("streams are served up to their limit (field 23)") {
    World world;
    world.options.limits.streams = 2;
    world.start();
    std::vector<asio::ip::tcp::socket> clients;
    std::vector<bool> taken;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(world.connect());
        taken.push_back(world.say(clients.back(), "GET /events HTTP/1.1\r\n" + host + "\r\n").starts_with("HTTP/1.1 200"));
    }
    CHECK(taken == std::vector<bool>{true, true, false});
    CHECK(world.server->streams() == 2);
}

TEST_CASE(
    "one connection too many ends the longest idle one; when none is idle it is refused; the Unix socket has its own count (field 23)") {
    World world;
    world.options.limits.connections = 2;
    world.start();
    auto first = world.connect();
    world.say(first, "GET / HTTP/1.1\r\n" + host + "\r\n");
    world.clock.run_for(1s);
    auto second = world.connect();
    world.say(second, "GET /events HTTP/1.1\r\n" + host + "\r\n");
    auto third = world.connect();
    CHECK(world.say(third, "GET /events HTTP/1.1\r\n" + host + "\r\n").starts_with("HTTP/1.1 200"));
    CHECK(world.closed(first));
    auto fourth = world.connect();
    CHECK(world.hear(fourth).starts_with("HTTP/1.1 503"));
    CHECK(world.closed(fourth));
    auto const local = world.clock.finish(http_request(world.options.socket, world.clock, "GET", "/", "", 5s));
    REQUIRE(local);
    CHECK(local->status == 200);
}

TEST_CASE("a server that is gone leaves nothing behind that runs") {
    World world;
    world.start();
    auto client = world.connect();
    world.say(client, "GET /events HTTP/1.1\r\n" + host + "\r\n");
    auto idle = world.connect();
    world.clock.settle();
    world.server.reset();
    world.clock.run_for(3s);
    CHECK(world.clock.sleepers() == 0);
    CHECK(world.closed(client));
    CHECK(world.closed(idle));
}

TEST_CASE("what only begins like an address is nobody's host") {
    using namespace std::literals;
    for (std::string_view const host :
         {"127.0.0.1\0.example"sv, "[::1\0.example]"sv, "[fe80::1%25x.example]"sv, "[::1"sv, "::1:80"sv, ""sv, ":80"sv})
        CHECK_FALSE(http_text::is_own_host(host, {}));
    for (std::string_view const host : {"127.0.0.1:80"sv, "[::1]:80"sv, "LOCALHOST"sv}) CHECK(http_text::is_own_host(host, {}));
}

TEST_CASE("a name survives its way through a URL") {
    std::string const name = "a b/c?d=é&%\"+";
    auto const target = http_text::parse_target("/x?name=" + url_encoded(name));
    REQUIRE(target);
    CHECK(target->query.at("name") == name);
}
