//! Simulators of real providers with their documented caps, quotas and faults
