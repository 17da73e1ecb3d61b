#include "front_layout.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

#include "edges.hpp"
#include "pool.hpp"

namespace clearprop {
namespace {

void require(bool ok, const char* what) {
  if (!ok) throw std::invalid_argument(what);
}

constexpr int64_t kMost = int64_t{1} << 31;  // of anything that is counted in int

}  // namespace

FrontLayout::FrontLayout(const std::vector<PartSpec>& specs, int W) : lanes(W) {
  const auto pad = [W](int64_t n) { return (n + W - 1) / W * W; };
  const int fields = std::min(W, 8);
  int64_t all_units = 0, all_columns = 0;
  for (const PartSpec& spec : specs) {
    require(spec.kind >= 0 && spec.kind <= static_cast<int>(Kind::embedding_bag), "no such kind");
    require(spec.n_codes >= 1, "n_codes must be >= 1");
    require(spec.n >= 1 && spec.n_units >= 0 && spec.n_frequencies >= 0, "sizes of a layer");
    Part part{};
    part.kind = static_cast<Kind>(spec.kind);
    part.n = spec.n, part.first = static_cast<int>(all_columns);
    part.n_units = part.kind == Kind::identity ? 0 : spec.n_units;
    part.n_frequencies = spec.n_frequencies, part.clip = spec.clip;
    part.n_codes = part.kind == Kind::embedding_bag ? spec.n_codes : 1;
    part.column = static_cast<int>(columns.size());
    part.trained = n_trained;
    const int d = part.n_units, k = part.n_frequencies;
    const bool itself = !looks_up(part.kind);
    all_columns += int64_t(spec.n) * part.n_codes;
    all_units += int64_t(spec.n) * (d + (itself ? 1 : 0));
    require(all_columns < kMost && all_units < kMost, "too many columns");
    n_trained += spec.n * d;
    parts.push_back(part);
    if (part.kind == Kind::identity) continue;
    require(d >= 1, "n_units must be >= 1");
    const auto n = static_cast<size_t>(spec.n);
    const auto array = [&](int64_t size, Name name) {
      require(size < kMost, "too many parameters in a column");
      arrays.push_back({n_padded, n_padded + pad(size), name});
      n_padded += pad(size), n_parameters += size;
    };
    require(part.kind != Kind::piecewise_linear || (spec.edges.size() == n && spec.clip > 0),
            "edges for each column, and clip > 0");
    require(!looks_up(part.kind) || spec.sizes.size() == n, "a size for each column");
    require(part.kind != Kind::periodic || k >= 1, "n_frequencies must be >= 1");
    for (size_t c = 0; c < n; ++c) {
      Column column{};
      column.theta = n_padded;
      int64_t needed = 0;
      if (part.kind == Kind::piecewise_linear) {
        const std::vector<double>& of_column = spec.edges[c];
        require(of_column.size() >= 2, "two edges or more");
        column.n = static_cast<int>(of_column.size()) - 1;
        column.edges = static_cast<int64_t>(edges.size());
        column.table = n_tables;
        column.binned = n_binned++;
        edges.insert(edges.end(), of_column.begin(), of_column.end());
        n_tables += int64_t(column.n) * ((2 + 2 * d + fields - 1) / fields * fields);
        few_bins = few_bins && column.n <= 256;
        array(int64_t(column.n) * d, kV);
        needed = int64_t(column.n) * ((2 * d + fields - 1) / fields * fields) +
                 pad(int64_t(column.n) * d);
        flops += 40 + 20 * d;
      } else if (part.kind == Kind::embedding) {
        column.n = spec.sizes[c];
        require(column.n >= 1, "sizes must be >= 1");
        array(int64_t(column.n) * d, kE);
        needed = pad(int64_t(std::min(column.n, kCategories)) * d);
        flops += 10 * d;
      } else if (part.kind == Kind::embedding_bag) {
        column.n = spec.sizes[c];
        require(column.n >= 1, "sizes must be >= 1");
        array(int64_t(column.n) * d, kG);
        needed = pad(int64_t(std::min(column.n, kCodes)) * d) + d;
        most_codes = std::max(most_codes, part.n_codes);
        flops += (5.0 + 3 * d) * part.n_codes;
      } else {
        array(k, kW1), array(k, kB1), array(int64_t(k) * d, kW2), array(d, kB2);
        needed = n_padded - column.theta;
        flops += k * (80.0 + 6 * d);
      }
      scratch = std::max(scratch, needed);
      columns.push_back(column);
    }
  }
  // the units, first the ones with parameters
  n_columns = static_cast<int>(all_columns), n_units = static_cast<int>(all_units);
  int fixed = n_trained, there = 0;
  for (Part& part : parts) {
    part.fixed = fixed;
    if (part.kind == Kind::identity) {
      units.push_back({fixed, there, part.n});
      there += part.n, fixed += part.n;
    } else if (looks_up(part.kind)) {
      units.push_back({part.trained, there, part.n * part.n_units});
      there += part.n * part.n_units;
    } else {
      for (int c = 0; c < part.n; ++c, ++fixed) {
        units.push_back({fixed, there++, 1});
        units.push_back({part.trained + c * part.n_units, there, part.n_units});
        there += part.n_units;
      }
    }
  }
}

template <class T>
std::string why_no_categories(const FrontLayout& layout, const T* X, int64_t ld, int64_t n_rows,
                              int64_t first) {
  const auto needs_codes = [](const Part& part) { return looks_up(part.kind); };
  if (std::none_of(layout.parts.begin(), layout.parts.end(), needs_codes)) return "";
  for (int64_t i = 0; i < n_rows; ++i) {
    for (const Part& part : layout.parts) {
      if (!needs_codes(part)) continue;
      const bool bag = part.kind == Kind::embedding_bag;
      for (int c = 0; c < part.n * part.n_codes; ++c) {
        const T x = X[i * ld + part.first + c];
        const int last = layout.columns[part.column + c / part.n_codes].n - (bag ? 0 : 1);
        if (x >= 0 && x <= static_cast<T>(last) && x == std::floor(x)) continue;
        std::ostringstream message;
        message << "X must hold whole numbers 0 … " << last << " in " << (bag ? "code" : "category")
                << " column " << c << "; got " << x << " in row " << first + i;
        return message.str();
      }
    }
  }
  return "";
}

template <class T>
std::vector<uint8_t> bins_of_rows(const FrontLayout& layout, const T* edges, const T* X, int64_t ld,
                                  int64_t n_rows, int n_threads) {
  constexpr int64_t chunk = 4096, together = 16;
  std::vector<uint8_t> numbers(static_cast<size_t>(n_rows) * layout.n_binned);
  parallel_for(n_threads, (n_rows + chunk - 1) / chunk, [&](int64_t item, int) {
    const int64_t end = std::min(n_rows, (item + 1) * chunk);
    for (const Part& part : layout.parts) {
      if (part.kind != Kind::piecewise_linear) continue;
      for (int c = 0; c < part.n; ++c) {
        const Column& column = layout.columns[part.column + c];
        for (int64_t i = item * chunk; i < end; i += together) {
          const int64_t n = std::min(end - i, together);
          T x[together] = {};
          int32_t bins[together];
          for (int64_t r = 0; r < n; ++r) x[r] = X[(i + r) * ld + part.first + c];
          find_bins<together>(edges + column.edges, column.n, x, bins);
          for (int64_t r = 0; r < n; ++r)
            numbers[(i + r) * layout.n_binned + column.binned] = static_cast<uint8_t>(bins[r]);
        }
      }
    }
  });
  return numbers;
}

template std::string why_no_categories(const FrontLayout&, const float*, int64_t, int64_t, int64_t);
template std::string why_no_categories(const FrontLayout&, const double*, int64_t, int64_t,
                                       int64_t);
template std::vector<uint8_t> bins_of_rows(const FrontLayout&, const float*, const float*, int64_t,
                                           int64_t, int);
template std::vector<uint8_t> bins_of_rows(const FrontLayout&, const double*, const double*,
                                           int64_t, int64_t, int);

}  // namespace clearprop
