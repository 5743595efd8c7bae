#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "geo/countries.h"
#include "geo/sources.h"
#include "geo/test_database.h"
#include "os/sim_disk.h"

// libmaxminddb 1.7.1 leaves some KiB behind when MMDB_open() meets damaged metadata; nothing of ours can free them.
extern "C" const char* __lsan_default_suppressions() { return "leak:libmaxminddb\n"; }

namespace clew::geo {
namespace {

constexpr const char* kSuite = "../shared/suites/maxmind-db";

class GeoTest : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& bytes) {
    auto file = disk_.open(path, os::OpenMode::kReplace);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->write_at(0, bytes).ok());
  }
  Result<DatabasePtr> open(const std::string& bytes, Addresses addresses = Addresses::kAll) {
    put("/db", bytes);
    return Database::open(disk_, "/db", addresses);
  }
  // "name=value" of what is known; "" when nothing is.
  static std::string shown(const Database& database, std::string_view text) {
    std::optional<Address> address = parse_address(text);
    if (!address) return "no address";
    Result<std::optional<uint32_t>> record = database.find(*address);
    if (!record.ok()) return "error: " + record.error().message();
    if (!*record) return "";
    Result<Place> place = database.place(**record);
    if (!place.ok()) return "error: " + place.error().message();
    std::string out;
    for (size_t i = 0; i < kPropertyCount; ++i) {
      if (!place->texts[i].empty())
        out += (out.empty() ? "" : " ") + std::string(kPropertyNames[i]) + "=" + place->texts[i];
    }
    return out;
  }
  static std::string file(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }

  os::SimDisk disk_{1};
};

constexpr const char* kAsked[] = {"1.1.1.1",     "8.8.8.8",      "2.125.160.216", "81.2.69.142", "::1",
                                  "2001:218::1", "0.0.0.0",      "1.0.0.0",       "128.0.0.0",   "255.255.255.255",
                                  "ffff::",      "2001:4860::1", "89.160.20.112"};

TEST(Address, FormsOfOneAddress) {
  auto same = [](std::string_view a, std::string_view b) {
    std::optional<Address> x = parse_address(a);
    std::optional<Address> y = parse_address(b);
    ASSERT_TRUE(x && y) << a;
    EXPECT_EQ(x->v4, y->v4) << a;
    EXPECT_EQ(x->bytes, y->bytes) << a;
  };
  same("::ffff:8.8.8.8", "8.8.8.8");
  same("64:ff9b::808:808", "8.8.8.8");
  same("2002:808:808::1", "8.8.8.8");
  same("2001:0DB8:0:0::1", "2001:db8::1");
  for (const char* none : {"", "8", "8.8.8", "8.8.8.8.8", "256.1.1.1", "1.2.3.4/24", "::g", "localhost", "1.2.3.4 "}) {
    EXPECT_FALSE(parse_address(none)) << none;
  }
  EXPECT_FALSE(parse_address(std::string(100, ':')));
}

TEST(Address, SomeHaveNoPlaceInTheWorld) {
  for (const char* text :
       {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1",  "169.254.1.1", "100.64.0.1",
        "0.0.0.0",  "192.0.2.1",  "198.51.100.7",   "203.0.113.9", "198.18.0.1", "224.0.0.1",   "255.255.255.255",
        "::",       "::1",        "fe80::1",        "fd00::1",     "ff02::1",    "2001:db8::1"}) {
    EXPECT_FALSE(is_global(*parse_address(text))) << text;
  }
  for (const char* text : {"8.8.8.8", "172.15.0.1", "172.32.0.1", "192.167.1.1", "223.255.255.255", "11.0.0.0",
                           "100.128.0.1", "2001:4860::1", "2a00::1", "3fff::1"}) {
    EXPECT_TRUE(is_global(*parse_address(text))) << text;
  }
}

TEST(Countries, AreSortedAndLieOnContinents) {
  std::string_view last;
  for (const Country& country : countries()) {
    EXPECT_LT(last, country.iso_code);
    last = country.iso_code;
    EXPECT_EQ(find_country(country.iso_code), &country);
    EXPECT_FALSE(continent_name(country.continent).empty()) << country.iso_code;
    EXPECT_FALSE(country.name.empty());
  }
  EXPECT_GE(countries().size(), 249u);
  EXPECT_EQ(find_country("ZZ"), nullptr);
  EXPECT_EQ(find_country("se"), nullptr);
}

TEST_F(GeoTest, ReadsTheFlatSchema) {
  auto opened = open(testing::country_database(), Addresses::kGlobal);
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  const Database& db = **opened;
  EXPECT_FALSE(db.has_cities());
  const char* sweden = "country_iso_code=SE country_name=Sweden continent_code=EU continent_name=Europe";
  EXPECT_EQ(shown(db, "89.160.20.112"), sweden);
  EXPECT_EQ(shown(db, "::ffff:89.160.20.112"), sweden);
  EXPECT_NE(shown(db, "2001:4860:4860::8888").find("country_iso_code=US"), std::string::npos);
  EXPECT_EQ(shown(db, "9.9.9.9"), "");
  EXPECT_EQ(shown(db, "192.168.1.1"), "") << "what the file says of private addresses is not believed";
}

TEST_F(GeoTest, ReadsTheFlatSchemaOfCities) {
  testing::DatabaseWriter out;
  out.add("81.2.69.0", 24,
          testing::map({{"city", testing::text("London")},
                        {"country_code", testing::text("GB")},
                        {"latitude", testing::real(51.5f)},
                        {"longitude", testing::real(-0.125f)},
                        {"state1", testing::text("England")},
                        {"timezone", testing::text("Europe/London")}}));
  auto opened = open(out.bytes("city"));
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  EXPECT_TRUE((*opened)->has_cities());
  EXPECT_EQ(
      shown(**opened, "81.2.69.142"),
      "country_iso_code=GB country_name=United Kingdom continent_code=EU continent_name=Europe region_name=England "
      "city_name=London time_zone=Europe/London location=51.5,-0.125");
}

TEST_F(GeoTest, ReadsMaxMindsSchema) {
  auto opened = open(testing::city_database());
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  EXPECT_TRUE((*opened)->has_cities());
  EXPECT_EQ(shown(**opened, "81.2.69.142"),
            "country_iso_code=GB country_name=United Kingdom continent_code=EU continent_name=Europe "
            "region_iso_code=GB-ENG region_name=England city_name=London postal_code=EC1 time_zone=Europe/London "
            "location=51.5142,-0.0931");
  EXPECT_EQ(shown(**opened, "10.1.2.3"), "city_name=Office") << "an own file may name own networks";
}

TEST_F(GeoTest, TheFileMayGoWhileItIsRead) {
  auto opened = open(testing::city_database());
  ASSERT_TRUE(opened.ok());
  auto file = disk_.open("/db", os::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(0).ok());
  EXPECT_NE(shown(**opened, "81.2.69.142").find("London"), std::string::npos);
}

TEST_F(GeoTest, AFileThatIsNoDatabaseIsNamed) {
  auto missing = Database::open(disk_, "/nothing.mmdb", Addresses::kAll);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_NE(missing.error().message().find("/nothing.mmdb"), std::string::npos);
  for (const std::string& bytes : {std::string(), std::string("hello"), testing::city_database().substr(0, 200)}) {
    auto opened = open(bytes);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), Code::kCorrupt) << opened.error().message();
    EXPECT_NE(opened.error().message().find("/db"), std::string::npos);
  }
  testing::DatabaseWriter networks;
  networks.add("8.8.8.0", 24, testing::map({{"autonomous_system_number", testing::u32(15169)}}));
  auto other = open(networks.bytes("GeoLite2-ASN"));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), Code::kUnsupported);
  EXPECT_NE(other.error().message().find("GeoLite2-ASN"), std::string::npos);
}

TEST_F(GeoTest, SourcesByName) {
  std::unique_ptr<Sources> sources = testing::test_sources(disk_);
  EXPECT_EQ((*sources->find("country"))->path(), "/country.mmdb");
  EXPECT_EQ((*sources->find("city"))->path(), "/city.mmdb");
  EXPECT_EQ((*sources->find("default"))->path(), "/city.mmdb");
  auto unknown = sources->find("asn");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().message(), "no data source \"asn\"; there are default, country, city");
  ASSERT_FALSE(sources->set({.bundled = "/country.mmdb", .named = {{"city", "/gone"}}}).ok());
  EXPECT_TRUE(sources->find("city").ok()) << "a mistake changes nothing";
  ASSERT_TRUE(sources->set({.bundled = "/country.mmdb", .named = {}}).ok());
  EXPECT_FALSE(sources->find("city").ok());
  EXPECT_EQ((*sources->find("default"))->path(), "/country.mmdb");
  ASSERT_TRUE(sources->set({.bundled = "/gone", .named = {}}).ok()) << "the bundled one waits for its first use";
  EXPECT_FALSE(sources->find("default").ok());
}

// Every byte of a file may be wrong; what is left is an answer or an error.
TEST_F(GeoTest, BrokenBytesAreSurvived) {
  std::mt19937 random(7);
  std::string good = testing::city_database();
  int opened_count = 0;
  for (int run = 0; run < 3000; ++run) {
    std::string bad = good;
    for (int i = 0; i < 1 + run % 4; ++i) bad[random() % bad.size()] = static_cast<char>(random());
    auto opened = open(bad);
    if (!opened.ok()) continue;
    ++opened_count;
    for (const char* address : kAsked) (void)shown(**opened, address);
  }
  EXPECT_GT(opened_count, 100);
  for (size_t bytes = 0; bytes < good.size(); bytes += 7) EXPECT_FALSE(open(good.substr(0, bytes)).ok()) << bytes;
}

TEST_F(GeoTest, DamagedFilesOfTheSuite) {
  if (!std::filesystem::exists(kSuite)) GTEST_SKIP() << kSuite << " is not here";
  int files = 0;
  for (const char* folder : {"bad-data", "test-data"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(kSuite) + "/" + folder)) {
      if (entry.path().extension() != ".mmdb") continue;
      ++files;
      SCOPED_TRACE(entry.path().string());
      auto opened = open(file(entry.path()));
      if (!opened.ok()) {
        EXPECT_TRUE(opened.error().code() == Code::kCorrupt || opened.error().code() == Code::kUnsupported);
        continue;
      }
      for (const char* address : kAsked) (void)shown(**opened, address);
    }
  }
  EXPECT_GT(files, 40);
}

TEST_F(GeoTest, CitiesAndCountriesOfTheSuite) {
  std::string folder = std::string(kSuite) + "/test-data/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not here";
  auto city = open(file(folder + "GeoLite2-City-Test.mmdb"));
  ASSERT_TRUE(city.ok()) << city.error().message();
  EXPECT_TRUE((*city)->has_cities());
  EXPECT_EQ(shown(**city, "2.125.160.216"),
            "country_iso_code=GB country_name=United Kingdom continent_code=EU continent_name=Europe "
            "region_iso_code=GB-ENG region_name=England city_name=Boxford postal_code=OX1 time_zone=Europe/London "
            "location=51.75,-1.25");
  auto country = open(file(folder + "GeoLite2-Country-Test.mmdb"));
  ASSERT_TRUE(country.ok()) << country.error().message();
  EXPECT_FALSE((*country)->has_cities());
  EXPECT_EQ(shown(**country, "2001:218::1"),
            "country_iso_code=JP country_name=Japan continent_code=AS continent_name=Asia");
  EXPECT_FALSE(open(file(folder + "GeoLite2-ASN-Test.mmdb")).ok());
}

}  // namespace
}  // namespace clew::geo
