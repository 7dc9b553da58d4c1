#include "drivers/spectramax/protocol.hpp"

#include <catch2/catch.hpp>

#include "drivers/spectramax/parse.hpp"
#include "drivers/spectramax/simulator.hpp"

using namespace marrowlink;
using namespace marrowlink::spectramax;

namespace {
Reply decoded(std::string_view command, std::string_view bytes) {
    ReplyDecoder decoder{fields_of(command)};
    auto const reply = decoder.feed(bytes);
    REQUIRE(reply);
    INFO((*reply ? std::string{} : reply->error().message));
    REQUIRE(*reply);
    return **reply;
}

std::string refusal(std::string_view body) {
    auto const parsed = parse_transfer(body);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().fault == Fault::refused);
    return parsed.error().message;
}
}  // namespace

TEST_CASE("a command ends in a carriage return and knows how many fields answer it") {
    CHECK(encode("!STATUS") == "!STATUS\r");
    CHECK(fields_of("!STATUS") == 2);
    CHECK(fields_of("!READTYPE ABSPLA") == 2);
    CHECK(fields_of("!CLEAR DATA") == 1);
    CHECK(fields_of("!") == 1);
}

TEST_CASE("replies come in any fragments and with either line layout") {
    std::string const recorded = "OK\r\n>\r\nOPEN\r\nIDLE\r\n\r\n>";
    ReplyDecoder decoder{2};
    for (std::size_t i = 0; i + 1 < recorded.size(); ++i) REQUIRE_FALSE(decoder.feed(recorded.substr(i, 1)));
    auto const reply = decoder.feed(">");
    REQUIRE(reply);
    REQUIRE(*reply);
    auto const status = parse_status((*reply)->body);
    REQUIRE(status);
    CHECK(status->drawer == "OPEN");
    CHECK(status->idle());
    CHECK(decoder.raw() == recorded);

    CHECK(parse_status("CLOSED IDLE")->idle());
    CHECK(parse_status("CLOSED\r\nAIR CAL206")->state == "AIR CAL206");
    CHECK_FALSE(parse_status("CLOSED\r\nMEASURING")->idle());
    CHECK(decoded("!", "\r\n OK>\r\n").ok());
    CHECK(decoded("!", "OK warning: lamp>").warning == "warning: lamp");
}

TEST_CASE("a late reply to another command never passes for a state (field 43)") {
    CHECK_FALSE(parse_status("12345.6\t25.1\t96-well\r\nL:\t260"));
    CHECK_FALSE(parse_status("OK"));
    CHECK_FALSE(parse_status(""));
}

TEST_CASE("FAIL ends a reply in its first field and its code is put into words") {
    Reply const reply = decoded("!TRANSFER", "FAIL\t107>\r\n");
    CHECK_FALSE(reply.ok());
    CHECK(reply.failure == no_data);
    CHECK(words_of(reply.failure) == "no data to transfer");
    CHECK(words_of(314) == "lamp level low");
    CHECK(words_of(999) == "unknown failure code");
}

TEST_CASE("a damaged reply is an error that names the bytes, never a value") {
    auto const message = [](std::string_view bytes) {
        ReplyDecoder decoder{1};
        auto const reply = decoder.feed(bytes);
        REQUIRE(reply);
        REQUIRE_FALSE(*reply);
        CHECK(reply->error().fault == Fault::refused);
        return reply->error().message;
    };
    CHECK(message("O\xcb>").find("byte 1 is 0xcb") != std::string::npos);
    CHECK(message("NK>").find("\"NK\"") != std::string::npos);
    CHECK(message("FAIL\t1x7>").find("FAIL and a code") != std::string::npos);
    CHECK(message(std::string(reply_bytes_max, 'x')).find("without a '>'") != std::string::npos);
    ReplyDecoder under{1};
    CHECK_FALSE(under.feed(std::string(reply_bytes_max - 1, 'x')));
    ReplyDecoder decoder{1};
    REQUIRE(decoder.feed("OK> \r\n 0.1>"));
    CHECK(decoder.surplus() == "0.1>");
}

TEST_CASE("a transfer's columns become rows, words become flags") {
    // The layout of the public driver's own tests; with CRLF as the line carries it.
    auto const t = parse_transfer("12345.6\t25.1\t96-well\r\nL:\t260\r\nL:\t260\r\n1:\t0.1\t#SAT\r\n2:\t0.3\t-\r\n");
    REQUIRE(t);
    CHECK(t->seconds == "12345.6");
    CHECK(t->temperature_c == "25.1");
    CHECK(t->plate == "96-well");
    REQUIRE(t->readings.size() == 4);
    Reading a1;
    a1.read = "Absorbance 260";
    a1.well = "A1";
    a1.wavelength_nm = "260";
    a1.value = "0.1";
    a1.unit = "OD";
    CHECK(t->readings[0] == a1);
    CHECK(t->readings[1].well == "A2");
    CHECK(t->readings[1].value == "0.3");
    CHECK(t->readings[2].well == "B1");
    CHECK(t->readings[2].value.empty());
    CHECK(t->readings[2].flag == "#SAT");
    CHECK(t->readings[3].flag == "-");
}

TEST_CASE("several wavelengths, fluorescence and luminescence") {
    auto const two =
        parse_transfer("1.0\t25.1\t96-well\nL:\t260\t280\nL:\t260\n1:\t0.1\t0.2\n2:\t0.3\t0.4\nL:\t280\n1:\t0.5\t0.6\n2:\t0.7\t-0.8\n");
    REQUIRE(two);
    REQUIRE(two->readings.size() == 8);
    CHECK(two->readings[4].wavelength_nm == "280");
    CHECK(two->readings[7].well == "B2");
    CHECK(two->readings[7].value == "-0.8");
    auto const f = parse_transfer("1.0\t25.1\t96-well\nexL:\t485\nemL:\t520\nL:\t485\t520\n1:\t100\t200\n2:\t300\t400\n");
    REQUIRE(f);
    CHECK(f->readings[0].excitation_nm == "485");
    CHECK(f->readings[0].wavelength_nm == "520");
    CHECK(f->readings[0].unit == "RFU");
    auto const l = parse_transfer("1.0\t25.1\t96-well\nemL:\t590\nL:\t\t590\n1:\t1000\t2000\n2:\t3000\t4000\n");
    REQUIRE(l);
    CHECK(l->readings[0].wavelength_nm == "590");
    CHECK(l->readings[0].excitation_nm.empty());
    CHECK(l->readings[0].unit == "RLU");
}

TEST_CASE("what a transfer does not say whole is refused by line and word") {
    std::string const head = "1.0\t25.1\t96-well\nL:\t260\n";
    CHECK(refusal("").find("empty") != std::string::npos);
    CHECK(refusal(head).find("before its first column") != std::string::npos);
    CHECK(refusal(head + "1:\t0.1\tOVER\n").find("Line 3 of the transfer holds \"OVER\"") != std::string::npos);
    CHECK(refusal(head + "1:\t0.1\t0.2\n2:\t0.1\n").find("2 values as in the other columns") != std::string::npos);
    CHECK(refusal(head + "1:\t0.1\n3:\t0.1\n").find("column 2") != std::string::npos);
    CHECK(refusal(head + "1:\t0.1.2\n").find("0.1.2") != std::string::npos);
    CHECK(refusal(head + "1:\t0,1\n").find("0,1") != std::string::npos);
    CHECK(refusal("1.0\t25.1\t96-well\n1:\t0.1\n").find("wavelength line") != std::string::npos);
    CHECK(refusal("1.0\n").find("seconds, temperature and plate") != std::string::npos);
    CHECK(refusal("1.0\t25.1\t96-well\nL:\t260\t280\nL:\t260\n1:\t0.1\n").find("announces 2 wavelengths and holds 1") != std::string::npos);
    CHECK(refusal(head + "1:\t1\t2\t3\t4\t5\t6\t7\t8\t9\n").find("expected a 96-well plate") != std::string::npos);
    std::string wide = "1.0\t25.1\t\nL:\t260\n";
    for (int column = 1; column <= columns_max; ++column) wide += std::to_string(column) + ":\t0.1\n";
    CHECK(parse_transfer(wide));
    CHECK(refusal(wide + "25:\t0.1\n").find("a column up to 24") != std::string::npos);
    std::string tall = "1.0\t25.1\t\nL:\t260\n1:";
    for (int row = 1; row <= rows_max; ++row) tall += "\t0.1";
    CHECK(parse_transfer(tall));
    CHECK(refusal(tall + "\t0.1").find("1 to 16 values") != std::string::npos);
}

TEST_CASE("every cut and every changed byte of a plate is refused or parsed, and never crashes") {
    SimulatorOptions options;
    options.seed = 7;
    Clock::Instant const t0{std::chrono::hours{1}};
    SpectraMaxSimulator reader{options, t0};
    REQUIRE(reader.press_read(t0));
    reader.send(t0 + options.read_duration);
    std::string plate;
    for (auto const& event : reader.take_events()) plate += event.transfer;
    auto const whole = parse_transfer_reply(plate);
    REQUIRE(whole);
    CHECK(whole->readings.size() == 96);
    for (std::size_t n = 0; n < plate.size(); ++n) REQUIRE_FALSE(parse_transfer_reply(plate.substr(0, n)));
    std::size_t refused = 0;
    for (std::size_t n = 0; n < plate.size(); ++n) {
        std::string bent = plate;
        bent[n] = static_cast<char>(bent[n] ^ 0x80);
        if (!parse_transfer_reply(bent)) ++refused;
    }
    CHECK(refused == plate.size());
}

TEST_CASE("384 wells end at P24") {
    SimulatorOptions options;
    options.wells = 384;
    Clock::Instant const t0{std::chrono::hours{1}};
    SpectraMaxSimulator reader{options, t0};
    REQUIRE(reader.press_read(t0));
    reader.send(t0 + options.read_duration);
    std::string plate;
    for (auto const& event : reader.take_events()) plate += event.transfer;
    auto const t = parse_transfer_reply(plate);
    REQUIRE(t);
    CHECK(t->readings.size() == 384);
    CHECK(t->readings.back().well == "P24");
}
