#include "io/progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "io/system.hpp"

namespace marrowlink {

Progress::Progress(std::string label) : label_(std::move(label)), terminal_(::isatty(STDERR_FILENO) == 1) {}

void Progress::at(std::size_t done, std::size_t total) {
    if (!terminal_ || total == 0) return;
    auto const now = SystemClock{}.now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    constexpr std::size_t width = 30;
    std::string const bar(done * width / total, '#');
    std::fprintf(stderr, "\r%s [%-30s] %zu of %zu", label_.c_str(), bar.c_str(), done, total);
    std::fflush(stderr);
    shown_ = true;
}

void Progress::end() {
    if (shown_) std::fputs("\r\033[K", stderr);
    shown_ = false;
}

}  // namespace marrowlink
