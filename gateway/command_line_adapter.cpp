// The command line of `adapter`.
#include <functional>
#include <iostream>
#include <memory>

#include "gateway/command_adapter.hpp"
#include "io/command_line.hpp"

namespace marrowlink {

void add_adapter_commands(CLI::App& adapter, std::filesystem::path& config_file, int& exit_status) {
    struct Given {
        std::string instrument;
        bool as_json = false;
        AdapterWish wish;
    };
    auto const given = std::make_shared<Given>();
    auto const add = [&](std::string const& name, std::string const& description, std::function<Result<void>()> work) {
        CLI::App* const command = adapter.add_subcommand(name, description);
        command->add_option("-c,--config", config_file, "the configuration; conf.d/*.toml beside it is read too")->capture_default_str();
        on_command(*command, exit_status, std::move(work));
        return command;
    };
    auto const with_instrument = [given](CLI::App* command) {
        command->add_option("instrument", given->instrument, "its instrument's id in the configuration")->required();
        return command;
    };
    adapter.require_subcommand(1);

    add("list", "each adapter of the configuration in a line: whether it answers, and how it is", [given, &config_file] {
        return list_adapters(config_file, given->as_json);
    })->add_flag("--json", given->as_json, "everything that each says of itself");

    with_instrument(add("show", "everything that an adapter says of itself", [given, &config_file] {
        return show_adapter(config_file, given->instrument, given->as_json);
    }))->add_flag("--json", given->as_json, "as the running gateway answers it");

    CLI::App* const set =
        with_instrument(add("set", "make an adapter keep for this instrument of this gateway, with the line's settings",
                            [given, &config_file] { return change_adapter(config_file, given->instrument, given->wish); }));
    set->add_flag("--take-over", given->wish.take_over, "even when it keeps what another gateway or instrument has not got: that is lost");
    set->add_flag("--count-anew", given->wish.count_anew,
                  "when the adapter or the gateway was restored from a copy and their counts differ");
    set->footer("The gateway must be stopped meanwhile; the adapter keeps what the instrument says.");

    with_instrument(add("log", "what an adapter keeps, slot by slot; nothing of it is freed", [given, &config_file] {
        return print_adapter_log(config_file, given->instrument);
    }))->footer("The gateway must be stopped meanwhile; the adapter keeps what the instrument says.");
}

}  // namespace marrowlink
