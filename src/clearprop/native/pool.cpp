#include "pool.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace clearprop {
namespace {

struct Region {
  const std::function<void(int64_t, int)>* f = nullptr;
  int64_t n_items = 0;
  int n_threads = 0;
  std::atomic<int64_t> next{0};
  std::mutex failing;
  std::exception_ptr failure;  // the first one; it leaves through the caller's thread

  void work(int worker) {
    try {
      for (int64_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < n_items;)
        (*f)(item, worker);
    } catch (...) {
      next.store(n_items, std::memory_order_relaxed);
      const std::lock_guard lock(failing);
      if (!failure) failure = std::current_exception();
    }
  }
};

class Pool {
 public:
  std::mutex taken;

  void run(Region& region) {
    while (static_cast<int>(threads_.size()) + 1 < region.n_threads)
      threads_.emplace_back([this, worker = static_cast<int>(threads_.size()) + 1,
                             seen = generation_.load()] { serve(worker, seen); });
    region_ = &region;
    busy_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    region.work(0);
    for (int spins = 0; busy_.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins < kSpins) {
        pause();
      } else if (const int left = busy_.load(std::memory_order_acquire)) {
        busy_.wait(left, std::memory_order_acquire);
      }
    }
  }

 private:
  static constexpr int kSpins = 2000;  // some ten microseconds, about what a wake-up costs

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  [[noreturn]] void serve(int worker, uint32_t seen) {
    for (;;) {
      for (int spins = 0; generation_.load(std::memory_order_acquire) == seen; ++spins) {
        if (spins < kSpins)
          pause();
        else
          generation_.wait(seen, std::memory_order_acquire);
      }
      seen = generation_.load(std::memory_order_acquire);
      if (worker < region_->n_threads) region_->work(worker);
      if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
    }
  }

  std::vector<std::thread> threads_;
  Region* region_ = nullptr;
  std::atomic<uint32_t> generation_{0};
  std::atomic<int> busy_{0};
};

// Never destroyed: its threads may outlive everything. After a fork the child has none of them and
// starts a pool of its own.
Pool* g_pool = nullptr;

Pool& pool() {
  static std::once_flag once;
  std::call_once(once, [] {
    g_pool = new Pool;
    pthread_atfork(nullptr, nullptr, [] { g_pool = new Pool; });
  });
  return *g_pool;
}

}  // namespace

void parallel_for(int n_threads, int64_t n_items, const std::function<void(int64_t, int)>& f) {
  n_threads = static_cast<int>(std::min<int64_t>(n_threads, n_items));
  if (n_threads > 1) {
    Pool& p = pool();
    std::unique_lock lock(p.taken, std::try_to_lock);
    if (lock.owns_lock()) {
      Region region;
      region.f = &f, region.n_items = n_items, region.n_threads = n_threads;
      p.run(region);
      if (region.failure) std::rethrow_exception(region.failure);
      return;
    }
  }
  for (int64_t item = 0; item < n_items; ++item) f(item, 0);
}

int default_threads() {
  int n = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = std::max(1, CPU_COUNT(&set));
  if (FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {  // "quota period", or "max period"
    double quota = 0, period = 0;
    if (std::fscanf(file, "%lf %lf", &quota, &period) == 2 && quota > 0 && period > 0)
      n = std::clamp(static_cast<int>(std::ceil(quota / period)), 1, n);
    std::fclose(file);
  }
#endif
  return n;
}

}  // namespace clearprop
