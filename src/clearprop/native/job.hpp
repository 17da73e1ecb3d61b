// What the kernels are given: one job's network, buffers and the step at hand. Plain data, shared
// between the code that is compiled once and the kernels that are compiled per instruction set.
//
// Layouts (W lanes to a vector; a panel is NR = 2·W samples wide):
//   θ, m, v, …   per layer W as n_out rows of `stride` (n_in padded to W), then b padded to W
//   X batch      rows of samples, `stride` of the first layer apart; padding is 0
//   activations  panels: [panel][unit][NR], the samples of a panel side by side
// The units' loop is then the broadcast operand of every product, and samples (or, for ∂ℒ/∂W, the
// inputs) are the vectors: no product needs a packed copy of W.
//
// With precision "bfloat16" the products' operands are rounded copies, see Rounded. θ and the slots
// stay in T, but each W is stored in tiles of 8 units × 32 inputs. The tiles of one item of the weight
// phase follow one another, so that the update walks through memory in a straight line.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clearprop {

// The lists are in activations.hpp, output_units.hpp and optimizers.hpp.
enum class Act : int;
enum class Out : int;
enum class Opt : int;

// The arrays of parameters, by their names in the definition: a learning rate may have a factor for
// each of these.
#define CP_PARAMETERS(X) \
  X(kW, "W")             \
  X(kB, "b")             \
  X(kSlope, "slope")     \
  X(kS, "s")             \
  X(kV, "V")             \
  X(kE, "E")             \
  X(kG, "G")             \
  X(kW1, "w_1")          \
  X(kB1, "b_1")          \
  X(kW2, "W_2")          \
  X(kB2, "b_2")
#define CP_ENTRY(number, name) number,
enum Name : int { CP_PARAMETERS(CP_ENTRY) kNames };
#undef CP_ENTRY
#define CP_ENTRY(number, name) name,
static constexpr const char* kParameters[] = {CP_PARAMETERS(CP_ENTRY)};
#undef CP_ENTRY
static constexpr bool is_weight(Name name) { return name != kB && name != kB1 && name != kB2; }

struct Layer {
  int n_in, n_out;
  int stride;           // length of a row of W
  int64_t W, b, slope;  // where they begin in θ; slope −1 without slopes
  double gain;          // z = gain · W h + b
  Act activation;
  double rate;                 // of dropout, 0 for none
  int dropout;                 // rate · 65536 in the step at hand, 0 for none
  int dropout_index;           // number of the dropout layer, which names its random numbers
  int64_t rounded, rounded_t;  // where the rounded copies of W and Wᵀ begin
};

struct Output {
  Out kind;
  int n_constants;
  const double* constants;  // in its formulas, as the record in Python hands them over
};

// The scalars of one step, computed once in double.
struct Update {
  Opt kind;
  double learning_rate, shrink;  // shrink: α λ
  double a, b, c, d, epsilon;    // meaning per optimiser, see set_scalars
  double l1, l2;
  double mu_product;  // NAdam's ∏μ with this step
};

template <class T>
struct Data {  // shared by all jobs, read only
  const T* X;  // (N, D), rows `ld` apart; or the values of the CSR form
  int64_t ld;
  const int64_t *indptr, *indices;  // of the CSR form, null for a dense X
  const T* t;                       // (N, K)
  const T* weight;                  // (N,) or null
};

// ---- what stands before the first dense layer: a front, from the columns of X to h⁽⁰⁾ ---------------

// The kinds of layers of a front with their parameters, in the order in which they lie in θ.
#define CP_LAYER_KINDS(X)         \
  X(identity)                     \
  X(piecewise_linear, kV)         \
  X(periodic, kW1, kB1, kW2, kB2) \
  X(embedding, kE)                \
  X(embedding_bag, kG)
#define CP_ENTRY(name, ...) name,
enum class Kind : int { CP_LAYER_KINDS(CP_ENTRY) };
#undef CP_ENTRY
// Whether the columns of X are numbers of rows of parameters.
static constexpr bool looks_up(Kind kind) {
  return kind == Kind::embedding || kind == Kind::embedding_bag;
}
struct LayerKind {
  const char* name;
  Name parameters[5];  // up to kNames
};
#define CP_ENTRY(name, ...) {#name, {__VA_ARGS__ __VA_OPT__(, ) kNames}},
static constexpr LayerKind kLayerKinds[] = {CP_LAYER_KINDS(CP_ENTRY)};
#undef CP_ENTRY

// One of the layers side by side. In h⁽⁰⁾ the units with parameters below them come first, with the
// units of a column together; then come the columns themselves (x, or x̃), which need no ∂ℒ/∂h⁽⁰⁾.
struct Part {
  Kind kind;
  int n, first;  // columns of X (texts of an embedding bag), and the first column
  int n_codes;   // columns of X of each text of an embedding bag; 1 for other kinds
  int n_units, n_frequencies;
  double clip;
  int column;          // the place of its first column in the list of Columns
  int trained, fixed;  // its first unit of either sort; there are n · n_units and n of them
};

// A column of X with parameters, or the columns of a text. The parameters are adjacent in θ: V, or E, or
// G, or w₁, b₁, W₂, b₂, each padded to W. `n` is the number of bins, categories or codes.
struct Column {
  int n;
  int64_t theta;
  int64_t edges, table;  // where its edges and its table begin
  int binned;            // its number among the columns with bins
};

// One item of the weight phase in the front: a column, or some of the rows of E or G.
struct FrontItem {
  int part, column, first, n;
};

template <class T>
struct Front {
  int n_parts;  // 0: there is no front, X is h⁽⁰⁾
  int n_trained, n_binned;
  int stride;  // columns of X, padded to W
  const Part* parts;
  const Column* columns;
  const FrontItem* items;
  const T* edges;
  T* tables;            // of each bin β, 1/width, then for each unit C and V, see front.hpp
  const uint8_t* bins;  // of each row and column with bins; null: they are looked for
  int64_t s;            // where the scale begins in θ, −1 for none
  T* W;                 // W⁽¹⁾ diag(s), null for no scale
  // panels of the batch
  T* fraction;   // where in its bin x is: [panel][binned][NR]
  int32_t* bin;  // the same of its number
  T* dh;         // ∂ℒ/∂h⁽⁰⁾, before the scale: [panel][n_trained][NR]
};

// What an item of the weight phase reports: the sums of the penalty over its weights, and after their
// update the largest of them, infinity if one is not finite.
struct ItemResult {
  double sum_abs, sum_square, largest;
};

// The products' operands in bfloat16, two that are multiplied and added together to a word. Sizes
// are rounded up, to whole blocks with zeros in them.
struct Rounded {
  uint32_t* W;          // W by 8 units: [n_out / 8][n_in / 2][8]; Wᵀ: [n_in / 8][n_out / 2][8]
  uint32_t* x;          // batch by 32 inputs: [n_in / 32][n / 2][32]
  uint32_t** h;         // panels of pairs of units: [panel][units / 2][NR]
  uint32_t** dz;        // pairs of samples by 8 units: [units / 8][panel][8][NR / 2]
  uint32_t** dz_pairs;  // panels of pairs of units: [panel][units / 2][NR]
  uint32_t* largest;  // words of the largest magnitudes of h and dz: [layer][h, dz][panel][NR / 2]
};

template <class T>
struct Step {
  // the network
  int n_layers, n_outputs;
  const Layer* layers;
  Output output;
  T *theta, *slot0, *slot1;  // slot: m or velocity or v; v
  const T *lower, *upper;    // bounds of θ after each update, null for none
  T* gradient;               // whole gradient, or null when the update is fused
  // the batch
  Data<T> data;
  const int64_t* rows;  // n row numbers, or null for first … first + n − 1
  int64_t first;
  int64_t before;  // rows of the batch in front of these, where it comes in blocks
  bool add;        // to the gradient, not in its place
  int n, n_panels;
  double mean_weight;  // 1/n, or 1/Σw (0 if Σw is 0)
  // buffers of the job
  T* x;    // batch rows
  T** h;   // h[l], l = 0 … L−1, panels
  T** d;   // φ′(z) (with the dropout mask) if it does not follow from h, else null
  T** dz;  // z then ∂ℒ/∂z of layer l+1, panels
  T** q;   // for slopes of layer l: φ(z) − z with the mask, then ∂ℒ/∂s, panels
  Front<T> front;
  T* t;                 // targets, panels
  double* loss;         // of each panel, weighted
  ItemResult* results;  // of the weight phase
  Rounded rounded;      // of precision "bfloat16"
  // what to do
  Update update;
  const double* factors;  // of the learning rate, by Name
  uint64_t seed, number;  // of the dropout masks: seed and step
};

// Panels that are worked on together: of samples, so that a block of W is read once for all of them;
// of inputs, for the same with a block of ∂ℒ/∂z.
constexpr int kSampleGroup = 8, kInputGroup = 4;

// An item of the weight phase: a layer, the first of its inputs and how many panels of them, at most
// kInputGroup; or layer −1 and the number of an item of the front.
struct Item {
  int layer, i0, n_panels;
};

// The tiles of a W for bfloat16: `across` of them cover the inputs, `down` the units.
constexpr int kTileUnits = 8, kTileInputs = 32, kTileSize = kTileUnits * kTileInputs;
namespace {  // a copy for each instruction set
struct Tiles {
  int across, down;
  explicit Tiles(const Layer& layer)
      : across((layer.n_in + kTileInputs - 1) / kTileInputs),
        down((layer.n_out + kTileUnits - 1) / kTileUnits) {}
  // tiles of the item that begins with tile column `first`
  int columns(int first) const {
    return across - first < kInputGroup ? across - first : kInputGroup;
  }
  int64_t size() const { return int64_t(across) * down * kTileSize; }
};
}  // namespace

template <class T>
struct PredictKernels;

template <class T>
struct Kernels {
  int lanes, panel;  // W and NR
  // rows of the batch → every h, z, loss, ∂ℒ/∂z of the panels first … last − 1
  void (*forward_backward)(const Step<T>&, int first, int last);
  // ∂ℒ/∂W of an item; updates W at once, or writes the gradient
  void (*weights)(const Step<T>&, Item item, int index, T* scratch);
  // adds the penalty's gradient over weights [begin, end) and returns Σg²
  double (*penalize)(const Step<T>&, int64_t begin, int64_t end, bool weights);
  // optimiser over θ[begin, end) from scale · gradient; weights: whether decay applies; returns
  // max |θ| thereafter
  double (*update)(const Step<T>&, int64_t begin, int64_t end, Name name, T scale);
  double (*largest)(const T* x, int64_t n);  // max |x|, infinity if one is not finite
  // max |h| · max |∂ℒ/∂z| of a layer: no term of its ∂ℒ/∂W is larger
  double (*largest_term)(const Step<T>&, int layer);
  size_t (*scratch)(const Step<T>&);  // elements of scratch that `weights` needs
  void (*math)(int function, const T* x, T* y, int64_t n);  // for the tests
  const PredictKernels<T>* prediction;
  // rewrites what is kept of an item's part of θ in another form: W rounded or scaled, tables
  void (*renew)(const Step<T>&, Item item);
};

// The kernels that differ for bfloat16; all other kernels are shared with float32.
struct RoundedKernels {
  void (*forward_backward)(const Step<float>&, int first, int last);
  void (*weights)(const Step<float>&, Item item, int index, float* scratch);
  double (*largest_term)(const Step<float>&, int layer);
  size_t (*scratch)(const Step<float>&);
  void (*renew)(const Step<float>&, Item item);
  void (*round)(const float* x, uint16_t* y, int64_t n);  // for the tests, n a multiple of 32
};

struct Isa {
  const char* name;
  const Kernels<float>* f32;
  const Kernels<double>* f64;
};

}  // namespace clearprop
