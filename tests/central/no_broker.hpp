// An uplink behind which there is nothing: for what a centre makes of messages that are handed to it.
#pragma once

#include "core/uplink.hpp"

namespace marrowlink::test {

class NoBroker final : public Uplink {
 public:
    void listen(UplinkListener*) override {}
    void open() override {}
    void close() override {}
    void publish(std::uint64_t, Message) override {}
};

}  // namespace marrowlink::test
