#include "query/exec/coded_texts.h"

namespace clew::query::exec {

uint32_t CodedTexts::code(const std::string& text) {
  auto [it, fresh] = codes_.try_emplace(text, static_cast<uint32_t>(codes_.size()));
  if (fresh) texts_->push_back(text);
  return it->second;
}

void CodedTexts::add_null() {
  out_->nulls.resize(out_->codes.size(), 0);
  out_->nulls.push_back(1);
  out_->codes.push_back(0);
}

model::VectorPtr CodedTexts::finish() {
  out_->size = static_cast<uint32_t>(out_->codes.size());
  if (texts_->empty()) return std::make_shared<model::Vector>(model::Vector::all_null(out_->size));
  if (!out_->nulls.empty()) out_->nulls.resize(out_->size, 0);
  auto dictionary = std::make_shared<model::Vector>();
  dictionary->type = model::Type::kString;
  dictionary->layout = model::Layout::kFlat;
  dictionary->size = static_cast<uint32_t>(texts_->size());
  dictionary->strings.assign(texts_->begin(), texts_->end());
  dictionary->owners.push_back(texts_);
  out_->type = model::Type::kString;
  out_->layout = model::Layout::kDict;
  out_->dict = std::move(dictionary);
  return out_;
}

}  // namespace clew::query::exec
