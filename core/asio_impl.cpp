// Asio and Boost.JSON compiled once, here, instead of in every file that includes them.
#include <boost/asio/impl/src.hpp>
#include <boost/json/src.hpp>
