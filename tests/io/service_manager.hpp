#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <string>

namespace marrowlink::test {

// What a service manager does: a datagram socket of the given name.
class ServiceManager {
 public:
    explicit ServiceManager(std::string const& name) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name.data(), name.size());
        if (name[0] == '@')
            address.sun_path[0] = '\0';
        else
            path_ = name;
        auto const bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        REQUIRE(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), bytes) == 0);
    }
    ~ServiceManager() {
        ::close(descriptor_);
        if (!path_.empty()) ::unlink(path_.c_str());
    }
    std::string heard() const {
        char text[4096];
        auto const size = ::recv(descriptor_, text, sizeof text, 0);
        return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
    }

 private:
    int descriptor_;
    std::string path_;
};

}  // namespace marrowlink::test
