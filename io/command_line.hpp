// What the command lines of both programs have in common; the one way to CLI11. Exit codes: 0 done, 64 usage, 65 data refused or differing,
// 69 unavailable, 70 broken invariant, 78 configuration.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "core/error.hpp"

namespace marrowlink {

// `work` runs when this subcommand was named, after the command line was read; its error is printed and becomes the exit code.
void on_command(CLI::App& command, int& exit_status, std::function<Result<void>()> work);

class CommandLine {
 public:
    CommandLine(std::string const& program, std::string description);

    CLI::App& app() { return app_; }
    // A subcommand; `work` runs after the command line was read whole, and its error is printed and becomes the exit code.
    CLI::App* add(std::string name, std::string description, std::function<Result<void>()> work);
    int& exit_status() { return exit_status_; }  // for subcommands that report by themselves

    // Ignores SIGPIPE, reads the command line, does what it says; returns the exit code.
    int run(int argc, char** argv);

 private:
    CLI::App app_;
    int exit_status_ = 0;
};

}  // namespace marrowlink
