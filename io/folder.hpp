// An export folder on the file system. Flat: only regular files directly in it; symbolic links, devices and folders are passed over.
//
// Announcements come from inotify where it works: never on an SMB or NFS share, and not when its limits are used up. Then waiting is
// sleeping. No message here names a path or a file: messages travel, names stay. The caller has them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "core/folder.hpp"

namespace marrowlink {

inline constexpr unsigned namesakes_max = 1'000;  // "plate (2).txt" … in `move_to`; more of one name stay where they are

enum class Originals : std::uint8_t { stay, move, remove };

struct FileFolderOptions {
    std::filesystem::path path;
    std::string pattern = "*";  // fnmatch(3) on the name, case ignored; a leading dot must be matched by a dot
    Originals originals = Originals::stay;
    std::filesystem::path move_to;  // for Originals::move; made when it is not there
};

// `list`, `read` and `taken` block, may run on another thread than the loop, and one at a time. A name that is not UTF-8, or holds a
// control character or a backslash, is given with those bytes as \xNN.
class FileFolder final : public Folder {
 public:
    FileFolder(FileFolderOptions options, Clock& clock, boost::asio::any_io_executor loop);

    Result<std::vector<FolderEntry>> list() override;
    // `unavailable` as well when size or time changed while it was read.
    Result<std::string> read(std::string const& name, std::uint64_t bytes_max) override;
    // `unavailable` when the file is not the one last read any more: then it stays. An existing file in `move_to` is never replaced.
    Result<void> taken(std::string const& name) override;
    Task<void> wait_for_change(Clock::Instant deadline) override;

 private:
    struct Seen {
        std::string name;
        std::uint64_t device, inode, size;
        std::int64_t modified_ns;
        friend bool operator==(Seen const&, Seen const&) = default;
    };
    Task<void> announced();
    void watch();
    void drain();
    Result<void> move_away(std::filesystem::path const& from) const;

    FileFolderOptions options_;
    Clock& clock_;
    boost::asio::posix::stream_descriptor announcements_;  // closed: there are none
    std::optional<Seen> last_read_;
};

// The bytes of a file name as UTF-8 text without control characters, and back.
std::string shown_name(std::string_view bytes);
std::string bytes_of_shown_name(std::string_view name);

}  // namespace marrowlink
