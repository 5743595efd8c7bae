// SimDisk: a disk in memory that forgets what was not synced, tears and reorders what was, and fails when told.
//
// Power loss (crash) keeps of each file what its last good sync covered, plus a seeded choice of the 512-byte sectors
// written since, in any order; of each directory what sync_dir covered, plus a seeded choice of the changes since. A
// failed sync leaves the file as Linux does: the bytes are still read back, some reached the disk, the others never
// will, and a second sync says ok all the same.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "os/disk.h"

namespace clew::os {

// Threads:  all functions on any thread; a seed replays a run when one thread works.
// Lifetime: files and locks may outlive the disk; after a crash they fail with kIo.
class SimDisk final : public Disk {
 public:
  static constexpr uint64_t kSectorBytes = 512;

  explicit SimDisk(uint64_t seed, uint64_t total_bytes = uint64_t{1} << 30);
  ~SimDisk() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_dir(const std::string& path) override;
  Status make_dirs(const std::string& path) override;
  Status sync_dir(const std::string& path) override;
  Result<std::vector<DirEntry>> list(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<DiskSpace> space(const std::string& path) override;
  Result<std::unique_ptr<DirLock>> lock_dir(const std::string& path) override;

  // Operations begun so far, of every kind.
  uint64_t operations() const;
  // The n-th operation from now (1 = the next) fails with `code`; 0 switches it off. kIo at a sync loses bytes.
  void fail_operation(uint64_t n, Code code);
  // True once the failure asked for has happened.
  bool failure_happened() const;
  // Every operation from the n-th from now on fails and does nothing: the power is out until crash().
  void cut_power_at(uint64_t n);
  bool power_is_out() const;
  // The power comes back: what was not synced is settled by the seed; files and locks held are dead.
  void crash();
  // The process dies, the machine lives: everything written stays; files and locks held are dead.
  void kill_process();
  // A disk of its own with the same contents, synced and unsynced, and no open files.
  std::unique_ptr<SimDisk> fork(uint64_t seed) const;

  void set_total_bytes(uint64_t bytes);
  // While lying, File::sync answers ok and makes nothing durable.
  void set_lying(bool lying);
  // Paths of all files, sorted.
  std::vector<std::string> files() const;
  // Contents as a reader sees them.  Requires: the file exists.
  std::string contents(const std::string& path) const;
  // Replaces or makes a file, durable at once.
  void put(const std::string& path, std::string bytes);
  // Flips bits of one byte, now and on the platter.
  void flip(const std::string& path, uint64_t offset, uint8_t mask);
  // Called before each operation that changes something, with its number. It must not use this disk but fork().
  void on_change(std::function<void(uint64_t operation)> hook);

  struct State;

 private:
  explicit SimDisk(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace clew::os
