// clew_crash: runs what may go wrong with a disk or a process, and prints a table of it.
//   clew_crash --short             seconds; in every test run
//   clew_crash [N]                 the long forms, N in a hundred of their full length (100)
//   clew_crash --only NAME [N]     power, fail, cuts, flips, full, queue or kill
//   --broken                       broken variants of what is tested (a disk whose sync does nothing, ...): each run
//   must
//                                  find something wrong, or the harness would prove nothing
//   --seed S                       another seed; a failure prints the one to use
//   --dir DIR                      where real processes write
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "runs.h"

namespace {

using clew::crash::Outcome;
using clew::crash::run_kill_child;
using clew::crash::Variant;

struct Plan {
  std::string only;
  std::string dir;
  std::string program;
  uint64_t seed = 1;
  uint64_t percent = 100;
  bool short_form = false;
  Variant variant = Variant::kWhole;

  uint64_t scaled(uint64_t full, uint64_t in_short) const {
    return short_form ? in_short : std::max<uint64_t>(1, full * percent / 100);
  }
  uint64_t every(uint64_t in_short) const { return short_form ? in_short : std::max<uint64_t>(1, 100 / percent); }
};

constexpr uint64_t kFlippedBytes = 1u << 20;

Outcome run(const Plan& p, const std::string& name) {
  using namespace clew::crash;
  if (name == "power") return run_power_loss(p.seed, p.scaled(100'000, 600), p.variant);
  if (name == "fail") return run_fail_nth(p.seed, p.every(3), p.variant);
  if (name == "cuts") return run_journal_cuts(p.seed, p.every(397), p.variant);
  if (name == "flips") return run_flips(p.seed, p.short_form ? 64'000 : kFlippedBytes, p.every(97), p.variant);
  if (name == "full") return run_disk_full(p.seed, p.scaled(100, 10), p.variant);
  if (name == "queue") return run_disk_queue(p.seed, p.scaled(10'000, 60), p.variant);
  return run_kills(p.program, p.dir, p.seed, p.scaled(1'000, 8), p.variant);
}

int usage() {
  std::fprintf(stderr,
               "usage: clew_crash [--short] [--broken] [--only power|fail|cuts|flips|full|queue|kill] [--seed S] "
               "[--dir DIR] [N]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 3 && args[0] == "--child") return run_kill_child(args[1], args[2], Variant::kWhole);
  if (args.size() == 3 && args[0] == "--broken-child") return run_kill_child(args[1], args[2], Variant::kBroken);
  Plan plan;
  plan.program = "/proc/self/exe";
  plan.dir = fmt::format("{}/clew-crash-{}", std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp",
                         argc > 0 ? getpid() : 0);
  for (size_t i = 0; i < args.size(); ++i) {
    bool has_value = i + 1 < args.size();
    if (args[i] == "--short") {
      plan.short_form = true;
    } else if (args[i] == "--broken") {
      plan.variant = Variant::kBroken;
    } else if (args[i] == "--only" && has_value) {
      plan.only = args[++i];
    } else if (args[i] == "--dir" && has_value) {
      plan.dir = args[++i];
    } else if (args[i] == "--seed" && has_value) {
      plan.seed = std::strtoull(args[++i].c_str(), nullptr, 10);
    } else if (!args[i].empty() && args[i].find_first_not_of("0123456789") == std::string::npos) {
      plan.percent = std::max<uint64_t>(1, std::strtoull(args[i].c_str(), nullptr, 10));
    } else {
      return usage();
    }
  }
  int failed = 0;
  std::printf("%-30s %10s  %s\n", "what", "cases", "result");
  for (const char* name : {"power", "fail", "cuts", "flips", "full", "queue", "kill"}) {
    if (!plan.only.empty() && plan.only != name) continue;
    Outcome out = run(plan, name);
    failed += out.wrong.empty() == (plan.variant == Variant::kWhole) ? 0 : 1;
    std::string result = out.wrong.empty() ? "ok, " + out.detail : "WRONG: " + out.wrong;
    std::printf("%-30s %10llu  %s\n", out.name.c_str(), static_cast<unsigned long long>(out.cases), result.c_str());
    std::fflush(stdout);
  }
  return failed == 0 ? 0 : 1;
}
