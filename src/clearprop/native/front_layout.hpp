// Where the parameters, tables and units of what stands before the first dense layer lie.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "job.hpp"

namespace clearprop {

// at most this many categories of an embedding are updated by one item
constexpr int kCategories = 1024;
// the same of the codes of a text: each item reads all of the batch's codes
constexpr int kCodes = 4096;

// One of the layers side by side, as the user described it.
struct PartSpec {
  int kind = 0, n = 0, n_units = 0, n_frequencies = 0;
  int n_codes = 1;  // of embedding_bag: columns of X of each text
  double clip = 0;
  std::vector<std::vector<double>> edges;  // of piecewise_linear, for each column
  std::vector<int>
      sizes;  // of embedding: categories of each column; of embedding_bag: codes of each
              // text

  bool operator==(const PartSpec&) const = default;
};

// The number of the bin of each row in each column that has bins, for all jobs with these parts.
struct Bins {
  std::vector<PartSpec> parts;
  std::vector<uint8_t> numbers;
};

struct FrontLayout {
  struct Units {  // of h⁽⁰⁾ that lie together in the definition and here
    int here, there, n;
  };
  struct Array {  // of parameters, in padded θ
    int64_t begin, end;
    Name name;
  };

  FrontLayout() = default;
  // W: lanes of the kernels. Throws std::invalid_argument for parts that do not make sense.
  FrontLayout(const std::vector<PartSpec>& specs, int W);

  bool empty() const { return parts.empty(); }

  // Calls copy(where in padded θ, where in the flat one, how many) for all that lies together.
  template <class Copy>
  void each_row(const Copy& copy) const;

  std::vector<Part> parts;
  std::vector<Column> columns;
  std::vector<Units> units;
  std::vector<Array> arrays;
  std::vector<double> edges;
  int most_codes = 0;  // of a text in a row
  int lanes = 1, n_columns = 0, n_units = 0, n_trained = 0, n_binned = 0;
  int64_t n_parameters = 0, n_padded = 0, n_tables = 0;
  int64_t scratch = 0;   // of an item of the weight phase
  bool few_bins = true;  // their numbers fit into a byte
  double flops = 0;      // of a row, there and back, roughly
};

// The same for the one type of the data. It owns edges and tables, and points to the rest.
template <class T>
class FrontTables {
 public:
  FrontTables() = default;
  explicit FrontTables(const FrontLayout& layout)
      : edges_(layout.edges.begin(), layout.edges.end()), tables_(layout.n_tables) {}

  Front<T> view(const FrontLayout& layout) {
    Front<T> front{};
    front.n_parts = static_cast<int>(layout.parts.size());
    front.n_trained = layout.n_trained, front.n_binned = layout.n_binned;
    front.stride = (layout.n_columns + layout.lanes - 1) / layout.lanes * layout.lanes;
    front.parts = layout.parts.data(), front.columns = layout.columns.data();
    front.edges = edges_.data(), front.tables = tables_.data();
    front.s = -1;
    return front;
  }
  const T* edges() const { return edges_.data(); }

 private:
  std::vector<T> edges_, tables_;
};

// "" if the rows hold categories and codes where they should, else what is wrong; `first` is added to
// the number of the row in it.
template <class T>
std::string why_no_categories(const FrontLayout& layout, const T* X, int64_t ld, int64_t n_rows,
                              int64_t first);

// The bin numbers of all rows.
template <class T>
std::vector<uint8_t> bins_of_rows(const FrontLayout& layout, const T* edges, const T* X, int64_t ld,
                                  int64_t n_rows, int n_threads);

template <class Copy>
void FrontLayout::each_row(const Copy& copy) const {
  int64_t flat = 0;
  const auto padded = [this](int n) { return (n + lanes - 1) / lanes * lanes; };
  for (const Part& part : parts) {
    const Column* column = columns.data() + part.column;
    const int d = part.n_units, k = part.n_frequencies;
    if (part.kind == Kind::piecewise_linear || looks_up(part.kind)) {
      for (int c = 0; c < part.n; ++c) {
        copy(column[c].theta, flat, column[c].n * d);
        flat += int64_t(column[c].n) * d;
      }
    } else if (part.kind == Kind::periodic) {
      int64_t at = 0;
      for (const int n : {k, k, k * d, d}) {
        for (int c = 0; c < part.n; ++c, flat += n) copy(column[c].theta + at, flat, n);
        at += padded(n);
      }
    }
  }
}

}  // namespace clearprop
