#include "io/modbus.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <map>
#include <vector>

#include "tests/io/modbus_line.hpp"

using namespace marrowlink;
using namespace marrowlink::modbus_test;

TEST_CASE("registers are read over a serial bus") {
    Line line{[](Line& at, std::string const& request) { at.say(registers_answer(request)); }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    CHECK(bus.name() == line.link.string() + " 115200 8E1");
    auto const answer = line.run(bus.ask(read_of(7, 40, 125)));
    INFO((answer ? std::string() : answer.error().message));
    REQUIRE(answer);
    CHECK(answer->done());
    CHECK(answer->values == values_of(7, 40, 125));
    CHECK(answer->took > 0us);
    CHECK(answer->took < 200ms);
}

TEST_CASE("a late answer never passes for the answer to a later question (field 42, 43)") {
    int asked = 0;
    std::thread late;
    Line line{[&](Line& at, std::string const& request) {
        if (++asked == 3) {  // later than its timeout, while others are asked already
            late = std::thread([&at, request] {
                std::this_thread::sleep_for(450ms);
                at.say(registers_answer(request));
            });
            return;
        }
        at.say(registers_answer(request));
    }};
    {
        ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
        int silent = 0, right = 0;
        for (std::uint16_t n = 0; n < 30; ++n) {
            // The same unit, function and count each time: nothing but time tells the late answer from the right one.
            auto const answer = line.run(bus.ask(read_of(1, n, 2, 300ms)));
            if (!answer) {
                CHECK(answer.error().fault == Fault::timed_out);
                ++silent;
                continue;
            }
            CHECK(answer->values == values_of(1, n, 2));
            ++right;
        }
        CHECK(silent == 1);
        CHECK(right == 29);
    }
    late.join();
}

TEST_CASE("the answer of another unit is dropped, and the right one still arrives (field 44)") {
    Line line{[](Line& at, std::string const& request) {
        std::string other = request;
        other[0] = 9;
        at.say(registers_answer(other));
        std::this_thread::sleep_for(20ms);
        at.say(registers_answer(request));
    }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    for (std::uint16_t n = 0; n < 10; ++n) {
        auto const answer = line.run(bus.ask(read_of(1, n, 3)));
        REQUIRE(answer);
        CHECK(answer->values == values_of(1, n, 3));
    }
}

TEST_CASE("what is no answer to the question is refused by what is wrong with it (field 43, 44)") {
    std::string reply;
    Line line{[&](Line& at, std::string const&) { at.say(reply); }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    auto const said = [&](std::string frame) {
        {
            std::lock_guard const held{line.mine};
            reply = std::move(frame);
        }
        auto const answer = line.run(bus.ask(read_of(1, 0, 2, 150ms)));
        REQUIRE_FALSE(answer);
        CHECK(answer.error().fault == Fault::refused);
        return answer.error().message;
    };
    CHECK(said(with_crc(bytes({1, 4, 4, 0, 1, 0, 2}))).find("it answers function 4") != std::string::npos);
    CHECK(said(with_crc(bytes({1, 3, 2, 0, 1}))).find("it carries 2 bytes where 4 were asked for") != std::string::npos);
    CHECK(said(with_crc(bytes({5, 3, 4, 0, 1, 0, 2}))).find("it comes from unit 5") != std::string::npos);
    CHECK(said(bytes({1, 3, 4, 0, 1, 0, 2, 0x12, 0x34})).find("CRC is wrong") != std::string::npos);
    CHECK(said(bytes({1, 3, 4, 0})).find("was cut") != std::string::npos);
    CHECK(said(with_crc(bytes({1, 0x83, 0}))).find("an exception without a code") != std::string::npos);
    // After each of them the next answer is taken for what it is.
    {
        std::lock_guard const held{line.mine};
        reply = with_crc(bytes({1, 3, 4, 0, 7, 0, 8}));
    }
    auto const answer = line.run(bus.ask(read_of(1, 0, 2, 1s)));
    REQUIRE(answer);
    CHECK(answer->values == std::vector<std::uint16_t>{7, 8});
}

TEST_CASE("an answer after one character's time is not missed (field 45)") {
    Line line{[](Line& at, std::string const& request) {
        std::this_thread::sleep_for(95us);  // 11 bits at 115 200 baud
        at.say(registers_answer(request));
    }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    for (std::uint16_t n = 0; n < 200; ++n) {
        auto const answer = line.run(bus.ask(read_of(1, n, 1)));
        REQUIRE(answer);
        REQUIRE(answer->values == values_of(1, n, 1));
    }
}

TEST_CASE("the silence before a question counts from the last answer, and what came meanwhile is thrown away") {
    Line line{[](Line& at, std::string const& request) { at.say(registers_answer(request)); }};
    ModbusSerial slow = std::get<ModbusSerial>(line.place());
    slow.baud = 1'200;  // 3.5 characters are 33 ms
    ModbusBus bus{line.loop.get_executor(), line.clock, slow};
    REQUIRE(line.run(bus.ask(read_of(1, 0, 1))));
    auto rested = 1'000ms, hurried = 1'000ms;
    for (int n = 0; n < 10; ++n) {
        auto const took = [&] {
            auto const began = line.clock.now();
            CHECK(line.run(bus.ask(read_of(1, 0, 1))));
            return std::chrono::duration_cast<std::chrono::milliseconds>(line.clock.now() - began);
        };
        hurried = std::min(hurried, took());
        std::this_thread::sleep_for(40ms);
        rested = std::min(rested, took());
    }
    CHECK(hurried >= 30ms);
    CHECK(rested < 20ms);
    line.say("noise");
    std::this_thread::sleep_for(40ms);
    auto const answer = line.run(bus.ask(read_of(1, 5, 2)));
    REQUIRE(answer);
    CHECK(answer->values == values_of(1, 5, 2));
}

TEST_CASE("answers whose latency is drawn around the timeout are right or absent, and the latency is told (field 42, 46)") {
    unsigned random = 1;
    Line line{[&](Line& at, std::string const& request) {
        random = random * 1'103'515'245 + 12'345;
        std::this_thread::sleep_for(std::chrono::milliseconds{98 + (random >> 16) % 5});
        at.say(registers_answer(request));
    }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    for (std::uint16_t n = 0; n < 12; ++n) {
        auto const answer = line.run(bus.ask(read_of(1, n, 1, 100ms)));
        if (!answer) continue;
        CHECK(answer->values == values_of(1, n, 1));
        CHECK(answer->took > 90ms);
    }
}

TEST_CASE("exceptions 1 to 11 arrive with their words; 5 and 6 are no failures") {
    std::atomic<int> code{0};
    Line line{[&](Line& at, std::string const& request) { at.say(with_crc(bytes({request[0], request[1] | 0x80, code}))); }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    char const* const words[] = {"",          "function",     "address", "value",       "failed",  "ask again",
                                 "ask again", "cannot carry", "parity",  "leaves free", "no path", "no answer"};
    for (code = 1; code <= 11; ++code) {
        auto const answer = line.run(bus.ask(read_of(1, 0, 1, 50ms)));
        REQUIRE(answer);
        CHECK(answer->exception == code);
        CHECK(answer->busy() == (code == 5 || code == 6));
        CHECK(words_of_exception(answer->exception).find(words[code]) != std::string::npos);
    }
}

TEST_CASE("coils and registers are written, and only the device's own confirmation counts") {
    std::vector<std::string> requests;
    Line line{[&](Line& at, std::string const& request) {
        requests.push_back(request);
        std::string reply = request.substr(0, 6);
        if (requests.size() == 3) reply[5] ^= 1;
        at.say(with_crc(reply));
    }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    ModbusRequest write = read_of(3, 0x0102, 1, 80ms);
    write.function = ModbusFunction::write_single_coil;
    write.values = {1};
    auto const last = [&] {
        std::lock_guard const held{line.mine};
        return requests.back();
    };
    REQUIRE(line.run(bus.ask(write)));
    CHECK(last() == with_crc(bytes({3, 5, 1, 2, 0xFF, 0})));
    write.function = ModbusFunction::write_single_register;
    write.values = {0xABCD};
    REQUIRE(line.run(bus.ask(write)));
    CHECK(last() == with_crc(bytes({3, 6, 1, 2, 0xAB, 0xCD})));
    auto const other = line.run(bus.ask(write));
    REQUIRE_FALSE(other);
    CHECK(other.error().message.find("confirms another address, value or count") != std::string::npos);
}

TEST_CASE("one mute unit among thirty: the others keep their period (field 48)") {
    Line line{[](Line& at, std::string const& request) {
        if (request[0] != 13) at.say(registers_answer(request));
    }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    constexpr auto period = 200ms, timeout = 150ms, watched = 4'000ms;
    std::map<int, std::vector<Clock::Instant>> answers;
    std::map<int, int> silences;
    auto const end = line.clock.now() + watched;
    auto const poll = [&](std::uint8_t unit) -> Task<int> {
        for (auto due = line.clock.now(); due < end; due += period) {
            co_await line.clock.sleep_until(due);
            auto const answer = co_await bus.ask(read_of(unit, 0, 2, timeout));
            if (answer)
                answers[unit].push_back(line.clock.now());
            else
                ++silences[unit];
        }
        co_return 0;
    };
    int running = 30;
    for (std::uint8_t unit = 1; unit <= 30; ++unit)
        boost::asio::co_spawn(line.loop, poll(unit), [&](std::exception_ptr failure, int) {
            CHECK_FALSE(failure);
            --running;
        });
    line.loop.restart();
    while (running > 1 && line.loop.run_one_for(10s) > 0) {
    }
    CHECK(answers[13].empty());
    CHECK(silences[13] <= 5);  // at 0, 0.3, 0.75, 1.5 and 2.85 s
    std::chrono::milliseconds worst{0};
    for (auto const& [unit, at] : answers) {
        if (unit == 13) continue;
        CHECK(silences[unit] == 0);
        CHECK(at.size() == static_cast<std::size_t>(watched / period));
        for (std::size_t i = 1; i < at.size(); ++i)
            worst = std::max(worst, std::chrono::duration_cast<std::chrono::milliseconds>(at[i] - at[i - 1]));
    }
    // The mute unit's timeout, and one turn of all others, at most.
    INFO("worst gap between two answers of one unit: " << worst.count() << " ms");
    CHECK(worst < period + timeout + 150ms);
}

TEST_CASE("the question after the last place in the queue fails at once, and places come free again (field 47)") {
    Line line{[](Line&, std::string const&) {}};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    std::size_t ended = 0;
    std::vector<Fault> faults;
    auto const ask = [&](std::uint8_t unit) -> Task<int> {
        auto const answer = co_await bus.ask(read_of(unit, 0, 1, 2ms));
        ++ended;
        if (!answer) faults.push_back(answer.error().fault);
        co_return 0;
    };
    for (std::size_t n = 0; n < modbus_queue_max + 1; ++n)
        boost::asio::co_spawn(line.loop, ask(static_cast<std::uint8_t>(n + 1)), [](std::exception_ptr, int) {});
    line.loop.restart();
    line.loop.poll();
    REQUIRE(ended >= 1);
    CHECK(faults.front() == Fault::unavailable);
    while (ended <= modbus_queue_max && line.loop.run_one_for(10s) > 0) {
    }
    CHECK(std::count(faults.begin(), faults.end(), Fault::timed_out) == static_cast<long>(modbus_queue_max));
    auto const after = line.run(bus.ask(read_of(200, 0, 1, 2ms)));
    REQUIRE_FALSE(after);
    CHECK(after.error().fault == Fault::timed_out);
}

TEST_CASE("whoever asked and is gone leaves no question on the bus") {
    std::atomic<int> asked{0};
    Line line{[&](Line&, std::string const&) { ++asked; }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    auto const impatient = [&]() -> Task<int> {
        using namespace boost::asio::experimental::awaitable_operators;
        for (int n = 0; n < 3; ++n) {
            auto question = bus.ask(read_of(1, 0, 1, 100ms));
            auto sleep = line.clock.sleep_for(10ms);
            co_await (std::move(question) || std::move(sleep));
        }
        co_await line.clock.sleep_for(600ms);
        co_return 0;
    };
    line.run(impatient());
    CHECK(asked == 1);
}

TEST_CASE("a request that no device could be asked is refused before it is sent") {
    std::atomic<int> sent{0};
    Line line{[&](Line&, std::string const&) { ++sent; }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    for (auto const& [address, count] : {std::pair{0, 0}, {0, 126}, {65'535, 2}}) {
        auto const answer = line.run(bus.ask(read_of(1, static_cast<std::uint16_t>(address), static_cast<std::uint16_t>(count))));
        REQUIRE_FALSE(answer);
        CHECK(answer.error().fault == Fault::refused);
    }
    CHECK(sent == 0);
}
