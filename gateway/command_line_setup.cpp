// The command lines of what a site sets up with.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>

#include "gateway/command_setup.hpp"
#include "gateway/serial_ports_text.hpp"

namespace marrowlink {
namespace {
CLI::App* add(CLI::App& program, int& exit_status, std::string name, std::string description, std::function<Result<void>()> work) {
    CLI::App* const command = program.add_subcommand(std::move(name), std::move(description));
    command->callback([work = std::move(work), &exit_status] {
        auto const done = work();
        if (done) return;
        std::cerr << done.error().message << '\n';
        exit_status = exit_code(done.error().fault);
    });
    return command;
}

void add_ports(CLI::App& program, int& exit_status) {
    struct Given {
        std::string format = "text";
        SerialTree tree;
    };
    auto const given = std::make_shared<Given>();
    CLI::App* const ports =
        add(program, exit_status, "ports", "which serial ports there are, and the names that stay with them", [given]() -> Result<void> {
            auto const found = serial_ports(given->tree);
            if (!found) return fail(found.error());
            std::cout << (given->format == "json" ? serial_ports_json(*found) : serial_ports_text(*found));
            return {};
        });
    ports->add_option("--format", given->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
    ports->add_option("--sysfs", given->tree.sys, "where the kernel tells of its devices")->capture_default_str();
    ports->add_option("--dev", given->tree.dev, "where the devices are")->capture_default_str();
}
}  // namespace

void add_setup_commands(CLI::App& program, int& exit_status) {
    add_ports(program, exit_status);
}

}  // namespace marrowlink
