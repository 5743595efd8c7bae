#include "row_text.h"

#include <array>

namespace clew::bench {
namespace {

// No first half ends, and no second half begins, such that two names joined by a blank hide a third.
constexpr std::array<std::string_view, 96> kFirst = {
    "amber",    "ancient", "autumn", "azure",  "black",    "blaze",  "bold",    "bone",   "brass",   "breeze",
    "bright",   "bronze",  "candy",  "canyon", "carbon",   "cedar",  "chalk",   "cherry", "chrome",  "cider",
    "cinder",   "citrus",  "cliff",  "cloud",  "cobalt",   "copper", "coral",   "cosmic", "crimson", "crystal",
    "daffodil", "dapper",  "dawn",   "desert", "diamond",  "dune",   "dust",    "ebony",  "ember",   "fern",
    "flint",    "forest",  "fossil", "frost",  "garnet",   "ginger", "glacier", "gold",   "granite", "grass",
    "hazel",    "honey",   "icy",    "indigo", "iron",     "ivory",  "jade",    "jasper", "jungle",  "lace",
    "lake",     "lava",    "lemon",  "lilac",  "lime",     "lunar",  "magenta", "maple",  "marble",  "meadow",
    "mercury",  "mint",    "misty",  "moon",   "mulberry", "navy",   "noble",   "oak",    "ocean",   "olive",
    "onyx",     "opal",    "orchid", "pepper", "pine",     "plum",   "polar",   "quartz", "quiet",   "rain",
    "river",    "ruby",    "sage",   "sand",   "scarlet",  "shadow"};
constexpr std::array<std::string_view, 96> kSecond = {
    "ant",     "antelope", "badger",  "bat",    "bear",    "beetle",  "bison",    "boar",    "buffalo", "carp",
    "cat",     "cheetah",  "cobra",   "condor", "cougar",  "coyote",  "crab",     "crane",   "cricket", "crow",
    "deer",    "dingo",    "dolphin", "donkey", "dove",    "dragon",  "duck",     "eagle",   "eel",     "elk",
    "falcon",  "ferret",   "finch",   "fox",    "frog",    "gazelle", "gecko",    "gibbon",  "giraffe", "goat",
    "goose",   "gopher",   "grouse",  "gull",   "hare",    "hawk",    "hedgehog", "heron",   "hornet",  "horse",
    "hound",   "hyena",    "ibex",    "iguana", "jackal",  "jaguar",  "jay",      "kestrel", "koala",   "lemur",
    "leopard", "lion",     "lizard",  "llama",  "lobster", "lynx",    "magpie",   "mantis",  "marmot",  "marten",
    "mole",    "monkey",   "moose",   "moth",   "mouse",   "mule",    "newt",     "ocelot",  "octopus", "orca",
    "osprey",  "otter",    "owl",     "ox",     "panda",   "panther", "parrot",   "pelican", "penguin", "pigeon",
    "pike",    "puma",     "quail",   "rabbit", "raccoon", "raven"};

}  // namespace

void append_made_up_name(std::string& out, uint64_t number) {
  number %= kNames;
  out += kFirst[number / kSecond.size()];
  out += kSecond[number % kSecond.size()];
}

}  // namespace clew::bench
