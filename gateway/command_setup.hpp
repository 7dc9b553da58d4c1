// The commands with which a site sets up, with no gateway running: `ports`, `capture`, `replay`, `probe`.
#pragma once

namespace CLI {
class App;
}

namespace marrowlink {

// Each leaves its exit code in `exit_status`.
void add_setup_commands(CLI::App& program, int& exit_status);

}  // namespace marrowlink
