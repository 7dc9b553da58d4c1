// Texts that are no TOML, or hardly: each mistake with its place, and never an abort.
#include "tests/gateway/config_world.hpp"

using namespace marrowlink;
using namespace marrowlink::config_world;

TEST_CASE("damaged TOML: each damaged line and the mistakes in the sound ones") {
    std::string const message =
        said("site = \nsite = \"paris\"\nsite = \"lyon\"\n[broker\nhost = \"x\"\n[outbox]\nbudget = 1 GiB\nretention = 3\n");
    auto const lines = lines_of(message);
    REQUIRE(lines.size() == 5);
    CHECK_THAT(lines[0], Catch::StartsWith("gateway.toml:1:8: this is not valid TOML:"));
    CHECK_THAT(lines[1], Catch::StartsWith("gateway.toml:3:") && Catch::Contains("redefine"));
    CHECK_THAT(lines[2], Catch::StartsWith("gateway.toml:4:8: this is not valid TOML:"));
    CHECK_THAT(lines[3], Catch::StartsWith("gateway.toml:7:"));
    CHECK_THAT(lines[4], Catch::StartsWith("gateway.toml:8:1: unknown key \"retention\" in [outbox]; did you mean \"retention_days\"?"));
}

TEST_CASE("a header that begins with no key is a mistake with its place, not an abort") {
    for (char const* header : {"[=]", "[", "[[", "[ ", "[\x1d]", "[[\xff]]", "[a.", "[.a]", "[[a]", "[#]"}) {
        INFO(header);
        CHECK_THAT(said(std::string(least) + header + "\nx = 1\n"), Catch::StartsWith("gateway.toml:5:"));
    }
}

TEST_CASE("letters beyond ASCII are welcome in texts and comments, and named with their place elsewhere") {
    auto const titled = [](std::string const& title) {
        return least + std::string("[[instrument]]\nid = \"a\"\ndriver = \"folder\"\npath = \"/a\"\ntitle = ") + title + "\n";
    };
    for (char const* title : {R"("Lecteur à côté" # près)", R"('é')", R"("""é "" \\ é""")", R"("""é
"é""""")",
                              R"('''é
'é''')",
                              R"("\"é")", R"("é\\" # é)"}) {
        auto const config = parse_config("\xEF\xBB\xBF" + titled(title), "gateway.toml");
        INFO(title << (config ? std::string() : ": " + config.error().message));
        CHECK(config);
    }
    CHECK_FALSE(parse_config(titled(R"("""\""""é""")"), "gateway.toml"));  // the string ends before the letter
    CHECK(said("clé = 1\n" + titled("é")) ==
          "gateway.toml:1:3: this is not valid TOML: \"é\" may stand only inside quotation marks or a comment.\n"
          "gateway.toml:10:9: this is not valid TOML: \"é\" may stand only inside quotation marks or a comment.");
    CHECK(said(titled("\"a\" \xFF")) ==
          "gateway.toml:9:13: this is not valid TOML: byte 0xFF may stand only inside quotation marks or a comment.");
    CHECK_THAT(said(titled("\"\xFF\"")), Catch::StartsWith("gateway.toml:9:"));
}
