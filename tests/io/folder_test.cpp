#include "io/folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {
struct Place {
    fs::path path;
    Place() {
        std::string text = (fs::temp_directory_path() / "marrowlink-folder-XXXXXX").string();
        REQUIRE(::mkdtemp(text.data()));
        path = text;
    }
    ~Place() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    void write(fs::path const& name, std::string_view bytes) const { std::ofstream{path / name, std::ios::binary} << bytes; }
};

struct World {
    Place place;
    boost::asio::io_context loop;
    sim::VirtualClock clock{loop};
    FileFolderOptions options;
    World() {
        options.path = place.path / "exports";
        fs::create_directory(options.path);
    }
    FileFolder folder() { return {options, clock, loop.get_executor()}; }
};

std::vector<std::string> names_of(Result<std::vector<FolderEntry>> const& listed) {
    std::vector<std::string> out;
    if (listed)
        for (FolderEntry const& entry : *listed) out.push_back(entry.name);
    return out;
}
}  // namespace

TEST_CASE("only regular files that match the pattern are listed, sorted") {
    World world;
    world.options.pattern = "*.txt";
    fs::create_directory(world.options.path / "folder.txt");
    for (char const* const name : {"b.txt", "A.TXT", "c.fcs", ".hidden.txt"}) world.place.write(fs::path{"exports"} / name, "x");
    fs::create_symlink("b.txt", world.options.path / "link.txt");
    fs::create_symlink(".", world.options.path / "loop.txt");
    REQUIRE(::mkfifo((world.options.path / "pipe.txt").c_str(), 0600) == 0);
    auto folder = world.folder();
    CHECK(names_of(folder.list()) == std::vector<std::string>{"A.TXT", "b.txt"});
    CHECK_FALSE(folder.read("link.txt", 10));
    CHECK_FALSE(folder.read("pipe.txt", 10));
}

TEST_CASE("names that are no UTF-8 are shown, and found again by what is shown") {
    for (std::string const& name : {std::string{"plain.txt"}, std::string{"\xE9tude.txt"}, std::string{"étude.txt"},
                                    std::string{"back\\xslash"}, std::string{"new\nline"}, std::string{"\xED\xA0\x80"},
                                    std::string{"\xF4\x90\x80\x80"}, std::string{"cut\xC3"}, std::string{"\\x41"}})
        CHECK(bytes_of_shown_name(shown_name(name)) == name);
    CHECK(shown_name("\xE9tude.txt") == "\\xE9tude.txt");
    CHECK(shown_name("étude.txt") == "étude.txt");
    CHECK(shown_name("\\x41") != shown_name("A"));
    World world;
    world.place.write("exports/\xE9tude.txt", "latin");
    auto folder = world.folder();
    auto const listed = names_of(folder.list());
    REQUIRE(listed == std::vector<std::string>{"\\xE9tude.txt"});
    CHECK(folder.read(listed.front(), 10).value() == "latin");
}

TEST_CASE("a file is read whole up to the limit, and refused one byte above it") {
    World world;
    world.place.write("exports/a", "0123456789");
    auto folder = world.folder();
    CHECK(folder.read("a", 10).value() == "0123456789");
    CHECK(folder.read("a", 9).error().fault == Fault::refused);
    CHECK(folder.read("gone", 9).error().fault == Fault::unavailable);
}

TEST_CASE("messages say what is wrong and name neither path nor file") {
    World world;
    auto folder = world.folder();
    fs::remove_all(world.options.path);
    auto const absent = folder.list();
    REQUIRE_FALSE(absent);
    CHECK(absent.error().fault == Fault::unavailable);
    CHECK(absent.error().message == "The export folder is not there.");
    world.place.write("exports", "now a file");
    CHECK(folder.list().error().message == "The export folder is not a folder.");
    if (::geteuid() != 0) {  // root may read everything
        fs::remove(world.options.path);
        fs::create_directory(world.options.path);
        world.place.write("exports/a", "x");
        fs::permissions(world.options.path / "a", fs::perms::none);
        CHECK(folder.read("a", 9).error().message == "The file may not be read by this program; give its user the right to.");
        fs::permissions(world.options.path, fs::perms::none);
        CHECK(folder.list().error().message == "The export folder may not be read by this program; give its user the right to.");
        fs::permissions(world.options.path, fs::perms::owner_all);
    }
}

TEST_CASE("originals stay, move or go as configured, and only the ones that were read") {
    World world;
    world.options.originals = GENERATE(Originals::stay, Originals::move, Originals::remove);
    world.options.move_to = world.place.path / "taken" / "here";
    world.place.write("exports/plate.txt", "one");
    auto folder = world.folder();
    REQUIRE(folder.read("plate.txt", 10));
    REQUIRE(folder.taken("plate.txt"));
    bool const stays = world.options.originals == Originals::stay;
    CHECK(fs::exists(world.options.path / "plate.txt") == stays);
    CHECK(fs::exists(world.options.move_to / "plate.txt") == (world.options.originals == Originals::move));
    if (stays) return;
    CHECK(folder.taken("plate.txt"));  // gone already

    world.place.write("exports/plate.txt", "two");
    REQUIRE(folder.read("plate.txt", 10));
    world.place.write("exports/plate.txt", "three");  // a revision that nobody has read yet
    auto const refused = folder.taken("plate.txt");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::unavailable);
    CHECK(fs::exists(world.options.path / "plate.txt"));

    REQUIRE(folder.read("plate.txt", 10));
    REQUIRE(folder.taken("plate.txt"));
    CHECK_FALSE(fs::exists(world.options.path / "plate.txt"));
    if (world.options.originals == Originals::remove) return;
    std::string first, second;
    std::ifstream{world.options.move_to / "plate.txt"} >> first;
    std::ifstream{world.options.move_to / "plate (2).txt"} >> second;
    CHECK(first == "one");
    CHECK(second == "three");
}

TEST_CASE("an announcement ends the wait early, and without one it lasts to the deadline (field 62)") {
    World world;
    auto folder = world.folder();
    REQUIRE(folder.list());
    auto const began = world.clock.now();
    world.clock.finish(folder.wait_for_change(began + 10s));
    CHECK(world.clock.now() == began + 10s);

    world.place.write("exports/plate.txt", "x");
    world.clock.finish(folder.wait_for_change(began + 20s));
    bool const inotify_works = world.clock.now() < began + 20s;
    if (!inotify_works) WARN("no inotify here: only the poll was tested");
    // What was announced is not announced again.
    auto const again = world.clock.now();
    world.clock.finish(folder.wait_for_change(again + 10s));
    CHECK(world.clock.now() == again + 10s);
    // Nothing is announced where nothing can be watched, and the wait is a sleep.
    fs::remove_all(world.options.path);
    world.clock.finish(folder.wait_for_change(again + 30s));
    CHECK_FALSE(folder.list());
    world.clock.finish(folder.wait_for_change(again + 40s));
    CHECK(world.clock.now() >= again + 30s);
}

TEST_CASE("a folder made anew is watched anew") {
    World world;
    auto folder = world.folder();
    REQUIRE(folder.list());
    fs::remove_all(world.options.path);
    CHECK_FALSE(folder.list());
    fs::create_directory(world.options.path);
    REQUIRE(folder.list());
    world.clock.finish(folder.wait_for_change(world.clock.now()));  // the old one's end
    world.place.write("exports/plate.txt", "x");
    auto const began = world.clock.now();
    world.clock.finish(folder.wait_for_change(began + 10s));
    if (world.clock.now() == began + 10s) WARN("no inotify here: only the poll was tested");
    CHECK(names_of(folder.list()) == std::vector<std::string>{"plate.txt"});
}
