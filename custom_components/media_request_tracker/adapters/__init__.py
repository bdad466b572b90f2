"""One package per service kind: a client, payload → facts, and the order of its reads."""
