#include "host/host.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "host/collectors.h"
#include "os/sim_clock.h"

namespace clew::host {
namespace {

namespace fs = std::filesystem;

// Without HELP lines.
std::string printed(const Samples& samples) {
  std::string all;
  append_prometheus(samples, all);
  std::string out;
  for (size_t at = 0; at < all.size();) {
    size_t end = all.find('\n', at) + 1;
    if (!all.substr(at).starts_with("# HELP ")) out += all.substr(at, end - at);
    at = end;
  }
  return out;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

// A /proc and /sys of its own.
class Tree : public testing::Test {
 protected:
  Tree()
      : top_(fs::temp_directory_path() /
             ("clew-host-" + std::to_string(::getpid()) + "-" + std::to_string(reinterpret_cast<uintptr_t>(this)))) {
    fs::create_directories(top_ / "proc");
    fs::create_directories(top_ / "sys");
  }
  ~Tree() override { fs::remove_all(top_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((top_ / path).parent_path());
    std::ofstream(top_ / path) << text;
  }
  std::string collect() {
    Samples samples;
    host_->collect(samples);
    return printed(samples);
  }
  HostRoots roots() const { return {(top_ / "proc").string(), (top_ / "sys").string(), (top_ / "udev").string()}; }

  const fs::path top_;
  os::SimClock clock_;
  std::unique_ptr<Host> host_ = make_host(roots(), clock_);
};

TEST(Samples, PrintAsPrometheusReadsThem) {
  Samples samples;
  samples.family("empty", FamilyType::kGauge, "Left out.");
  samples.family("a_total", FamilyType::kCounter, "One\nline \\ \"quoted\".");
  samples.add(1.5e300, {{"x", "q\"b\\n\n"}, {"y", ""}});
  samples.add(-3);
  samples.one("b", FamilyType::kUntyped, "B.", 9007199254740993.0);
  std::string out;
  append_prometheus(samples, out);
  EXPECT_EQ(out,
            "# HELP a_total One\\nline \\\\ \"quoted\".\n# TYPE a_total counter\n"
            "a_total{x=\"q\\\"b\\\\n\\n\",y=\"\"} 1.5e+300\na_total -3\n"
            "# HELP b B.\n# TYPE b untyped\nb 9007199254740992\n");
  samples.clear();
  out.clear();
  append_prometheus(samples, out);
  EXPECT_EQ(out, "");
}

TEST(Stat, CoresModesAndCounts) {
  std::vector<CpuSeconds> cpus;
  Samples samples;
  EXPECT_TRUE(
      stat_samples("cpu  30 0 0 0 0 0 0 0 0 0\n"
                   "cpu0 10 1 2 300 4 5 6 7 8 9\n"
                   "cpu3 1 2 3 4\n"
                   "cpu4 1 x 3 4\n"
                   "cpu5 1 2\n"
                   "intr 12345 1 2 3\nctxt 99\nbtime 1796017688\nprocesses 7\nprocs_running 2\nprocs_blocked x\n",
                   cpus, samples));
  std::string out = printed(samples);
  EXPECT_TRUE(has_line(out, "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 0.1")) << out;
  EXPECT_TRUE(has_line(out, "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 3"));
  EXPECT_TRUE(has_line(out, "node_cpu_seconds_total{cpu=\"0\",mode=\"steal\"} 0.07"));
  EXPECT_TRUE(has_line(out, "node_cpu_guest_seconds_total{cpu=\"0\",mode=\"nice\"} 0.09"));
  EXPECT_TRUE(has_line(out, "node_cpu_seconds_total{cpu=\"3\",mode=\"idle\"} 0.04"));
  EXPECT_TRUE(has_line(out, "node_cpu_seconds_total{cpu=\"3\",mode=\"steal\"} 0"));
  EXPECT_EQ(out.find("cpu=\"4\""), std::string::npos) << "a line with a word for a number";
  EXPECT_EQ(out.find("cpu=\"5\""), std::string::npos) << "a line that is cut";
  EXPECT_EQ(out.find("cpu=\"1\""), std::string::npos);
  EXPECT_TRUE(has_line(out, "node_intr_total 12345"));
  EXPECT_TRUE(has_line(out, "node_context_switches_total 99"));
  EXPECT_TRUE(has_line(out, "node_boot_time_seconds 1796017688"));
  EXPECT_TRUE(has_line(out, "node_forks_total 7"));
  EXPECT_TRUE(has_line(out, "node_procs_running 2"));
  EXPECT_EQ(out.find("node_procs_blocked"), std::string::npos);
}

TEST(Stat, CountersOfACoreNeverGoBack) {
  std::vector<CpuSeconds> cpus;
  auto idle_and_iowait = [&cpus](const std::string& line) {
    Samples samples;
    stat_samples(line, cpus, samples);
    std::string out = printed(samples);
    std::string found;
    for (const char* mode : {"idle", "iowait"}) {
      std::string name = std::string("mode=\"") + mode + "\"} ";
      size_t at = out.find(name) + name.size();
      found += out.substr(at, out.find('\n', at) - at) + " ";
    }
    return found;
  };
  EXPECT_EQ(idle_and_iowait("cpu0 1 1 1 1000 500 0 0 0 0 0\n"), "10 5 ");
  EXPECT_EQ(idle_and_iowait("cpu0 1 1 1 999 400 0 0 0 0 0\n"), "10 5 ");
  EXPECT_EQ(idle_and_iowait("cpu0 1 1 1 1100 450 0 0 0 0 0\n"), "11 5 ");
  EXPECT_EQ(idle_and_iowait("cpu0 0 0 0 10 1 0 0 0 0 0\n"), "0.1 0.01 ") << "the core was taken out and in again";
}

TEST(Memory, NamesAndUnits) {
  Samples samples;
  EXPECT_TRUE(meminfo_samples("MemTotal:       1024 kB\nActive(anon):   2 kB\nHugePages_Total:   3\nBroken\nx: y kB\n",
                              samples));
  EXPECT_EQ(printed(samples),
            "# TYPE node_memory_MemTotal_bytes gauge\nnode_memory_MemTotal_bytes 1048576\n"
            "# TYPE node_memory_Active_anon_bytes gauge\nnode_memory_Active_anon_bytes 2048\n"
            "# TYPE node_memory_HugePages_Total gauge\nnode_memory_HugePages_Total 3\n");
  EXPECT_FALSE(meminfo_samples("", samples));
}

TEST(Vmstat, TheEssentials) {
  Samples samples;
  EXPECT_TRUE(vmstat_samples(
      "nr_free_pages 5\npgpgin 1\npswpout 2\npgfault 3\npgmajfault 4\noom_kill 0\npgalloc_dma 9\npgpgout\n", samples));
  std::string out = printed(samples);
  for (const char* line :
       {"node_vmstat_pgpgin 1", "node_vmstat_pswpout 2", "node_vmstat_pgfault 3", "node_vmstat_pgmajfault 4",
        "node_vmstat_oom_kill 0", "# TYPE node_vmstat_oom_kill untyped"}) {
    EXPECT_TRUE(has_line(out, line)) << line;
  }
  EXPECT_EQ(samples.count(), 5u);
}

TEST(Load, ThreeNumbersOrNone) {
  Samples samples;
  EXPECT_TRUE(loadavg_samples("0.50 1.25 10 2/345 678\n", samples));
  EXPECT_EQ(printed(samples),
            "# TYPE node_load1 gauge\nnode_load1 0.5\n# TYPE node_load5 gauge\nnode_load5 1.25\n"
            "# TYPE node_load15 gauge\nnode_load15 10\n");
  for (const char* cut : {"", "0.5", "0.5 1.25", "a b c", "\n0 0 0"}) {
    Samples none;
    EXPECT_FALSE(loadavg_samples(cut, none)) << cut;
  }
}

TEST(Netstat, PairsOfLinesAndSixes) {
  Samples samples;
  EXPECT_TRUE(netstat_samples(
      "TcpExt: SyncookiesSent Other ListenDrops\nTcpExt: 1 2 3\nIpExt: InOctets\nIpExt: 4\n",
      "Tcp: ActiveOpens CurrEstab\nTcp: 5\nUdp: InDatagrams\nTcp: 9\nIp: Forwarding DefaultTTL\nIp: 1 64\n",
      "Ip6InOctets\t7\nUdp6InErrors 8\nUdpLite6InErrors 0\nIp6Other 1\nnone 2\nUdp6NoPorts x\n", samples));
  std::string out = printed(samples);
  for (const char* line :
       {"node_netstat_TcpExt_SyncookiesSent 1", "node_netstat_TcpExt_ListenDrops 3", "node_netstat_IpExt_InOctets 4",
        "node_netstat_Tcp_ActiveOpens 5", "node_netstat_Ip_Forwarding 1", "node_netstat_Ip6_InOctets 7",
        "node_netstat_Udp6_InErrors 8", "node_netstat_UdpLite6_InErrors 0"}) {
    EXPECT_TRUE(has_line(out, line)) << line << "\n" << out;
  }
  EXPECT_EQ(samples.count(), 8u);
}

TEST(Sockstat, PagesAreBytesToo) {
  Samples samples;
  EXPECT_TRUE(sockstat_samples("sockets: used 17\nTCP: inuse 4 mem 3\nFRAG: inuse 0 memory 9\nUDP: inuse x\n",
                               "TCP6: inuse 2\n", 4096, samples));
  std::string out = printed(samples);
  for (const char* line :
       {"node_sockstat_sockets_used 17", "node_sockstat_TCP_inuse 4", "node_sockstat_TCP_mem 3",
        "node_sockstat_TCP_mem_bytes 12288", "node_sockstat_FRAG_memory 9", "node_sockstat_TCP6_inuse 2"}) {
    EXPECT_TRUE(has_line(out, line)) << line;
  }
  EXPECT_EQ(out.find("FRAG_memory_bytes"), std::string::npos);
}

TEST(Softnet, CoresByTheirNumberOrTheirLine) {
  Samples samples;
  EXPECT_TRUE(
      softnet_samples("0000000a 00000001 00000002\n0000000b 0 0 0 0 0 0 0 0 0 0 0 00000005\nzz 0 0\n1\n", samples));
  std::string out = printed(samples);
  EXPECT_TRUE(has_line(out, "node_softnet_processed_total{cpu=\"0\"} 10")) << out;
  EXPECT_TRUE(has_line(out, "node_softnet_dropped_total{cpu=\"0\"} 1"));
  EXPECT_TRUE(has_line(out, "node_softnet_times_squeezed_total{cpu=\"0\"} 2"));
  EXPECT_TRUE(has_line(out, "node_softnet_processed_total{cpu=\"5\"} 11"));
}

TEST(Mounts, ThoseThatHoldDataOnce) {
  auto points = [](std::string_view text) {
    std::string out;
    for (const Mount& mount : data_mounts(text)) out += mount.mount_point + (mount.read_only ? "(ro) " : " ");
    return out;
  };
  EXPECT_EQ(points("/dev/vda / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n"
                   "/dev/vda / ext4 rw 0 0\n/dev/sdb /mnt/my\\040disk\\134 xfs rw,errors=remount-ro 0 0\n"
                   "/dev/sdc /backup ext4 ro 0 0\noverlay /x overlay rw 0 0\n/dev/sdd /var/lib/docker/x ext4 rw 0 0\n"
                   "/dev/sde /var/lib/docker ext4 rw 0 0\n/dev/sdf /processes ext4 rw 0 0\ncut /y\n"),
            "/ /mnt/my disk\\ /backup(ro) /var/lib/docker /processes ");
}

TEST_F(Tree, DisksWithoutPartitions) {
  write("proc/diskstats",
        " 254 0 vda 1 2 4 3000 5 6 8 7000 9 10000 11000 12 13 14 15000 16 17000\n"
        " 254 1 vda1 1 1 1 1 1 1 1 1 1 1 1\n   7 0 loop0 1 1 1 1 1 1 1 1 1 1 1\n"
        " 259 0 nvme0n1 1 0 0 0 2 0 0 0 0 0 0\n 259 1 nvme0n1p1 1 0 0 0 2 0 0 0 0 0 0\n 8 0 sda x\n 8 16 sdb 5\n 8\n");
  write("udev/b254:0",
        "S:disk\nE:ID_MODEL=QEMU\nE:ID_SERIAL_SHORT=s1\nE:ID_WWN=0x5\nE:ID_PATH=pci-1\nE:ID_REVISION=2\n");
  std::string out = collect();
  for (const char* line :
       {"node_disk_reads_completed_total{device=\"vda\"} 1", "node_disk_read_bytes_total{device=\"vda\"} 2048",
        "node_disk_read_time_seconds_total{device=\"vda\"} 3", "node_disk_written_bytes_total{device=\"vda\"} 4096",
        "node_disk_io_now{device=\"vda\"} 9", "node_disk_io_time_weighted_seconds_total{device=\"vda\"} 11",
        "node_disk_flush_requests_time_seconds_total{device=\"vda\"} 17",
        "node_disk_writes_completed_total{device=\"nvme0n1\"} 2", "node_disk_reads_completed_total{device=\"sdb\"} 5",
        "# TYPE node_disk_io_now gauge",
        "node_disk_info{device=\"vda\",major=\"254\",minor=\"0\",model=\"QEMU\",path=\"pci-1\",revision=\"2\",serial="
        "\"s1\",wwn=\"0x5\"} 1",
        "node_scrape_collector_success{collector=\"diskstats\"} 1"}) {
    EXPECT_TRUE(has_line(out, line)) << line << "\n" << out;
  }
  for (const char* left_out : {"vda1", "loop0", "nvme0n1p1", "\"sda\""}) {
    EXPECT_EQ(out.find(left_out), std::string::npos) << left_out;
  }
  EXPECT_EQ(out.find("node_disk_flush_requests_total{device=\"nvme0n1\"}"), std::string::npos)
      << "an older kernel's line";
}

TEST_F(Tree, FilesAreReadAnewEachTime) {
  write("proc/loadavg", "0.5 0 0 1/1 1\n");
  EXPECT_TRUE(has_line(collect(), "node_load1 0.5"));
  write("proc/loadavg", "0.75 0 0 1/1 1\n");
  EXPECT_TRUE(has_line(collect(), "node_load1 0.75"));
}

TEST_F(Tree, NetworkDevices) {
  write("proc/net/dev",
        "Inter-|   Receive  |  Transmit\n face |bytes\n"
        "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  br:0: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n lo: 1 2 3\n bad: 1 "
        "2 3 4 5 6 7 8 9 10 11 12 13 14 15 x\n");
  write("sys/class/net/eth0/statistics/rx_nohandler", "3\n");
  write("sys/class/net/eth0/address", "02:fc\n");
  write("sys/class/net/eth0/operstate", "up\n");
  write("sys/class/net/eth0/flags", "0x1003\n");
  write("sys/class/net/eth0/mtu", "1400\n");
  write("sys/class/net/eth0/speed", "1000\n");
  write("sys/class/net/eth0/type", "many\n");
  write("sys/class/net/bonding_masters", "\n");
  std::string out = collect();
  for (const char* line :
       {"node_network_receive_bytes_total{device=\"eth0\"} 1",
        "node_network_receive_multicast_total{device=\"eth0\"} 8",
        "node_network_transmit_bytes_total{device=\"eth0\"} 9",
        "node_network_transmit_compressed_total{device=\"eth0\"} 16",
        "node_network_transmit_bytes_total{device=\"br:0\"} 2",
        "node_network_receive_nohandler_total{device=\"eth0\"} 3",
        "node_network_info{address=\"02:fc\",broadcast=\"\",device=\"eth0\",duplex=\"\",ifalias=\"\",operstate=\"up\"} "
        "1",
        "node_network_up{device=\"eth0\"} 1", "node_network_flags{device=\"eth0\"} 4099",
        "node_network_mtu_bytes{device=\"eth0\"} 1400", "node_network_speed_bytes{device=\"eth0\"} 125000000"}) {
    EXPECT_TRUE(has_line(out, line)) << line << "\n" << out;
  }
  for (const char* absent :
       {"node_network_protocol_type", "bonding_masters", "device=\"lo\"", "device=\"bad\"", "node_network_carrier"}) {
    EXPECT_EQ(out.find(absent), std::string::npos) << absent;
  }
}

TEST_F(Tree, SensorsByTheirDevices) {
  write("sys/devices/platform/coretemp.0/hwmon/hwmon1/name", "coretemp\n");
  const std::string chip = "sys/devices/platform/coretemp.0/hwmon/hwmon1/";
  write(chip + "temp1_input", "45500\n");
  write(chip + "temp1_max", "80000\n");
  write(chip + "temp1_label", "Package id 0\n");
  write(chip + "temp2_input", "broken\n");
  write(chip + "fan1_input", "1200\n");
  fs::create_directory_symlink("../..", top_ / chip / "device");
  fs::create_directories(top_ / "sys/class/hwmon");
  fs::create_directory_symlink(top_ / chip, top_ / "sys/class/hwmon/hwmon1");
  write("sys/class/thermal/thermal_zone0/temp", "38000\n");
  write("sys/class/thermal/thermal_zone0/type", "acpitz\n");
  write("sys/class/thermal/cooling_device3/cur_state", "2\n");
  write("sys/class/thermal/cooling_device3/type", "Processor\n");
  std::string out = collect();
  for (const char* line :
       {"node_hwmon_chip_names{chip=\"platform_coretemp_0\",chip_name=\"coretemp\"} 1",
        "node_hwmon_temp_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"} 45.5",
        "node_hwmon_temp_max_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"} 80",
        "node_hwmon_fan_rpm{chip=\"platform_coretemp_0\",sensor=\"fan1\"} 1200",
        "node_hwmon_sensor_label{chip=\"platform_coretemp_0\",label=\"Package id 0\",sensor=\"temp1\"} 1",
        "node_thermal_zone_temp{type=\"acpitz\",zone=\"0\"} 38",
        "node_cooling_device_cur_state{name=\"3\",type=\"Processor\"} 2"}) {
    EXPECT_TRUE(has_line(out, line)) << line << "\n" << out;
  }
  EXPECT_EQ(out.find("temp2"), std::string::npos);
  EXPECT_EQ(out.find("node_cooling_device_max_state"), std::string::npos);
}

TEST_F(Tree, PressureTrackingAndSmallFiles) {
  write("proc/pressure/cpu", "some avg10=1.00 avg60=0 avg300=0 total=2500000\nfull avg10=0 avg60=0 avg300=0 total=1\n");
  write("proc/pressure/io", "some avg10=0 total=1\nfull avg10=0 total=what\n");
  write("proc/sys/fs/file-nr", "10\t0\t100\n");
  write("proc/sys/kernel/random/entropy_avail", "256\n");
  write("proc/sys/net/netfilter/nf_conntrack_count", "5\n");
  write("proc/sys/net/netfilter/nf_conntrack_max", "50\n");
  write("proc/net/stat/nf_conntrack", "entries found drop\n0000000a 00000001 00000002\n0000000a 0000000f 00000003\n");
  std::string out = collect();
  for (const char* line :
       {"node_pressure_cpu_waiting_seconds_total 2.5", "node_pressure_io_waiting_seconds_total 1e-06",
        "node_filefd_allocated 10", "node_filefd_maximum 100", "node_entropy_available_bits 256",
        "node_nf_conntrack_entries 5", "node_nf_conntrack_entries_limit 50", "node_nf_conntrack_stat_found 16",
        "node_nf_conntrack_stat_drop 5"}) {
    EXPECT_TRUE(has_line(out, line)) << line << "\n" << out;
  }
  EXPECT_EQ(out.find("node_pressure_io_stalled"), std::string::npos);
  EXPECT_EQ(out.find("node_nf_conntrack_stat_insert"), std::string::npos);
}

TEST_F(Tree, AnEmptyMachineSaysWhatItLacks) {
  std::string out = collect();
  for (const char* name :
       {"conntrack", "diskstats", "entropy", "filefd", "filesystem", "hwmon", "loadavg", "meminfo", "netclass",
        "netdev", "netstat", "pressure", "sockstat", "softnet", "stat", "thermal_zone", "vmstat"}) {
    EXPECT_TRUE(has_line(out, std::string("node_scrape_collector_success{collector=\"") + name + "\"} 0")) << name;
  }
  EXPECT_TRUE(has_line(out, "node_scrape_collector_success{collector=\"uname\"} 1"));
}

// Whatever is cut off a table, what is printed stays readable.
TEST_F(Tree, CutFilesBreakNothing) {
  const std::pair<const char*, const char*> kFiles[] = {
      {"proc/stat", "cpu  1 2 3 4\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5 1\nctxt 6\nbtime 7\n"},
      {"proc/diskstats", " 254 0 vda 1 2 4 3000 5 6 8 7000 9 10000 11000 12 13 14 15000 16 17000\n"},
      {"proc/net/dev", "x\ny\n eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"},
      {"proc/1/mounts", "/dev/vda / ext4 rw,relatime 0 0\n/dev/x /no/such\\040place ext4 ro 0 0\n"},
      {"proc/meminfo", "MemTotal:       1024 kB\nActive(anon):   2 kB\n"},
      {"proc/net/snmp", "Tcp: ActiveOpens CurrEstab\nTcp: 5 6\n"},
      {"proc/net/softnet_stat", "0000000a 00000001 00000002\n"},
      {"proc/pressure/cpu", "some avg10=1.00 avg60=0 avg300=0 total=2500000\n"},
  };
  for (const auto& [path, text] : kFiles) {
    for (size_t bytes = 0; bytes <= std::string_view(text).size(); ++bytes) {
      write(path, std::string(text).substr(0, bytes));
      std::string out = collect();
      for (size_t at = 0; at < out.size();) {
        size_t end = out.find('\n', at);
        std::string line = out.substr(at, end - at);
        EXPECT_TRUE(line.starts_with("# TYPE node_") || line.starts_with("node_")) << line;
        EXPECT_FALSE(line.ends_with(' ')) << line;
        at = end + 1;
      }
    }
  }
}

}  // namespace
}  // namespace clew::host
