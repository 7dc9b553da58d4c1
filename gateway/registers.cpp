#include "gateway/registers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <iostream>
#include <optional>

#include "drivers/modbus/driver.hpp"
#include "gateway/ask.hpp"
#include "gateway/config.hpp"
#include "io/http.hpp"
#include "io/modbus.hpp"
#include "io/system.hpp"

namespace marrowlink {
namespace {
json::array list(json::object const& from, std::string_view name) {
    auto const* const found = from.if_contains(name);
    return found && found->is_array() ? found->get_array() : json::array{};
}

// One round of questions, as the driver asks them.
Task<Result<json::object>> read_once(InstrumentConfig const& instrument, boost::asio::any_io_executor loop, Clock& clock) {
    ModbusConfig const& config = std::get<ModbusConfig>(instrument.driver);
    auto const bus = std::make_shared<ModbusBus>(loop, clock, config.bus);
    modbus::Options const options{instrument.id, config.unit, config.response_timeout};
    modbus::ModbusDriver driver{config.map, options, bus, std::make_shared<modbus::Recorded>(), clock};
    auto const read = co_await driver.read_all();
    if (!read) co_return fail(read.error());
    co_return registers_json(driver.registers(), clock.now());
}

Task<Result<json::object>> ask_or_read(Config const& config, InstrumentConfig const& instrument, boost::asio::any_io_executor loop,
                                       Clock& clock) {
    auto question =
        ask_gateway(config.page.socket, clock, "GET", fmt::format("/api/instruments/{}/registers", url_encoded(instrument.id)), "");
    auto answer = co_await std::move(question);
    if (answer || !no_gateway(answer.error())) co_return answer;
    co_return co_await read_once(instrument, loop, clock);
}
}  // namespace

json::object registers_json(std::vector<RegisterView> const& registers, Clock::Instant now) {
    json::array rows;
    for (RegisterView const& view : registers) {
        json::object& row = rows.emplace_back(json::object{}).as_object();
        row["name"] = view.name;
        row["place"] = view.place;
        row["type"] = view.type;
        if (!view.words.empty()) row["words"] = json::array(view.words.begin(), view.words.end());
        json::put_text(row, "value", view.value);
        json::put_text(row, "unit", view.unit);
        json::put_text(row, "flag", view.flag);
        if (view.heard) row["age_s"] = std::chrono::duration<double>(now - *view.heard).count();
        json::array all;
        for (auto const& one : view.interpretations) all.push_back(json::object{{"as", one.as}, {"value", one.value}});
        if (!all.empty()) row["interpretations"] = std::move(all);
    }
    return {{"registers", std::move(rows)}};
}

std::string registers_text(json::object const& registers) {
    std::string out;
    for (json::value const& value : list(registers, "registers")) {
        if (!value.is_object()) continue;
        json::object const& row = value.get_object();
        auto const number = json::string_of(row, "value");
        auto const flag = json::string_of(row, "flag");
        out += fmt::format("{} ({}, {}): {}{}{}", json::string_of(row, "name"), json::string_of(row, "place"), json::string_of(row, "type"),
                           number.empty() && flag.empty() ? "not read yet" : number,
                           number.empty() || json::string_of(row, "unit").empty() ? "" : " ",
                           number.empty() ? "" : json::string_of(row, "unit"));
        if (!flag.empty()) out += fmt::format("{}{}", number.empty() ? "" : ", ", flag);
        if (auto const* const age = row.if_contains("age_s"); age && age->is_number())
            out += fmt::format("   {:.0f} s ago", age->to_number<double>());
        out += '\n';
        std::string words;
        for (json::value const& word : list(row, "words"))
            if (word.is_number()) words += fmt::format(" {:04X}", word.to_number<std::uint16_t>());
        if (!words.empty()) out += fmt::format("    as it came{}\n", words);
        for (json::value const& one : list(row, "interpretations"))
            if (one.is_object())
                out +=
                    fmt::format("    {:<9} {}{}\n", json::string_of(one.get_object(), "as"), json::string_of(one.get_object(), "value"),
                                json::string_of(one.get_object(), "as") == json::string_of(row, "type") ? "   <- as the map reads it" : "");
    }
    return out;
}

Result<void> print_registers(std::filesystem::path const& config_file, std::string const& instrument, bool as_json) {
    auto const config = read_config(config_file);
    if (!config) return fail(config.error());
    auto const found =
        std::find_if(config->instruments.begin(), config->instruments.end(), [&](auto const& one) { return one.id == instrument; });
    if (found == config->instruments.end() || !std::holds_alternative<ModbusConfig>(found->driver))
        return fail(Fault::usage, fmt::format("{} has no Modbus instrument \"{}\".", config_file.string(), instrument));
    boost::asio::io_context loop{1};
    SystemClock clock;
    std::optional<Result<json::object>> answer;
    auto question = ask_or_read(*config, *found, loop.get_executor(), clock);
    boost::asio::co_spawn(loop, std::move(question), [&](std::exception_ptr failure, Result<json::object> got) {
        if (failure) std::rethrow_exception(failure);
        answer = std::move(got);
    });
    loop.run();
    if (!answer) return fail(Fault::broken, "The question ended without an answer.");
    if (!*answer) return fail(answer->error());
    std::cout << (as_json ? json::serialize(**answer) + '\n' : registers_text(**answer));
    return {};
}

}  // namespace marrowlink
