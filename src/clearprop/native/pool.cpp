#include "pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "denormals.hpp"

#if !defined(_WIN32)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace clearprop {
namespace {

struct Region {
  const std::function<void(int64_t, int)>& f;
  const int64_t n_items;
  const Poll& poll;
  const Forks forks;
  std::atomic<int64_t> next{0};
  bool stopped = false;
  std::mutex failing{};
  std::exception_ptr failure = nullptr;  // the first one; it leaves through the caller's thread

  void end() { next.store(n_items, std::memory_order_relaxed); }

  void fail() {
    end();
    std::unique_lock lock(failing, std::defer_lock);
    if (!forks.lost()) lock.lock();  // otherwise a thread that no longer exists may hold it
    if (!failure) failure = std::current_exception();
  }

  bool ask() {
    try {
      if (poll && !stopped && (poll() || forks.lost())) stopped = true, end();
    } catch (...) {
      fail();
    }
    return stopped;
  }

  void work(int worker) {
    try {
      for (;;) {
        if (worker == 0 && ask()) return;
        const int64_t item = next.fetch_add(1, std::memory_order_relaxed);
        if (item >= n_items) return;
        f(item, worker);
      }
    } catch (...) {
      fail();
    }
  }
};

// One of the caller's helpers. It has to join: a helper that has not woken up when the items are
// gone, because its processor is busy with other work, is not waited for.
struct alignas(64) Helper {
  enum State : int { idle, called, working };
  std::atomic<int> state{idle};
};

class Pool {
 public:
  std::mutex taken;

  void run(Region& region, int n_threads) {
    const int n = hire(n_threads - 1);
    region_ = &region;
    for (int i = 0; i < n; ++i) {
      helpers_[i]->state.store(Helper::called, std::memory_order_release);
      helpers_[i]->state.notify_one();
    }
    region.work(0);
    for (int i = 0; i < n && !region.forks.lost(); ++i) {
      auto called = static_cast<int>(Helper::called);
      if (!helpers_[i]->state.compare_exchange_strong(called, Helper::idle,
                                                      std::memory_order_acq_rel))
        wait_for(*helpers_[i], region);
    }
  }

 private:
  static constexpr int kSpins = 2000;  // about fifty microseconds, the cost of a wake-up
  static constexpr std::chrono::milliseconds kBetweenPolls{10};

  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
  }

  // How many helpers there are, n of them unless the system gives no more threads.
  int hire(int n) {
    try {
      while (std::cmp_less(helpers_.size(), n)) {
        helpers_.reserve(helpers_.size() + 1);
        auto helper = std::make_unique<Helper>();
        std::thread([this, number = static_cast<int>(helpers_.size()) + 1, h = helper.get()] {
          serve(*h, number);
        }).detach();
        helpers_.push_back(std::move(helper));
      }
    } catch (const std::system_error&) {
      n = static_cast<int>(helpers_.size());
    }
    return n;
  }

  [[noreturn]] void serve(Helper& self, int number) {
    const FlushDenormals flush;
    for (;;) {
      for (int spins = 0; self.state.load(std::memory_order_acquire) != Helper::called; ++spins) {
        if (spins < kSpins)
          pause();
        else
          self.state.wait(Helper::idle, std::memory_order_acquire);
      }
      auto called = static_cast<int>(Helper::called);
      if (!self.state.compare_exchange_strong(called, Helper::working, std::memory_order_acq_rel))
        continue;
      region_->work(number);
      self.state.store(Helper::idle);
      if (asleep_.load()) {
        {
          const std::lock_guard lock(sleep_);
        }
        done_.notify_one();
      }
    }
  }

  void wait_for(const Helper& helper, Region& region) {
    for (int spins = 0; spins < kSpins; ++spins) {
      if (helper.state.load(std::memory_order_acquire) != Helper::working) return;
      pause();
    }
    std::unique_lock lock(sleep_);
    asleep_.store(true);
    const auto finished = [&] { return helper.state.load() != Helper::working; };
    if (!region.poll)
      done_.wait(lock, finished);
    else
      while (!done_.wait_for(lock, kBetweenPolls, finished)) {
        lock.unlock();
        region.ask();
        if (region.forks.lost()) return;
        lock.lock();
      }
    asleep_.store(false);
  }

  std::vector<std::unique_ptr<Helper>> helpers_;
  Region* region_ = nullptr;
  std::mutex sleep_;
  std::condition_variable done_;
  std::atomic<bool> asleep_{false};
};

// Never destroyed, because its threads may outlive everything. After a fork the child has none of the
// threads and starts a new pool.
std::atomic<Pool*> g_pool{nullptr};
std::atomic<int> g_forks{0};

// How often this process and its ancestors have forked since the first call.
int count_forks() {
#if !defined(_WIN32)
  static std::once_flag once;
  std::call_once(once, [] {
    pthread_atfork(nullptr, nullptr, [] {
      g_pool.store(nullptr);
      g_forks.fetch_add(1);
    });
  });
#endif
  return g_forks.load();
}

Pool& pool() {
  Pool* there = g_pool.load(std::memory_order_acquire);
  if (there) return *there;
  auto made = std::make_unique<Pool>();
  if (g_pool.compare_exchange_strong(there, made.get(), std::memory_order_acq_rel))
    return *made.release();
  return *there;
}

// More threads than this only take memory.
int most_threads() {
  static const int most = std::max(64, 4 * static_cast<int>(std::thread::hardware_concurrency()));
  return most;
}

}  // namespace

Forks::Forks(int n_threads) : shared_(n_threads > 1), before_(count_forks()) {}

bool Forks::lost() const { return shared_ && count_forks() != before_; }

void Forks::check() const {
  if (lost())
    throw std::runtime_error(
        "this process was forked by a signal handler while native code was at work on several "
        "threads; only its parent continues that work");
}

bool parallel_for(int n_threads, int64_t n_items, const std::function<void(int64_t, int)>& f,
                  const Poll& poll) {
  n_threads = static_cast<int>(std::min<int64_t>({n_threads, n_items, most_threads()}));
  Region region{f, n_items, poll, Forks(n_threads)};
  std::unique_lock<std::mutex> lock;
  if (n_threads > 1) lock = std::unique_lock(pool().taken, std::try_to_lock);
  if (lock.owns_lock())
    pool().run(region, n_threads);
  else
    region.work(0);
  if (region.failure) std::rethrow_exception(region.failure);
  return !region.stopped;
}

namespace {

#if defined(__linux__)
// The limit in the folder of a group: version 2 has "quota period" or "max period" in one file.
double limit_in(const std::string& folder) {
  double quota = 0, period = 0;
  if (!(std::ifstream(folder + "/cpu.max") >> quota >> period)) {
    quota = period = 0;
    std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}
#endif

}  // namespace

double cgroup_quota([[maybe_unused]] const std::string& root) {
  double quota = std::numeric_limits<double>::infinity();
#if defined(__linux__)
  // "0::/a/b" in version 2, "4:cpu,cpuacct:/a/b" in version 1; every group above limits as well. In
  // a container the path may be the host's, where only the top is ours.
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::vector<std::string> mounts;
    if (controllers.empty()) {
      mounts = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    } else {
      std::istringstream names(controllers);
      bool cpu = false;
      for (std::string name; std::getline(names, name, ',');) cpu = cpu || name == "cpu";
      if (cpu) mounts = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/" + controllers};
    }
    std::string path = line.substr(second + 1);
    for (;;) {
      while (!path.empty() && path.back() == '/') path.pop_back();
      for (const std::string& mount : mounts)
        quota = std::min(quota, limit_in(root + mount + path));
      if (path.empty()) break;
      path.erase(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
  }
#endif
  return quota;
}

int default_threads() {
  int n = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = std::max(1, CPU_COUNT(&set));
#endif
  const double quota = cgroup_quota();
  return quota < n ? std::max(1, static_cast<int>(std::ceil(quota))) : n;
}

}  // namespace clearprop
