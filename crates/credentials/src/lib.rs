//! Obtains, seals, refreshes and applies secrets; values in, values out
