"""etcd v3's messages as a table: names and numbers from its api/mvccpb and api/etcdserverpb.

A line is ``package NAME``, ``enum NAME VALUE…`` (numbered from 0), ``message NAME``, or a field of
the message above it: ``name number type [repeated | oneof's name]``.
"""

TABLE = """
package mvccpb
enum EventType PUT DELETE
message KeyValue
  key 1 bytes
  create_revision 2 int64
  mod_revision 3 int64
  version 4 int64
  value 5 bytes
  lease 6 int64
message Event
  type 1 EventType:enum
  kv 2 KeyValue
  prev_kv 3 KeyValue
package etcdserverpb
enum SortOrder NONE ASCEND DESCEND
enum SortTarget KEY VERSION CREATE MOD VALUE
enum CompareResult EQUAL GREATER LESS NOT_EQUAL
enum CompareTarget VERSION CREATE MOD VALUE LEASE
enum FilterType NOPUT NODELETE
enum AlarmType NONE NOSPACE CORRUPT
enum AlarmAction GET ACTIVATE DEACTIVATE
enum DowngradeAction VALIDATE ENABLE CANCEL
message ResponseHeader
  cluster_id 1 uint64
  member_id 2 uint64
  revision 3 int64
  raft_term 4 uint64
message RangeRequest
  key 1 bytes
  range_end 2 bytes
  limit 3 int64
  revision 4 int64
  sort_order 5 SortOrder:enum
  sort_target 6 SortTarget:enum
  serializable 7 bool
  keys_only 8 bool
  count_only 9 bool
  min_mod_revision 10 int64
  max_mod_revision 11 int64
  min_create_revision 12 int64
  max_create_revision 13 int64
message RangeResponse
  header 1 ResponseHeader
  kvs 2 mvccpb.KeyValue repeated
  more 3 bool
  count 4 int64
message PutRequest
  key 1 bytes
  value 2 bytes
  lease 3 int64
  prev_kv 4 bool
  ignore_value 5 bool
  ignore_lease 6 bool
message PutResponse
  header 1 ResponseHeader
  prev_kv 2 mvccpb.KeyValue
message DeleteRangeRequest
  key 1 bytes
  range_end 2 bytes
  prev_kv 3 bool
message DeleteRangeResponse
  header 1 ResponseHeader
  deleted 2 int64
  prev_kvs 3 mvccpb.KeyValue repeated
message RequestOp
  request_range 1 RangeRequest request
  request_put 2 PutRequest request
  request_delete_range 3 DeleteRangeRequest request
  request_txn 4 TxnRequest request
message ResponseOp
  response_range 1 RangeResponse response
  response_put 2 PutResponse response
  response_delete_range 3 DeleteRangeResponse response
  response_txn 4 TxnResponse response
message Compare
  result 1 CompareResult:enum
  target 2 CompareTarget:enum
  key 3 bytes
  version 4 int64 target_union
  create_revision 5 int64 target_union
  mod_revision 6 int64 target_union
  value 7 bytes target_union
  lease 8 int64 target_union
  range_end 64 bytes
message TxnRequest
  compare 1 Compare repeated
  success 2 RequestOp repeated
  failure 3 RequestOp repeated
message TxnResponse
  header 1 ResponseHeader
  succeeded 2 bool
  responses 3 ResponseOp repeated
message CompactionRequest
  revision 1 int64
  physical 2 bool
message CompactionResponse
  header 1 ResponseHeader
message HashRequest
message HashKVRequest
  revision 1 int64
message HashKVResponse
  header 1 ResponseHeader
  hash 2 uint32
  compact_revision 3 int64
  hash_revision 4 int64
message HashResponse
  header 1 ResponseHeader
  hash 2 uint32
message SnapshotRequest
message SnapshotResponse
  header 1 ResponseHeader
  remaining_bytes 2 uint64
  blob 3 bytes
  version 4 string
message WatchRequest
  create_request 1 WatchCreateRequest request_union
  cancel_request 2 WatchCancelRequest request_union
  progress_request 3 WatchProgressRequest request_union
message WatchCreateRequest
  key 1 bytes
  range_end 2 bytes
  start_revision 3 int64
  progress_notify 4 bool
  filters 5 FilterType:enum repeated
  prev_kv 6 bool
  watch_id 7 int64
  fragment 8 bool
message WatchCancelRequest
  watch_id 1 int64
message WatchProgressRequest
message WatchResponse
  header 1 ResponseHeader
  watch_id 2 int64
  created 3 bool
  canceled 4 bool
  compact_revision 5 int64
  cancel_reason 6 string
  fragment 7 bool
  events 11 mvccpb.Event repeated
message LeaseGrantRequest
  TTL 1 int64
  ID 2 int64
message LeaseGrantResponse
  header 1 ResponseHeader
  ID 2 int64
  TTL 3 int64
  error 4 string
message LeaseRevokeRequest
  ID 1 int64
message LeaseRevokeResponse
  header 1 ResponseHeader
message LeaseKeepAliveRequest
  ID 1 int64
message LeaseKeepAliveResponse
  header 1 ResponseHeader
  ID 2 int64
  TTL 3 int64
message LeaseTimeToLiveRequest
  ID 1 int64
  keys 2 bool
message LeaseTimeToLiveResponse
  header 1 ResponseHeader
  ID 2 int64
  TTL 3 int64
  grantedTTL 4 int64
  keys 5 bytes repeated
message LeaseLeasesRequest
message LeaseStatus
  ID 1 int64
message LeaseLeasesResponse
  header 1 ResponseHeader
  leases 2 LeaseStatus repeated
message Member
  ID 1 uint64
  name 2 string
  peerURLs 3 string repeated
  clientURLs 4 string repeated
  isLearner 5 bool
message MemberAddRequest
  peerURLs 1 string repeated
  isLearner 2 bool
message MemberAddResponse
  header 1 ResponseHeader
  member 2 Member
  members 3 Member repeated
message MemberRemoveRequest
  ID 1 uint64
message MemberRemoveResponse
  header 1 ResponseHeader
  members 2 Member repeated
message MemberUpdateRequest
  ID 1 uint64
  peerURLs 2 string repeated
message MemberUpdateResponse
  header 1 ResponseHeader
  members 2 Member repeated
message MemberListRequest
  linearizable 1 bool
message MemberListResponse
  header 1 ResponseHeader
  members 2 Member repeated
message MemberPromoteRequest
  ID 1 uint64
message MemberPromoteResponse
  header 1 ResponseHeader
  members 2 Member repeated
message DefragmentRequest
message DefragmentResponse
  header 1 ResponseHeader
message MoveLeaderRequest
  targetID 1 uint64
message MoveLeaderResponse
  header 1 ResponseHeader
message AlarmRequest
  action 1 AlarmAction:enum
  memberID 2 uint64
  alarm 3 AlarmType:enum
message AlarmMember
  memberID 1 uint64
  alarm 2 AlarmType:enum
message AlarmResponse
  header 1 ResponseHeader
  alarms 2 AlarmMember repeated
message DowngradeRequest
  action 1 DowngradeAction:enum
  version 2 string
message DowngradeResponse
  header 1 ResponseHeader
  version 2 string
message StatusRequest
message StatusResponse
  header 1 ResponseHeader
  version 2 string
  dbSize 3 int64
  leader 4 uint64
  raftIndex 5 uint64
  raftTerm 6 uint64
  raftAppliedIndex 7 uint64
  errors 8 string repeated
  dbSizeInUse 9 int64
  isLearner 10 bool
  storageVersion 11 string
  dbSizeQuota 12 int64
message AuthStatusRequest
message AuthStatusResponse
  header 1 ResponseHeader
  enabled 2 bool
  authRevision 3 uint64
message Empty
package grpc.health.v1
enum ServingStatus UNKNOWN SERVING NOT_SERVING SERVICE_UNKNOWN
message HealthCheckRequest
  service 1 string
message HealthCheckResponse
  status 1 ServingStatus:enum
"""
