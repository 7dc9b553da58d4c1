// The serial ports, network addresses and folders that a configuration names, on this machine.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "core/clock.hpp"
#include "core/folder.hpp"
#include "core/transport.hpp"
#include "gateway/config.hpp"

namespace marrowlink {

std::unique_ptr<TransportFactory> transport_of(TransportConfig const& config, boost::asio::any_io_executor loop);
std::shared_ptr<Folder> folder_of(FolderConfig const& config, Clock& clock, boost::asio::any_io_executor loop);

}  // namespace marrowlink
