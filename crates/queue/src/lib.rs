//! Durable work: claim, lease, retry, schedule; does not know what a sync is
