"""Who a caller is and what they may do: passwords, sessions, tokens, invitations, permissions."""
