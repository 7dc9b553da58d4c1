#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "gateway/alarms.hpp"
#include "gateway/certificate_view.hpp"
#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {

struct World {
    boost::asio::io_context loop;
    sim::VirtualClock clock{loop};
    StatusBoard board{clock, "lyon", "gw-1"};

    // The alarms as "id subject severity", in the board's order.
    std::vector<std::string> alarms(CertificateView const& certificate) {
        alarms::follow_certificate(board, certificate, clock.utc());
        std::vector<std::string> out;
        json::object const status = board.json();
        for (json::value const& value : status.at("alarms").as_array()) {
            json::object const& alarm = value.as_object();
            out.push_back(std::string{json::string_of(alarm, "id")} + ' ' + std::string{json::string_of(alarm, "subject")} + ' ' +
                          std::string{json::string_of(alarm, "severity")});
        }
        return out;
    }
    CertificateView ending_in(std::chrono::milliseconds span) {
        CertificateView view;
        view.ends = clock.utc() + span;
        return view;
    }
};

}  // namespace

TEST_CASE("a certificate near its end is one alarm at 30, 7 and 1 days, each in place of the last (field 57)") {
    World world;
    using Alarms = std::vector<std::string>;
    CHECK(world.alarms(CertificateView{}).empty());
    CHECK(world.alarms(world.ending_in(24h * 31)).empty());
    CHECK(world.alarms(world.ending_in(24h * 31 - 1s)) == Alarms{"certificate.ends 30 warn"});
    CHECK(world.alarms(world.ending_in(24h * 8)) == Alarms{"certificate.ends 30 warn"});
    CHECK(world.alarms(world.ending_in(24h * 8 - 1s)) == Alarms{"certificate.ends 7 warn"});
    CHECK(world.alarms(world.ending_in(24h * 2)) == Alarms{"certificate.ends 7 warn"});
    CHECK(world.alarms(world.ending_in(24h * 2 - 1s)) == Alarms{"certificate.ends 1 error"});
    CHECK(world.alarms(world.ending_in(1s)) == Alarms{"certificate.ends 1 error"});
    CertificateView expired = world.ending_in(-1s);
    expired.expired = true;
    CHECK(world.alarms(expired) == Alarms{"link.certificate_expired  error"});
    CHECK(world.alarms(world.ending_in(24h * 90)).empty());
}

TEST_CASE("certificate files that are missing or hold none are named (field 53)") {
    auto const directory = std::filesystem::temp_directory_path() / "marrowlink-certificate-test";
    std::filesystem::create_directories(directory);
    auto const ca = directory / "ca.pem";
    std::ofstream{ca} << "not a certificate\n";
    TlsConfig tls;
    tls.ca = ca;
    World world;
    CHECK(certificate_view(tls, world.clock.utc()).problem == ca.string() + " holds no PEM certificate.");
    tls.ca = directory / "absent.pem";
    CHECK(certificate_view(tls, world.clock.utc()).problem == "The certificate " + tls.ca.string() + " cannot be read.");
    CHECK_FALSE(certificate_view(tls, world.clock.utc()).ends);
    std::filesystem::remove_all(directory);
}
