#include "io/command_line.hpp"

#include <csignal>
#include <iostream>

#include "core/version.hpp"

namespace marrowlink {

void on_command(CLI::App& command, int& exit_status, std::function<Result<void>()> work) {
    command.callback([work = std::move(work), &exit_status] {
        auto const done = work();
        if (done) return;
        std::cerr << done.error().message << '\n';
        exit_status = exit_code(done.error().fault);
    });
}

CommandLine::CommandLine(std::string const& program, std::string description) : app_{std::move(description), program} {
    app_.set_version_flag("--version", program + " " + std::string{version});
    app_.require_subcommand(1);
    app_.footer("Exit codes: 0 done, 64 usage, 65 data refused or differing, 69 unavailable, 70 broken invariant, 78 configuration.");
}

CLI::App* CommandLine::add(std::string name, std::string description, std::function<Result<void>()> work) {
    CLI::App* const command = app_.add_subcommand(std::move(name), std::move(description));
    on_command(*command, exit_status_, std::move(work));
    return command;
}

int CommandLine::run(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    try {
        app_.parse(argc, argv);
    } catch (CLI::ParseError const& error) {
        int const shown = app_.exit(error, std::cout, std::cerr);
        return shown == 0 ? 0 : exit_code(Fault::usage);
    }
    return exit_status_;
}

}  // namespace marrowlink
