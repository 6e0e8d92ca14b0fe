"""What a change makes stale: from an object that changed to the items that reach it."""
