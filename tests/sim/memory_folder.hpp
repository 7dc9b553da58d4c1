// An export folder in memory, whose writer, operating system and network share behave as badly as told.
#pragma once

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/folder.hpp"
#include "core/wake.hpp"

namespace marrowlink::sim {

class MemoryFolder final : public Folder {
 public:
    explicit MemoryFolder(Clock& clock) : clock_(clock) {}

    Result<std::vector<FolderEntry>> list() override {
        ++lists_;
        if (away_) return fail(Fault::unavailable, "The export folder cannot be reached; check the network share.");
        std::vector<FolderEntry> entries;
        for (auto const& [name, file] : files_) entries.push_back({name, file.reported_size.value_or(file.bytes.size()), file.modified_ns});
        return entries;
    }

    Result<std::string> read(std::string const& name, std::uint64_t bytes_max) override {
        ++reads_;
        auto const found = files_.find(name);
        if (away_ || found == files_.end()) return fail(Fault::unavailable, "The file is not there.");
        if (held_.count(name)) return fail(Fault::unavailable, "The file is held by another program; it is tried again.");
        if (found->second.bytes.size() > bytes_max) return fail(Fault::refused, "It is too large.");
        return found->second.bytes;
    }

    Result<void> taken(std::string const& name) override {
        if (undeletable_) return fail(Fault::unavailable, "It cannot be deleted.");
        disposed_.push_back(name);
        if (deletes_) files_.erase(name);
        return {};
    }

    Task<void> wait_for_change(Clock::Instant deadline) override {
        using namespace boost::asio::experimental::awaitable_operators;
        if (!announces_) {
            co_await clock_.sleep_until(deadline);
            co_return;
        }
        auto sleep = clock_.sleep_until(deadline);
        auto word = changed_.beyond(changed_.count());
        co_await (std::move(sleep) || std::move(word));
    }

    // What a writer does. Each changes the file's time, but for `remount`.
    void write(std::string const& name, std::string_view bytes) {
        files_[name].bytes = bytes;
        touch(name);
    }
    void append(std::string const& name, std::string_view bytes) {
        files_[name].bytes += bytes;
        touch(name);
    }
    void rename(std::string const& from, std::string const& to) {
        files_[to] = std::move(files_.at(from));
        files_.erase(from);
        announce();
    }
    void remove(std::string const& name) {
        files_.erase(name);
        announce();
    }
    void touch(std::string const& name) {
        files_[name].modified_ns = ++time_;
        announce();
    }
    // A share's attribute cache says another size than the file has.
    void report_size(std::string const& name, std::uint64_t size) { files_.at(name).reported_size = size; }

    void set_away(bool yes) { away_ = yes; }
    void set_announces(bool yes) { announces_ = yes; }
    void set_deletes(bool yes) { deletes_ = yes; }
    void set_undeletable(bool yes) { undeletable_ = yes; }
    void hold(std::string const& name) { held_.insert(name); }
    void let_go(std::string const& name) { held_.erase(name); }

    std::size_t reads() const { return reads_; }
    std::size_t lists() const { return lists_; }
    std::vector<std::string> const& disposed() const { return disposed_; }
    bool holds(std::string const& name) const { return files_.count(name) > 0; }

 private:
    struct File {
        std::string bytes;
        std::int64_t modified_ns = 0;
        std::optional<std::uint64_t> reported_size;
    };

    void announce() {
        if (announces_) changed_.announce();
    }

    Clock& clock_;
    std::map<std::string, File> files_;
    std::set<std::string> held_;
    std::vector<std::string> disposed_;
    Wake changed_;
    std::int64_t time_ = 1'700'000'000'000'000'000;
    std::size_t reads_ = 0;
    std::size_t lists_ = 0;
    bool away_ = false;
    bool announces_ = false;
    bool deletes_ = false;
    bool undeletable_ = false;
};

}  // namespace marrowlink::sim
