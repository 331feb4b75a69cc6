"""etcd's services over the store: KV, Watch, Lease, Cluster, Maintenance, Auth, and gRPC's health.

Each method checks what etcd checks, asks the store, and answers in etcd's words.
"""
