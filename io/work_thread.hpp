// A thread of its own behind an executor: what is posted to it runs one piece after another. Stores live on one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

namespace marrowlink {

class WorkThread {
 public:
    WorkThread() : work_(context_.get_executor()), thread_([this] { context_.run(); }) {}
    ~WorkThread() {  // finishes what was posted
        work_.reset();
        thread_.join();
    }
    WorkThread(WorkThread const&) = delete;
    WorkThread& operator=(WorkThread const&) = delete;

    boost::asio::any_io_executor executor() { return context_.get_executor(); }

 private:
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

}  // namespace marrowlink
