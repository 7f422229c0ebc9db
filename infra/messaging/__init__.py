"""Redis: its clients, subscriptions to channels, the broker of hints."""
