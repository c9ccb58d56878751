//! Verbs: what the product does, one folder per noun
