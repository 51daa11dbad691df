#include "common/environment/spaces.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 24;
constexpr int kMaxDimensions = 16;
constexpr int32_t kMaxDiscrete = int32_t{1} << 20;

absl::Status ValidateBox(const v1::Space::Box& box) {
  if (box.shape().empty()) return absl::InvalidArgumentError("box space: found no shape, expected one");
  // Dimensions of one make no elements, but text.
  if (box.shape_size() > kMaxDimensions) {
    return absl::InvalidArgumentError(
        absl::StrCat("box space: found ", box.shape_size(), " dimensions, expected at most ", kMaxDimensions));
  }
  int64_t elements = 1;
  for (const int64_t size : box.shape()) {
    if (size < 1 || size > kMaxElements / elements) {
      return absl::InvalidArgumentError(absl::StrCat("box space: found a dimension of ", size,
                                                     ", expected at least 1 and at most ", kMaxElements,
                                                     " elements in all"));
    }
    elements *= size;
  }
  const bool unbounded = box.low().empty() && box.high().empty();
  if (!unbounded && (box.low_size() != elements || box.high_size() != elements)) {
    return absl::InvalidArgumentError(absl::StrCat("box space: found ", box.low_size(), " low and ", box.high_size(),
                                                   " high bounds, expected ", elements, " of each, or none"));
  }
  for (int i = 0; i < box.low_size(); ++i) {
    if (!(box.low(i) <= box.high(i))) {  // also NaN
      return absl::InvalidArgumentError(absl::StrCat("box space: found bounds ", box.low(i), " and ", box.high(i),
                                                     " of element ", i, ", expected low ≤ high"));
    }
  }
  return absl::OkStatus();
}

void AppendNumbers(std::string_view label, const google::protobuf::RepeatedField<float>& numbers, std::string& text) {
  text.append(label);
  for (const float number : numbers) {
    // Nine digits tell any two floats apart; unlike printf, this is the same in every locale.
    char digits[32];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number, std::chars_format::general, 9);
    text.push_back(' ');
    text.append(digits, end.ptr);
  }
}

std::string BoxText(const v1::Space::Box& box) {
  std::string text = "Box(";
  for (int i = 0; i < box.shape_size(); ++i) absl::StrAppend(&text, i == 0 ? "" : "x", box.shape(i));
  if (box.low().empty()) {
    text.append("; unbounded");
  } else {
    AppendNumbers("; low", box.low(), text);
    AppendNumbers("; high", box.high(), text);
  }
  text.push_back(')');
  return text;
}

}  // namespace

absl::Status ValidateSpace(const v1::Space& space) {
  switch (space.kind_case()) {
    case v1::Space::kBox:
      return ValidateBox(space.box());
    case v1::Space::kDiscrete:
      if (space.discrete().n() >= 1 && space.discrete().n() <= kMaxDiscrete) return absl::OkStatus();
      return absl::InvalidArgumentError(
          absl::StrCat("discrete space: found n = ", space.discrete().n(), ", expected 1 to ", kMaxDiscrete));
    case v1::Space::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("space: found no kind, expected box or discrete");
}

int64_t SpaceSize(const v1::Space& space) {
  int64_t elements = 1;
  for (const int64_t size : space.box().shape()) elements *= size;
  return elements;
}

std::string SpaceText(const v1::Space& space) {
  switch (space.kind_case()) {
    case v1::Space::kBox:
      return BoxText(space.box());
    case v1::Space::kDiscrete:
      return absl::StrCat("Discrete(", space.discrete().n(), ")");
    case v1::Space::KIND_NOT_SET:
      break;
  }
  return "none";
}

}  // namespace understudy
