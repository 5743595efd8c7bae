#include "metricstore/chunk.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace clew::metricstore {
namespace {

// How values are written; on disk.
enum class Form : uint8_t {
  kDecimal = 0,  // u8 scale, varint odd values, for each varint distance and u64 bits; int run
  kXor = 1,      // u64 bits of the first; int run of each value's bits xor those of the one before
  kOne = 2,      // u64 bits: all have them
  kCoded = 3,    // as kDecimal, with a coded run (value_coder.h)
};

// How a value comes from a whole number m; on disk, in the upper half of the scale whose lower half is the number of
// digits d.
enum class Step : uint8_t {
  kDivide = 0,       // m / 10^d: as text with d digits is read
  kMultiply = 1,     // m * 10^-d: programs that scale ticks
  kDivideTwice = 2,  // m / 1000 / 1000, d is 6: pressure stall information
};

constexpr int kDigitsMax = 9;
constexpr double kPowers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
constexpr double kParts[] = {1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9};
constexpr double kMantissaMax = 9007199254740992;  // 2^53: integers up to it are exact
constexpr uint32_t kBucketsMax = 65'536;           // of one histogram
constexpr uint32_t kSpansMax = 65'536;
constexpr size_t kTried = 4;  // values of a chunk that a scale must give back before all are tried

uint64_t bits_of(double v) { return std::bit_cast<uint64_t>(v); }

double value_of(int64_t mantissa, Step step, int digits) {
  auto whole = static_cast<double>(mantissa);
  switch (step) {
    case Step::kDivide: return whole / kPowers[digits];
    case Step::kMultiply: return whole * kParts[digits];
    case Step::kDivideTwice: return whole / 1000 / 1000;
  }
  return 0;
}

// The value times 10^digits when that is an integer from which the value comes back with the same bits.
bool mantissa_of(double v, Step step, int digits, int64_t& mantissa) {
  double scaled = v * kPowers[digits];
  if (!(std::fabs(scaled) < kMantissaMax)) return false;
  mantissa = static_cast<int64_t>(std::nearbyint(scaled));
  return bits_of(value_of(mantissa, step, digits)) == bits_of(v);
}

void write_spans(const std::vector<model::BucketSpan>& spans, base::Writer& to) {
  to.varint(spans.size());
  for (const model::BucketSpan& span : spans) {
    to.varint_signed(span.offset);
    to.varint(span.length);
  }
}

void read_spans(base::Reader& in, std::vector<model::BucketSpan>& spans, uint64_t& buckets) {
  uint64_t count = in.varint_max(kSpansMax);
  buckets = 0;
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    model::BucketSpan span;
    span.offset = static_cast<int32_t>(in.varint_signed());
    span.length = static_cast<uint32_t>(in.varint_max(kBucketsMax));
    buckets += span.length;
    spans.push_back(span);
  }
  if (buckets > kBucketsMax) in.fail();
}

}  // namespace

void ChunkEncoder::times(std::span<const int64_t> millis, std::string& out) {
  ints_.encode(millis, codec::Effort::kFast, out);
}

void ChunkEncoder::floats(std::span<const double> values, std::string& out) {
  bool one = std::all_of(values.begin(), values.end(), [&](double v) { return bits_of(v) == bits_of(values[0]); });
  base::Writer to(out);
  if (one) {
    to.u8(static_cast<uint8_t>(Form::kOne));
    to.f64(values[0]);
  } else if (!decimals(values, out)) {
    xored(values, out);
  }
}

struct ChunkEncoder::Scale {
  Step step = Step::kDivide;
  int digits = 0;
};

// The mantissas into scratch_, odd values apart; false when too many are odd.
bool ChunkEncoder::mantissas(std::span<const double> values, const Scale& scale) {
  const size_t odd_max = values.size() / 8;
  scratch_.resize(values.size());
  odd_.clear();
  for (size_t i = 0; i < values.size(); ++i) {
    if (mantissa_of(values[i], scale.step, scale.digits, scratch_[i])) continue;
    if (odd_.size() >= odd_max) return false;
    odd_.push_back(static_cast<uint32_t>(i));
    scratch_[i] = i == 0 ? 0 : scratch_[i - 1];
  }
  return true;
}

namespace {

// The least digits that give back all values but some; more than kDigitsMax when there are none.
int digits_of(std::span<const double> values) {
  int digits = 0;
  size_t without = 0;  // values that no number of digits gives back
  for (double v : values) {
    int64_t mantissa = 0;
    if (mantissa_of(v, Step::kDivide, digits, mantissa)) continue;
    int more = digits + 1;
    while (more <= kDigitsMax && !mantissa_of(v, Step::kDivide, more, mantissa)) ++more;
    if (more <= kDigitsMax) {
      digits = more;
    } else if (++without > values.size() / 8) {
      return kDigitsMax + 1;
    }
  }
  return digits;
}

bool gives_back_first(std::span<const double> values, Step step, int digits) {
  values = values.first(std::min(values.size(), kTried));
  int64_t mantissa = 0;
  return std::all_of(values.begin(), values.end(), [&](double v) { return mantissa_of(v, step, digits, mantissa); });
}

}  // namespace

bool ChunkEncoder::decimals(std::span<const double> values, std::string& out) {
  Scale scale{Step::kDivide, digits_of(values)};
  bool found = scale.digits <= kDigitsMax && mantissas(values, scale);
  for (int digits = 1; !found && digits <= kDigitsMax; ++digits) {
    scale = {Step::kMultiply, digits};
    found = gives_back_first(values, scale.step, digits) && mantissas(values, scale);
  }
  if (!found) {
    scale = {Step::kDivideTwice, 6};
    found = gives_back_first(values, scale.step, scale.digits) && mantissas(values, scale);
  }
  if (!found) return false;
  base::Writer to(out);
  const size_t form_at = out.size();
  to.u8(static_cast<uint8_t>(Form::kDecimal));
  to.u8(static_cast<uint8_t>(static_cast<uint8_t>(scale.step) << 4 | scale.digits));
  to.varint(odd_.size());
  uint32_t last = 0;
  for (uint32_t i : odd_) {
    to.varint(i - last);
    to.f64(values[i]);
    last = i;
  }
  packed_.clear();
  ints_.encode(scratch_, codec::Effort::kFast, packed_);
  if (coder_.encode(scratch_, packed_.size(), out)) {
    out[form_at] = static_cast<char>(Form::kCoded);
  } else {
    out += packed_;
  }
  return true;
}

void ChunkEncoder::xored(std::span<const double> values, std::string& out) {
  base::Writer to(out);
  to.u8(static_cast<uint8_t>(Form::kXor));
  to.f64(values[0]);
  scratch_.clear();
  for (size_t i = 1; i < values.size(); ++i) {
    scratch_.push_back(static_cast<int64_t>(bits_of(values[i]) ^ bits_of(values[i - 1])));
  }
  ints_.encode(scratch_, codec::Effort::kNested, out);
}

Status read_times(base::Reader& in, size_t count, std::vector<int64_t>& out) {
  size_t at = out.size();
  out.resize(at + count);
  return codec::decode_ints(in, count, out.data() + at);
}

Status read_floats(base::Reader& in, size_t count, std::vector<double>& out) {
  auto form = static_cast<Form>(in.u8());
  size_t at = out.size();
  if (form == Form::kOne) {
    out.resize(at + count, in.f64());
    return in.status();
  }
  std::vector<int64_t> run(count);
  if (form == Form::kXor) {
    uint64_t bits = bits_of(in.f64());
    CLEW_TRY(in.status());
    CLEW_TRY(codec::decode_ints(in, count - 1, run.data()));
    out.push_back(std::bit_cast<double>(bits));
    for (size_t i = 0; i + 1 < count; ++i) {
      bits ^= static_cast<uint64_t>(run[i]);
      out.push_back(std::bit_cast<double>(bits));
    }
    return {};
  }
  if (form != Form::kDecimal && form != Form::kCoded) return Error(Code::kCorrupt, "no form of float values");
  uint8_t scale = in.u8();
  auto step = static_cast<Step>(scale >> 4);
  int digits = scale & 0xF;
  if (step > Step::kDivideTwice || digits > kDigitsMax) in.fail();
  uint64_t odd = in.varint_max(count);
  std::vector<std::pair<uint64_t, double>> odd_values;
  uint64_t last = 0;
  for (uint64_t i = 0; i < odd; ++i) {
    last += in.varint_max(count);
    double value = in.f64();
    if (last >= count) in.fail();
    odd_values.emplace_back(last, value);
  }
  CLEW_TRY(in.status());
  if (form == Form::kCoded) {
    CLEW_TRY(decode_coded(in, count, run.data()));
  } else {
    CLEW_TRY(codec::decode_ints(in, count, run.data()));
  }
  out.resize(at + count);
  if (step == Step::kDivide) {
    const double divisor = kPowers[digits];
    for (size_t i = 0; i < count; ++i) out[at + i] = static_cast<double>(run[i]) / divisor;
  } else {
    for (size_t i = 0; i < count; ++i) out[at + i] = value_of(run[i], step, digits);
  }
  for (const auto& [i, value] : odd_values) out[at + i] = value;
  return {};
}

bool same_layout(const model::Histogram& a, const model::Histogram& b) {
  return a.schema == b.schema && a.reset == b.reset && a.whole == b.whole &&
         bits_of(a.zero_threshold) == bits_of(b.zero_threshold) && a.positive_spans == b.positive_spans &&
         a.negative_spans == b.negative_spans && a.custom_bounds == b.custom_bounds &&
         a.positive_buckets.size() == b.positive_buckets.size() &&
         a.negative_buckets.size() == b.negative_buckets.size();
}

// The layout once, then a run of floats for the counts, the sums, and each bucket.
void ChunkEncoder::histograms(std::span<const model::HistogramPtr> values, std::string& out) {
  const model::Histogram& first = *values[0];
  base::Writer to(out);
  to.varint_signed(first.schema);
  to.u8(static_cast<uint8_t>(static_cast<uint8_t>(first.reset) | (first.whole ? 0x80 : 0)));
  to.f64(first.zero_threshold);
  write_spans(first.positive_spans, to);
  write_spans(first.negative_spans, to);
  to.varint(first.positive_buckets.size());
  to.varint(first.negative_buckets.size());
  to.varint(first.custom_bounds.size());
  for (double bound : first.custom_bounds) to.f64(bound);
  auto column = [&](auto&& value_of) {
    column_.clear();
    for (const model::HistogramPtr& value : values) column_.push_back(value_of(*value));
    floats(column_, out);
  };
  column([](const model::Histogram& h) { return h.count; });
  column([](const model::Histogram& h) { return h.sum; });
  column([](const model::Histogram& h) { return h.zero_count; });
  for (size_t b = 0; b < first.positive_buckets.size(); ++b) {
    column([b](const model::Histogram& h) { return h.positive_buckets[b]; });
  }
  for (size_t b = 0; b < first.negative_buckets.size(); ++b) {
    column([b](const model::Histogram& h) { return h.negative_buckets[b]; });
  }
}

Status read_histograms(base::Reader& in, size_t count, std::vector<model::HistogramPtr>& out) {
  model::Histogram layout;
  layout.schema = static_cast<int32_t>(in.varint_signed());
  uint8_t flags = in.u8();
  layout.reset = static_cast<model::CounterReset>(flags & 3);
  layout.whole = (flags & 0x80) != 0;
  layout.zero_threshold = in.f64();
  uint64_t positive_length = 0, negative_length = 0;
  read_spans(in, layout.positive_spans, positive_length);
  read_spans(in, layout.negative_spans, negative_length);
  uint64_t positive = in.varint_max(kBucketsMax), negative = in.varint_max(kBucketsMax);
  uint64_t bounds = in.varint_max(std::min<uint64_t>(kBucketsMax, in.remaining() / 8));
  for (uint64_t i = 0; i < bounds; ++i) layout.custom_bounds.push_back(in.f64());
  CLEW_TRY(in.status());
  if (positive != positive_length || negative != negative_length) {
    return Error(Code::kCorrupt, "a histogram's spans do not fit its buckets");
  }
  std::vector<std::shared_ptr<model::Histogram>> made;
  for (size_t i = 0; i < count; ++i) made.push_back(std::make_shared<model::Histogram>(layout));
  std::vector<double> column;
  auto read = [&](auto&& put) -> Status {
    column.clear();
    CLEW_TRY(read_floats(in, count, column));
    for (size_t i = 0; i < count; ++i) put(*made[i], column[i]);
    return {};
  };
  CLEW_TRY(read([](model::Histogram& h, double v) { h.count = v; }));
  CLEW_TRY(read([](model::Histogram& h, double v) { h.sum = v; }));
  CLEW_TRY(read([](model::Histogram& h, double v) { h.zero_count = v; }));
  for (uint64_t b = 0; b < positive; ++b) {
    CLEW_TRY(read([](model::Histogram& h, double v) { h.positive_buckets.push_back(v); }));
  }
  for (uint64_t b = 0; b < negative; ++b) {
    CLEW_TRY(read([](model::Histogram& h, double v) { h.negative_buckets.push_back(v); }));
  }
  for (std::shared_ptr<model::Histogram>& histogram : made) out.push_back(std::move(histogram));
  return {};
}

// As the distance to the sample, 0 for unknown and 1 more than the distance else: of scraped counters it grows evenly.
void ChunkEncoder::starts(std::span<const int64_t> starts, std::span<const int64_t> millis, std::string& out) {
  scratch_.clear();
  for (size_t i = 0; i < starts.size(); ++i) {
    uint64_t distance = static_cast<uint64_t>(millis[i]) - static_cast<uint64_t>(starts[i]);
    scratch_.push_back(starts[i] == 0 ? 0 : static_cast<int64_t>(distance + 1));
  }
  ints_.encode(scratch_, codec::Effort::kFast, out);
}

Status read_starts(base::Reader& in, std::span<const int64_t> millis, std::vector<int64_t>& out) {
  std::vector<int64_t> run(millis.size());
  CLEW_TRY(codec::decode_ints(in, run.size(), run.data()));
  for (size_t i = 0; i < run.size(); ++i) {
    uint64_t start = static_cast<uint64_t>(millis[i]) - (static_cast<uint64_t>(run[i]) - 1);
    out.push_back(run[i] == 0 ? 0 : static_cast<int64_t>(start));
  }
  return {};
}

}  // namespace clew::metricstore
