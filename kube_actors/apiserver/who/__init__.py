"""Who is asking, and what they may do: keys, certificates, tokens, RBAC.

``authenticate`` judges the head of a request, ``Authorizer`` decides by the stored roles and
bindings. Certificates and tokens are made here too, for the cluster and its accounts.
"""
