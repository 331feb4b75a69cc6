"""etcd v3 on the wire: our store served over gRPC, and a real etcd as the store's other engine."""
