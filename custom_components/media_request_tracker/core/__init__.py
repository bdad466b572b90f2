"""The domain: what facts say about requests, without Home Assistant, I/O or clock."""
